"""The `melange-cloud` command: its subcommands, and the one place where errors are printed."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated

import typer

from melange_cloud import __version__
from melange_cloud.errors import EXIT_INTERRUPTED, EXIT_OUTSIDE, MelangeError

EPILOG = (
    "Exit codes: 0 done; 1 check found a regression, or profile check a profile that fails; "
    "2 wrong usage or invalid input; "
    "3 no fleet can serve this; 4 the outside world failed (prices, credentials, network, "
    "terraform, a file that cannot be written); 130 interrupted."
)

COMMANDS = {
    "plan": "melange_cloud.cli.plan:plan",
    "sweep": "melange_cloud.cli.sweep:sweep",
    "solve": "melange_cloud.cli.solve:solve",
    "render": "melange_cloud.cli.render:render",
    "check": "melange_cloud.cli.check:check",
    "compare": "melange_cloud.cli.compare:compare",
    "prices": "melange_cloud.cli.prices:app",
    "profile": "melange_cloud.cli.profile:app",
    "workload": "melange_cloud.cli.workload:app",
    "schema": "melange_cloud.cli.schema:schema",
}
"""Name -> module and attribute: a function is a command, a Typer app is a group of commands."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"melange-cloud {__version__}")
        raise typer.Exit


def root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version."),
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """The cheapest mix of cloud GPUs that serves your LLM at your traffic and latency."""


def build_app(words: list[str]) -> typer.Typer:
    """The command line for ``words``: of a known command only that one is imported and built."""
    app = typer.Typer(
        name="melange-cloud",
        help=root.__doc__,
        epilog=EPILOG,
        no_args_is_help=True,
        # Plain help: rich's costs as much time as all the rest of --help.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    asked = next((word for word in words if not word.startswith("-")), "")
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module, attribute = COMMANDS[name].split(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error ends as one message and its exit code."""
    # we use no pydantic plugins, and looking for some reads the metadata of every package
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # --debug may stand anywhere, as users put it behind the command that failed
    words = [word for word in given if word != "--debug"]
    try:
        build_app(words)(args=words, prog_name="melange-cloud")
    except MelangeError as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        print(
            f"error: unexpected {type(error).__name__}: {error}\n"
            "  this is a bug in melange-cloud; run again with --debug and report what it prints",
            file=sys.stderr,
        )
        sys.exit(EXIT_OUTSIDE)
