"""`melange-cloud profile check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, ProfilesOption, print_result
from melange_cloud.cli.profile_options import OfModelOption, ProfilesArgument
from melange_cloud.errors import EXIT_REGRESSION


def check(
    checked: ProfilesArgument,
    model: OfModelOption = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="The estimate to set beside it.",
            show_default="our own",
        ),
    ] = None,
    profiles: ProfilesOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Check that a measured profile can be true.

    Says also how far an estimate is from it. The exit code is 1 when a profile fails: when it
    shows what no engine does (under more load far fewer requests/s, or faster tokens), a TPOT of 0,
    many failed requests, hardly any requests, or mere noise.
    """
    from melange_cloud.output.profile_check import checked_json, checked_text
    from melange_cloud.profiles.assess import assess
    from melange_cloud.profiles.pick import pick_profiles

    found = assess(pick_profiles(checked, model, profiles or []), against)
    shown = checked_json(found) if format is Format.json else checked_text(found)
    print_result(shown, format)
    if any(one.fails for one in found):
        raise typer.Exit(EXIT_REGRESSION)
