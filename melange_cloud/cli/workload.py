"""`melange-cloud workload`: histograms of request sizes, bundled or made from a trace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, OutOption, print_result

if TYPE_CHECKING:
    from melange_cloud.workload.document import Workload

app = typer.Typer(help="What sizes requests have.", no_args_is_help=True)


class TimeUnit(StrEnum):
    """Units of numeric timestamps."""

    s = "s"
    ms = "ms"
    us = "us"
    ns = "ns"


@app.callback()
def workload() -> None:
    """What sizes requests have: bundled histograms, and histograms of your own traces."""


@app.command("show")
def show(
    workload: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|FILE]", help="A bundled name or a workload document.", show_default=False
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Show a workload: the share of requests per size, its origin. Without a name: the names."""
    from melange_cloud.workload.store import bundled_names, load_workload

    if workload is None:
        from melange_cloud.documents import dump_json

        names = bundled_names()
        print_result(dump_json(list(names)) if format is Format.json else "\n".join(names))
    else:
        _print(load_workload(workload, Path()), format)


@app.command("from-trace")
def from_trace(
    trace: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The trace: CSV or JSONL, plain or .gz.", show_default=False
        ),
    ],
    timestamp_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Default: found by its name. none: ignore times."),
    ] = None,
    input_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Default: found by its name.")
    ] = None,
    output_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Default: found by its name.")
    ] = None,
    time_unit: Annotated[
        TimeUnit | None,
        typer.Option(help="Unit of numeric timestamps. Default: told by the column's name."),
    ] = None,
    input_edges: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Edges of the grid, input tokens.")
    ] = None,
    output_edges: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Edges of the grid, output tokens.")
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Add the edge that holds requests above the grid.")
    ] = False,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave out rows that are no requests.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the workload. Default: the file's.")
    ] = None,
    print_sql: Annotated[
        bool,
        typer.Option("--print-sql", help="Print the SQL that counts, for a table, and stop."),
    ] = False,
    format: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Make a workload from a trace of requests: times, input tokens, output tokens.

    Columns are found by the names that Azure, BurstGPT, Mooncake, Vidur, OpenAI, vLLM and
    OpenTelemetry use. A service file names the document that --out writes: `sizes: FILE`.
    """
    from melange_cloud.documents import write_text
    from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES, parse_edges
    from melange_cloud.workload.trace import TraceOptions, trace_sql, workload_from_trace
    from melange_cloud.workload.trace_columns import ColumnChoice

    options = TraceOptions(
        columns=ColumnChoice(
            timestamp=timestamp_column,
            input_tokens=input_column,
            output_tokens=output_column,
            time_unit=time_unit,
        ),
        input_edges=parse_edges(input_edges, "--input-edges", INPUT_EDGES),
        output_edges=parse_edges(output_edges, "--output-edges", OUTPUT_EDGES),
        extend=extend,
        skip_bad_rows=skip_bad_rows,
    )
    if print_sql:
        print_result(trace_sql(trace, options))
        return
    made = workload_from_trace(trace, options, name=name)
    if out is not None:
        write_text(out, made.to_json())
    _print(made, format)


def _print(workload: Workload, format: Format) -> None:
    if format is Format.json:
        print_result(workload.to_json())
    else:
        from melange_cloud.output.workload_table import workload_table

        print_result(workload_table(workload))
