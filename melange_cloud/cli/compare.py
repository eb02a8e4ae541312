"""`melange-cloud compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, OutOption, note, print_result


def compare(
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN...", help="Plans.", show_default=False)
    ],
    format_: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Show plans side by side, each with what it costs more than the first."""
    from melange_cloud.documents import write_text
    from melange_cloud.regression.comparison import compare_plans

    found = compare_plans(plans)
    if format_ is Format.json:
        print_result(found.to_json())
    else:
        from melange_cloud.output.compare_table import compare_table

        print_result(compare_table(found))
    if out:
        write_text(out, found.to_json())
        note(f"wrote {out}")
