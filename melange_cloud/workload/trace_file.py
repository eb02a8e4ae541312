"""What a trace file is, seen from its first lines: CSV or JSONL, its delimiter, its columns."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from melange_cloud.errors import InvalidInput
from melange_cloud.names import is_text, shorten
from melange_cloud.reading import regular_file
from melange_cloud.separators import IN_WORDS, SAMPLE_ROWS, find_separator, first_rows

SAMPLE_CHARACTERS = 4 * 1024 * 1024
"""Enough for several rows of a log that also holds the longest prompts."""

Name = tuple[str, ...]
"""A column: one name in CSV; the keys that lead to it in JSONL, as ("usage", "prompt_tokens")."""


@dataclass(frozen=True)
class TraceFile:
    """A trace and how to read it. ``first`` has the first text of each column."""

    path: Path
    kind: Literal["csv", "jsonl"]
    gzipped: bool
    columns: tuple[Name, ...]
    first: dict[Name, str]
    delimiter: str = ","
    header: bool = True
    blank_lines: int = 0
    """Empty lines above the first row (or header)."""


def inspect(path: Path) -> TraceFile:
    """Look at the first lines of a trace. InvalidInput says why a file cannot be one."""
    text, gzipped, marked = _sample(path)
    if not text.strip():
        raise InvalidInput(f"{path} is empty; a trace was expected")
    if text.lstrip().startswith("["):
        raise InvalidInput(
            f"{path} is a JSON array; a trace has one JSON object on each line",
            hint="convert it, for example with: jq -c '.[]'",
        )
    if text.lstrip().startswith("{"):
        if marked:
            raise InvalidInput(
                f"{path} begins with a byte order mark, which is not JSON",
                hint="save it as UTF-8 without a byte order mark",
            )
        return _jsonl(path, gzipped, text)
    return _csv(path, gzipped, text)


def _sample(path: Path) -> tuple[str, bool, bool]:
    """The first characters; whether the file is gzipped; whether a byte order mark leads it."""
    regular_file(path, "trace")  # of any size, as DuckDB reads it
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        opened: Any = gzip.open if gzipped else open
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            text = file.read(SAMPLE_CHARACTERS)
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text file (a trace is UTF-8 text)") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InvalidInput(f"{path} is a damaged gzip file") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    if "\0" in text:
        raise InvalidInput(f"{path} is not a text file (a trace is UTF-8 text)")
    return text.removeprefix("\ufeff"), gzipped, text.startswith("\ufeff")


def _csv(path: Path, gzipped: bool, text: str) -> TraceFile:
    body = text.lstrip("\r\n")
    blank_lines = len(text[: len(text) - len(body)].splitlines())
    delimiter = find_separator(body)
    if delimiter is None:
        raise InvalidInput(
            f"{path}: the separator of its columns cannot be told from its first line",
            hint=f"separate the columns by {IN_WORDS}, and write numbers with a decimal point; "
            "a trace has at least the input tokens and the output tokens of each request",
        )
    first, *rest = first_rows(body, delimiter)
    header = not any(is_number(cell) or looks_like_time(cell) for cell in first)
    names = [cell.strip() for cell in first] if header else [str(n + 1) for n in range(len(first))]
    columns = tuple((name,) for name in names)
    rows = rest if header else [first, *rest]
    if not rows:
        raise InvalidInput(
            f"{path} holds no requests, only a header: {shorten(', '.join(names), 200)}"
        )
    return TraceFile(
        path=path,
        kind="csv",
        gzipped=gzipped,
        columns=columns,
        first=_first_values(columns, rows),
        delimiter=delimiter,
        header=header,
        blank_lines=blank_lines,
    )


def _first_values(columns: tuple[Name, ...], rows: list[list[str]]) -> dict[Name, str]:
    first: dict[Name, str] = {}
    for row in reversed(rows):
        first |= {name: cell for name, cell in zip(columns, row, strict=False) if cell.strip()}
    return first


def _jsonl(path: Path, gzipped: bool, text: str) -> TraceFile:
    """Columns are all keys met in the first rows: an optional one may be absent from the first."""
    first: dict[Name, str] = {}
    for line in islice(filter(str.strip, text.split("\n")), SAMPLE_ROWS):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):  # counted later, with all other bad rows
            continue
        if isinstance(value, dict):
            first = {**_flat(value), **first}
    return TraceFile(path, "jsonl", gzipped, tuple(sorted(first)), first)


def _flat(value: dict[str, Any], above: Name = ()) -> dict[Name, str]:
    result: dict[Name, str] = {}
    for key, inner in value.items():
        if not is_text(key):
            continue  # no column can be called so
        if isinstance(inner, dict):
            result.update(_flat(inner, (*above, key)))
        elif isinstance(inner, (str, int, float)) and not isinstance(inner, bool):
            result[(*above, key)] = str(inner)
    return result


def is_number(text: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def looks_like_time(text: str) -> bool:
    """Whether a cell holds a date, as 2023-11-16 18:15:46.68 or 2023-11-16T18:15:46Z."""
    cell = text.strip()
    return len(cell) >= 10 and cell[:4].isdecimal() and cell[4] in "-/" and cell[5:7].isdecimal()
