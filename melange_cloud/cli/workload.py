"""`melange-cloud workload`: histograms of request sizes, bundled or made from a trace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, OutOption, print_result
from melange_cloud.cli.files import check_files, deliver
from melange_cloud.cli.lists import several

if TYPE_CHECKING:
    from melange_cloud.workload.document import Workload

app = typer.Typer(help="What sizes requests have.", no_args_is_help=True)


BY_NAME = "found by its name"
"""The default of an option that names a column."""


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
            metavar="NAME|FILE", help="A bundled workload, or a file of one.", show_default=False
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Show a workload: the share of requests of each size.

    Says also where the sizes come from. Without a name, shows the names of the bundled workloads.
    """
    from melange_cloud.workload.store import bundled_names, load_workload

    if workload is None:
        from melange_cloud.documents import dump_json

        names = bundled_names()
        shown = dump_json(list(names)) if format is Format.json else "\n".join(names)
        print_result(shown, format)
    else:
        print_result(_shown(load_workload(workload, Path()), format), format)


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
        typer.Option(
            metavar="COLUMN",
            help="Column of the arrival times; none leaves times out.",
            show_default=BY_NAME,
        ),
    ] = None,
    input_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of the input tokens.", show_default=BY_NAME),
    ] = None,
    output_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of the output tokens.", show_default=BY_NAME),
    ] = None,
    time_unit: Annotated[
        TimeUnit | None,
        typer.Option(
            help="Unit of arrival times that are numbers.", show_default="by the column's name"
        ),
    ] = None,
    input_edges: Annotated[
        list[str] | None,
        several(
            "--input-edges",
            metavar="TOKENS",
            help="Edges of the grid for input tokens.",
            show_default="the paper's",
        ),
    ] = None,
    output_edges: Annotated[
        list[str] | None,
        several(
            "--output-edges",
            metavar="TOKENS",
            help="Edges of the grid for output tokens.",
            show_default="the paper's",
        ),
    ] = None,
    extend: Annotated[
        bool,
        typer.Option("--extend", help="Add an edge to the grid that holds the requests above it."),
    ] = False,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave out rows that are not requests.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the workload.", show_default="the file's"),
    ] = None,
    print_sql: Annotated[
        bool,
        typer.Option("--print-sql", help="Only print the SQL that counts the requests in a table."),
    ] = False,
    format: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Make a workload from a trace of requests.

    A trace has a row for each request, with its arrival time, input tokens and output tokens.
    Columns are found by the names that Azure, BurstGPT, Mooncake, Vidur, OpenAI, vLLM and
    OpenTelemetry use. A service names the document that --out writes by `sizes: FILE`.
    """
    from melange_cloud.errors import InvalidInput
    from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES, parse_edges
    from melange_cloud.workload.trace import TraceOptions, trace_sql, workload_from_trace
    from melange_cloud.workload.trace_columns import ColumnChoice

    if trace == Path("-"):
        raise InvalidInput(
            "a trace cannot come from standard input, as it is read more than once",
            hint="write it to a file and give that",
        )
    options = TraceOptions(
        columns=ColumnChoice(
            timestamp=timestamp_column,
            input_tokens=input_column,
            output_tokens=output_column,
            time_unit=time_unit,
        ),
        input_edges=parse_edges(_joined(input_edges), "--input-edges", INPUT_EDGES),
        output_edges=parse_edges(_joined(output_edges), "--output-edges", OUTPUT_EDGES),
        extend=extend,
        skip_bad_rows=skip_bad_rows,
    )
    if print_sql:
        print_result(trace_sql(trace, options), "sql")
        return
    check_files({"the trace": trace}, {"--out": out})
    made = workload_from_trace(trace, options, name=name)
    deliver(out, made.to_json(), _shown(made, format), format)


def _joined(edges: list[str] | None) -> str | None:
    return None if edges is None else ",".join(edges)


def _shown(workload: Workload, format: Format) -> str:
    if format is Format.json:
        return workload.to_json()
    from melange_cloud.output.workload_table import workload_table

    return workload_table(workload)
