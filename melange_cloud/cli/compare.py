"""`melange-cloud compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, OutOption, standard_input_among
from melange_cloud.cli.files import check_files, deliver


def compare(
    plans: Annotated[
        list[Path],
        typer.Argument(
            metavar="PLAN",
            help="Two plans or more; one of them may be - for standard input.",
            show_default=False,
            callback=standard_input_among,
        ),
    ],
    format_: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Show plans side by side.

    Each stands with what it serves, what it costs, and how much that is above the first.
    """
    from melange_cloud.regression.comparison import compare_plans

    check_files({"a plan": plans}, {"--out": out})
    found = compare_plans(plans)
    if format_ is Format.json:
        shown = found.to_json()
    else:
        from melange_cloud.output.compare_table import compare_table

        shown = compare_table(found)
    deliver(out, found.to_json(), shown, format_)
