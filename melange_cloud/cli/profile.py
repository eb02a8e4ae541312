"""`melange-cloud profile`: what one model replica sustains on each GPU type."""

from __future__ import annotations

from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, ProfilesOption, print_result
from melange_cloud.cli.profile_check import check
from melange_cloud.cli.profile_compare import compare
from melange_cloud.cli.profile_estimate import estimate
from melange_cloud.cli.profile_import import import_
from melange_cloud.cli.profile_provision import provision
from melange_cloud.cli.profile_run import run
from melange_cloud.cli.profile_show import show

app = typer.Typer(
    help="What one replica of a model sustains on each GPU type.", no_args_is_help=True
)


@app.command("list")
def list_(
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="Only this model: its Hugging Face id."),
    ] = None,
    profiles: ProfilesOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Show which profiles there are, and why some GPUs have none."""
    from melange_cloud.profiles.listing import list_profiles, listing_json

    listing = list_profiles(model, profiles or [])
    if format is Format.json:
        print_result(listing_json(listing), format)
    else:
        from melange_cloud.output.profile_table import listing_table

        print_result(listing_table(listing))


app.command("show")(show)
app.command("estimate")(estimate)
app.command("import")(import_)
app.command("compare")(compare)
app.command("check")(check)
app.command()(run)
app.command()(provision)
