"""The `melange-cloud` command: its subcommands, and the one place where errors are printed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from melange_cloud import __version__
from melange_cloud.cli.plan import plan
from melange_cloud.cli.prices import app as prices
from melange_cloud.cli.profile import app as profile
from melange_cloud.cli.schema import schema
from melange_cloud.cli.solve import solve
from melange_cloud.cli.sweep import sweep
from melange_cloud.cli.workload import app as workload
from melange_cloud.errors import EXIT_INTERRUPTED, EXIT_OUTSIDE, MelangeError

EPILOG = (
    "Exit codes: 0 done; 1 check found a regression; 2 wrong usage or invalid input; "
    "3 no fleet can serve this; 4 the outside world failed (prices, credentials, network, "
    "terraform, a file that cannot be written); 130 interrupted."
)

app = typer.Typer(
    name="melange-cloud",
    help="The cheapest mix of cloud GPUs that serves your LLM at your traffic and latency.",
    epilog=EPILOG,
    no_args_is_help=True,
    # Plain help: rich's costs as much time as all the rest of --help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("plan")(plan)
app.command("sweep")(sweep)
app.command("solve")(solve)
app.add_typer(prices, name="prices")
app.add_typer(profile, name="profile")
app.add_typer(workload, name="workload")
app.command("schema")(schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"melange-cloud {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version."),
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """The cheapest mix of cloud GPUs that serves your LLM at your traffic and latency."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error ends as one message and its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # --debug may stand anywhere, as users put it behind the command that failed
    words = [word for word in given if word != "--debug"]
    try:
        app(args=words, prog_name="melange-cloud")
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
