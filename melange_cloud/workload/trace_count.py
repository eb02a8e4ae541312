"""Counting a trace file's requests per bucket with DuckDB: one pass, bounded memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.workload.trace_columns import TraceColumns
from melange_cloud.workload.trace_file import TraceFile
from melange_cloud.workload.trace_sql import (
    MAX_MALFORMED_LINES,
    NOT_A_LENGTH,
    bad_rows_sql,
    bucket_sql,
    file_source,
)

if TYPE_CHECKING:
    import duckdb

MAX_THREADS = 4
"""Readers at once: each holds tens of MB of the file, so memory stays bounded on any machine."""

SHOWN_ROWS = 3

_SKIP = "correct them, or leave them out with --skip-bad-rows, which notes how many they were"


@dataclass(frozen=True)
class Group:
    """The requests of one bucket. An edge is None for lengths above the grid; times are in
    the trace's unit, microseconds for dates."""

    input_edge: int | None
    output_edge: int | None
    requests: int
    longest_input: int
    longest_output: int
    first_arrived: float | None
    last_arrived: float | None


@dataclass(frozen=True)
class Counts:
    """What a trace holds: its requests, and how many rows were left out as none."""

    groups: list[Group]
    skipped: int

    @property
    def requests(self) -> int:
        return sum(group.requests for group in self.groups)


def count_requests(
    file: TraceFile,
    columns: TraceColumns,
    input_edges: Sequence[int],
    output_edges: Sequence[int],
    *,
    skip_bad_rows: bool,
) -> Counts:
    """Requests per bucket. Raises InvalidInput for rows that are no requests, unless skipped."""
    timed = columns.timestamp is not None
    sql = bucket_sql(file_source(file, columns), input_edges, output_edges, timed=timed)
    with _connection(file) as connection:
        rows = connection.execute(sql).fetchall()
        malformed = _malformed_lines(connection, file, skip_bad_rows) if file.kind == "csv" else 0
        good = [row for row in rows if NOT_A_LENGTH not in row[:2]]
        bad = sum(row[2] for row in rows) - sum(row[2] for row in good)
        if bad and not skip_bad_rows:
            _refuse_bad_rows(connection, file, columns, bad, sum(row[2] for row in rows))
    return Counts([_group(row) for row in good], bad + malformed)


def skipped_note(counts: Counts) -> str:
    """What a document says about the rows that were left out."""
    part = part_of(counts.skipped, counts.requests + counts.skipped, "row")
    return f"{part} not {_requests(counts.skipped)}, and left out"


def part_of(count: int, total: int, noun: str) -> str:
    """``928 of 28,257 requests (3.28%) are``: the beginning of a sentence."""
    nouns = noun if total == 1 else f"{noun}s"
    verb = "is" if count == 1 else "are"
    return f"{count:,} of {total:,} {nouns} ({100 * count / total:.3g}%) {verb}"


@contextmanager
def _connection(file: TraceFile) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that reaches no network; its errors as ours."""
    import duckdb

    threads = min(os.cpu_count() or 1, MAX_THREADS)
    offline = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    connection = duckdb.connect(config={"threads": threads, **offline})
    try:
        connection.execute("SET enable_progress_bar = false")  # it would go to stdout
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from None  # DuckDB's own word for Ctrl-C
    except duckdb.Error as error:
        what = re.sub(r"^[\w ]*Error: ", "", str(error).split("\n", 1)[0])
        if "state machine" in what:
            what = "its line ends are mixed, or a quotation mark is out of place"
        raise InvalidInput(
            f"{file.path} cannot be read as a trace: {shorten(what, 200)}",
            hint="every line must be complete, with the same line end and closed quotes",
        ) from None
    finally:
        connection.close()


def _group(row: tuple[int | None, int | None, int, int, int, float | None, float | None]) -> Group:
    input_edge, output_edge, requests, longest_input, longest_output, first, last = row
    # lengths come as decimals
    return Group(
        input_edge, output_edge, requests, int(longest_input), int(longest_output), first, last
    )


_SKIPPABLE = ("MISSING COLUMNS", "TOO MANY COLUMNS")
"""Defects that end with their line. After others, as an open quote, whole lines are lost."""


def _malformed_lines(
    connection: duckdb.DuckDBPyConnection, file: TraceFile, skip_bad_rows: bool
) -> int:
    """How many CSV lines do not have the header's columns; InvalidInput unless skipped."""
    lines = connection.execute(
        "SELECT line, MIN(error_message), BOOL_OR(error_type::VARCHAR NOT IN (?, ?)) AS fatal "
        "FROM reject_errors GROUP BY line ORDER BY fatal DESC, line",
        list(_SKIPPABLE),
    ).fetchall()
    if not lines:
        return 0
    line, what, fatal = lines[0]
    if skip_bad_rows and not fatal and len(lines) < MAX_MALFORMED_LINES:
        return len(lines)
    many = "at least " if len(lines) >= MAX_MALFORMED_LINES else ""
    count = f"{many}{len(lines):,} lines are" if len(lines) > 1 else "1 line is"
    raise InvalidInput(
        f"{file.path}: {count} malformed; see line {line:,}: {shorten(what, 120)}",
        hint="correct the file" if fatal or skip_bad_rows else _SKIP,
    )


def _refuse_bad_rows(
    connection: duckdb.DuckDBPyConnection,
    file: TraceFile,
    columns: TraceColumns,
    bad: int,
    rows: int,
) -> NoReturn:
    """Raise the error that counts the rows that are no requests and shows the first."""
    timed = columns.timestamp is not None
    source = file_source(file, columns, with_text=True)
    found = connection.execute(bad_rows_sql(source, SHOWN_ROWS, timed=timed)).fetchall()
    needs = "whole numbers of tokens, 1 or more" + (", and a time" if timed else "")
    lines = [
        f"{file.path}: {part_of(bad, rows, 'row')} not {_requests(bad)}; a request has {needs}"
    ]
    for number, input_text, output_text, arrived_text in found:
        line = (
            f"row {number:,}: input tokens {_cell(input_text)}, output tokens {_cell(output_text)}"
        )
        lines.append(line + (f", timestamp {_cell(arrived_text)}" if timed else ""))
    raise InvalidInput("\n  ".join(lines), hint=_SKIP)


def _requests(count: int) -> str:
    return "a request" if count == 1 else "requests"


def _cell(text: str | None) -> str:
    return "missing" if text is None else f'"{shorten(text, 30)}"'
