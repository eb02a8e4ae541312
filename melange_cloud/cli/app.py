"""The `melange-cloud` command and its subcommands."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperOption

from melange_cloud import __version__
from melange_cloud.cli.once import refuse_twice
from melange_cloud.output.stdout import as_command, write_result

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
        write_result(f"melange-cloud {__version__}")
        raise typer.Exit


def root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error was raised.")
    ] = False,
) -> None:
    """The cheapest mix of cloud GPUs that serves your LLM at your traffic and latency."""


def build_command(words: list[str]) -> Any:
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
    built = typer.main.get_command(app)
    _finish(built)
    return built


def _named_plainly(argument: Any) -> None:
    """In help, ``PLAN...`` for ``{PLAN}...``, and ``PLAN`` for ``PLAN <list[Path]>``: Python's
    types say nothing to users. Choices stay."""
    record_of, pieces_of = argument.get_help_record, argument.get_usage_pieces

    def get_help_record(ctx: Any) -> tuple[str, str] | None:
        record = record_of(ctx)
        return record and (re.sub(r" <[^|>]+>$", "", record[0]), record[1])

    def get_usage_pieces(ctx: Any) -> list[str]:
        return [re.sub(r"^\{([^{}]+)\}", r"\1", piece) for piece in pieces_of(ctx)]

    argument.get_help_record, argument.get_usage_pieces = get_help_record, get_usage_pieces


def _finish(command: Any) -> None:
    """What holds for all commands below a group, and the command itself."""
    parts = getattr(command, "commands", {}).values()
    for part in parts:
        _finish(part)
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            _named_plainly(parameter)
    if not parts:
        command.callback = as_command(command.callback)
        for parameter in command.params:
            if isinstance(parameter, TyperOption) and not (
                parameter.multiple or parameter.is_flag or parameter.count
            ):
                refuse_twice(parameter)
