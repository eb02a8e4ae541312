"""A Workload from a trace of requests: a CSV or JSONL file of times and token counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.workload.document import Workload
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES
from melange_cloud.workload.trace_columns import (
    SECONDS_PER,
    ColumnChoice,
    TraceColumns,
    find_columns,
)
from melange_cloud.workload.trace_count import Counts, Group, count_requests, part_of, skipped_note
from melange_cloud.workload.trace_file import inspect
from melange_cloud.workload.trace_sql import bucket_sql, table_source


@dataclass(frozen=True)
class TraceOptions:
    """How to read a trace; the grid's edges are tokens."""

    columns: ColumnChoice = field(default_factory=ColumnChoice)
    input_edges: Sequence[int] = INPUT_EDGES
    output_edges: Sequence[int] = OUTPUT_EDGES
    extend: bool = False
    """Add the edge that holds requests larger than the grid, instead of stopping."""
    skip_bad_rows: bool = False
    """Leave out rows that are no requests, and note their number, instead of stopping."""


def workload_from_trace(
    path: Path,
    options: TraceOptions | None = None,
    *,
    name: str | None = None,
    provenance: str | None = None,
) -> Workload:
    """The histogram of a trace's requests, with their mean rate where it has times.

    Reads CSV with or without header, and JSONL, both also gzipped. The rate is requests over
    the seconds from the first to the last. ``name`` and ``provenance`` default to the file's.
    Raises InvalidInput for a file that is no trace, for rows that are no requests (a length
    missing, below 1 or no whole number; no time) and for requests larger than the grid.
    """
    options = options or TraceOptions()
    file = inspect(path)
    columns = find_columns(file, options.columns)
    counts = count_requests(
        file,
        columns,
        options.input_edges,
        options.output_edges,
        skip_bad_rows=options.skip_bad_rows,
    )
    if not counts.groups:
        left_out = f": none of its {counts.skipped:,} rows is one" if counts.skipped else ""
        raise InvalidInput(f"{path} holds no requests{left_out}")
    larger = [group for group in counts.groups if None in (group.input_edge, group.output_edge)]
    if larger and not options.extend:
        raise _larger_than_grid(path, options, counts, larger)
    input_edges, output_edges = _extended(options, larger)
    return Workload(
        name=name or _stem(path),
        source="measured",
        provenance=provenance or f"trace {path.name}, columns {columns}",
        rate=_rate(counts, columns),
        requests=counts.requests,
        input_tokens=input_edges,
        output_tokens=output_edges,
        shares=_shares(counts, input_edges, output_edges),
        notes=_notes(options, counts, larger),
    )


def trace_sql(path: Path, options: TraceOptions | None = None) -> str:
    """The same aggregating statement, for a table named as the file, with the file's columns."""
    options = options or TraceOptions()
    columns = find_columns(inspect(path), options.columns)
    source = table_source(_stem(path), columns)
    timed = columns.timestamp is not None
    return bucket_sql(source, options.input_edges, options.output_edges, timed=timed)


def _stem(path: Path) -> str:
    """``chat`` of chat.csv.gz, chat.jsonl and the like."""
    stem = path.name
    for ending in (".gz", ".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json"):
        stem = stem.removesuffix(ending) or stem
    return stem


def _extended(options: TraceOptions, larger: list[Group]) -> tuple[list[int], list[int]]:
    """The grid's edges, with one more where requests are larger: the longest length itself."""
    input_edges, output_edges = list(options.input_edges), list(options.output_edges)
    inputs = [group.longest_input for group in larger if group.input_edge is None]
    outputs = [group.longest_output for group in larger if group.output_edge is None]
    return input_edges + sorted(inputs)[-1:], output_edges + sorted(outputs)[-1:]


def _larger_than_grid(
    path: Path, options: TraceOptions, counts: Counts, larger: list[Group]
) -> InvalidInput:
    whole = sum(group.requests for group in larger)
    lines = [f"{path}: {part_of(whole, counts.requests, 'request')} larger than the size grid"]
    for side, requests, last, edge in _sides(options, larger):
        lines.append(
            f"{requests:,} with more than {last} {side} tokens; the edge {edge} would hold them"
        )
    hint = "add the edge with --extend, or give a grid of your own: --input-edges, --output-edges"
    return InvalidInput("\n  ".join(lines), hint=hint)


def _sides(options: TraceOptions, larger: list[Group]) -> list[tuple[str, int, int, int]]:
    """Per side that is too small: its name, requests above it, its last edge, the edge needed."""
    input_edges, output_edges = _extended(options, larger)
    inputs = sum(group.requests for group in larger if group.input_edge is None)
    outputs = sum(group.requests for group in larger if group.output_edge is None)
    sides = [
        ("input", inputs, options.input_edges[-1], input_edges[-1]),
        ("output", outputs, options.output_edges[-1], output_edges[-1]),
    ]
    return [side for side in sides if side[1]]


def _notes(options: TraceOptions, counts: Counts, larger: list[Group]) -> list[str]:
    notes = [
        f"{side} edge {edge} added for {requests:,} requests above {last} tokens: one bucket, "
        "judged at that edge"
        for side, requests, last, edge in _sides(options, larger)
    ]
    if counts.skipped:
        notes.append(skipped_note(counts))
    return notes


def _shares(counts: Counts, input_edges: list[int], output_edges: list[int]) -> list[list[float]]:
    rows = {edge: index for index, edge in enumerate(input_edges)}
    columns = {edge: index for index, edge in enumerate(output_edges)}
    table = [[0] * len(output_edges) for _ in input_edges]
    for group in counts.groups:
        # a length above the grid is in the edge that was added: the last
        row = rows[group.input_edge or input_edges[-1]]
        column = columns[group.output_edge or output_edges[-1]]
        table[row][column] += group.requests
    return [[count / counts.requests for count in line] for line in table]


def _rate(counts: Counts, columns: TraceColumns) -> float | None:
    """Requests/s, or None without times or when all came at once."""
    if columns.timestamp is None:
        return None
    first = min(group.first_arrived for group in counts.groups if group.first_arrived is not None)
    last = max(group.last_arrived for group in counts.groups if group.last_arrived is not None)
    span_seconds = (last - first) * SECONDS_PER[columns.time_unit or "us"]
    return counts.requests / span_seconds if span_seconds > 0 else None
