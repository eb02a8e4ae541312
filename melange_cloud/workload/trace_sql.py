"""The SQL that turns requests into bucket counts: one aggregating statement, for any warehouse.

The statement reads a source with the columns ``input_tokens``, ``output_tokens`` and
``arrived``. Only that source differs between a trace file (DuckDB's readers) and a table.
"""

from __future__ import annotations

from collections.abc import Sequence

from melange_cloud.workload.trace_columns import TraceColumns
from melange_cloud.workload.trace_file import Name, TraceFile

NOT_A_LENGTH = 0
"""The edge the statement gives to what is no length: missing, below 1, or a fraction.
A length above the last edge has the edge NULL."""

MAX_MALFORMED_LINES = 100_000
"""Malformed CSV lines that are counted one by one; a file with more is no trace."""


def bucket_sql(
    source: str, input_edges: Sequence[int], output_edges: Sequence[int], *, timed: bool
) -> str:
    """The statement: per pair of edges the requests, the longest lengths and the time span.

    ``timed``: a row without a time is not a request.
    """
    arrived = "arrived IS NULL OR " if timed else ""
    return f"""\
SELECT
  input_edge,
  output_edge,
  COUNT(*) AS requests,
  MAX(input_tokens) AS longest_input,
  MAX(output_tokens) AS longest_output,
  MIN(arrived) AS first_arrived,
  MAX(arrived) AS last_arrived
FROM (
  SELECT
    input_tokens,
    output_tokens,
    arrived,
    CASE
      WHEN {arrived}{_not_a_length("input_tokens")} THEN {NOT_A_LENGTH}
{_cases("input_tokens", input_edges)}
    END AS input_edge,
    CASE
      WHEN {_not_a_length("output_tokens")} THEN {NOT_A_LENGTH}
{_cases("output_tokens", output_edges)}
    END AS output_edge
  FROM (
{_indent(source, 4)}
  ) AS requests
) AS sized
GROUP BY input_edge, output_edge
"""


def bad_rows_sql(source: str, limit: int, *, timed: bool) -> str:
    """The first rows that are not requests: number from 1, and their three texts (DuckDB)."""
    arrived = "arrived IS NULL OR " if timed else ""
    return f"""\
SELECT row_number, input_text, output_text, arrived_text
FROM (
{_indent(source, 2)}
)
WHERE {arrived}{_not_a_length("input_tokens")} OR {_not_a_length("output_tokens")}
LIMIT {limit}
"""


def table_source(table: str, columns: TraceColumns) -> str:
    """The source for a table that has the trace's columns, already typed."""
    arrived = _column(columns.timestamp) if columns.timestamp else "NULL"
    return (
        f"SELECT {_column(columns.input_tokens)} AS input_tokens, "
        f"{_column(columns.output_tokens)} AS output_tokens, {arrived} AS arrived\n"
        f"FROM {quoted(table)}"
    )


def file_source(file: TraceFile, columns: TraceColumns, *, with_text: bool = False) -> str:
    """The source for a trace file: DuckDB reads texts, and what does not convert is NULL.

    Numbers become DECIMAL, which knows no NaN or infinity; numeric times stay in the file's
    unit; dates become microseconds since 1970, UTC where they name no zone.
    ``with_text`` adds the row's number and its texts, for messages.
    """
    texts = {
        "input": _text(file, columns.input_tokens),
        "output": _text(file, columns.output_tokens),
        "arrived": _text(file, columns.timestamp) if columns.timestamp else "NULL",
    }
    selected = [
        f"TRY_CAST({texts['input']} AS DECIMAL(18, 3)) AS input_tokens",
        f"TRY_CAST({texts['output']} AS DECIMAL(18, 3)) AS output_tokens",
        f"{_time(texts['arrived'], columns)} AS arrived",
    ]
    if with_text:
        selected.append("ROW_NUMBER() OVER () AS row_number")
        selected.extend(f"{text} AS {name}_text" for name, text in texts.items())
    return "SELECT " + ",\n  ".join(selected) + f"\nFROM {_reader(file, columns)}"


def quoted(identifier: str) -> str:
    """An SQL identifier, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'


def _not_a_length(column: str) -> str:
    return f"{column} IS NULL OR {column} < 1 OR {column} <> FLOOR({column})"


def _cases(column: str, edges: Sequence[int]) -> str:
    return "\n".join(f"      WHEN {column} <= {edge} THEN {edge}" for edge in edges)


def _time(text: str, columns: TraceColumns) -> str:
    if columns.timestamp is None:
        return "NULL"
    if columns.time_unit is None:
        return f"epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))"
    number = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _column(name: Name) -> str:
    return ".".join(map(quoted, name))


def _text(file: TraceFile, name: Name) -> str:
    return _column(name) if file.kind == "jsonl" else f"c{file.columns.index(name)}"


def _reader(file: TraceFile, columns: TraceColumns) -> str:
    options = {"compression": "'gzip'" if file.gzipped else "'none'"}
    if file.kind == "jsonl":
        names = filter(None, (columns.input_tokens, columns.output_tokens, columns.timestamp))
        # a line that is no object becomes a row of NULLs, and is counted as such
        options |= {"format": "'newline_delimited'", "records": "true", "ignore_errors": "true"}
        options["columns"] = _json_columns(list(names))
    else:
        # columns by position: names may be anything, and may differ only in case
        types = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(file.columns)))
        options |= {"auto_detect": "false", "quote": "'\"'", "escape": "'\"'"}
        options |= {"delim": _literal(file.delimiter), "header": str(file.header).lower()}
        options |= {"skip": str(file.blank_lines), "columns": "{" + types + "}"}
        options |= {"store_rejects": "true", "rejects_limit": str(MAX_MALFORMED_LINES)}
    given = ", ".join(f"{name}={value}" for name, value in options.items())
    return f"read_{'json' if file.kind == 'jsonl' else 'csv'}({_path(file)}, {given})"


def _json_columns(names: list[Name]) -> str:
    """DuckDB's ``columns``: {'usage': 'STRUCT("prompt_tokens" VARCHAR)', 'created': 'VARCHAR'}."""
    tree: dict[str, list[Name]] = {}
    for head, *rest in names:
        tree.setdefault(head, []).append(tuple(rest))
    pairs = (f"{_literal(head)}: {_literal(_json_type(below))}" for head, below in tree.items())
    return "{" + ", ".join(pairs) + "}"


def _json_type(below: list[Name]) -> str:
    if () in below:
        return "VARCHAR"
    tree: dict[str, list[Name]] = {}
    for head, *rest in below:
        tree.setdefault(head, []).append(tuple(rest))
    fields = ", ".join(f"{quoted(head)} {_json_type(deeper)}" for head, deeper in tree.items())
    return f"STRUCT({fields})"


def _path(file: TraceFile) -> str:
    """The absolute path, so that it is no URL, with DuckDB's wildcards taken literally."""
    path = file.path.resolve().as_posix()
    return _literal("".join(f"[{mark}]" if mark in "*?[" else mark for mark in path))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _indent(sql: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in sql.splitlines())
