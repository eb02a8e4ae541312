"""What separates the columns of a CSV file, told by its first rows."""

from __future__ import annotations

import csv
import io
from itertools import islice

SEPARATORS = ",;\t|"
IN_WORDS = "commas, semicolons, tabs or vertical bars"

LONGEST_FIELD = 4 * 1024 * 1024
"""Characters of one value; the csv module's own limit is less than a long prompt."""

SAMPLE_ROWS = 50


def first_rows(text: str, separator: str) -> list[list[str]]:
    """The first rows of a text that hold anything; at least one."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text[:LONGEST_FIELD], newline=""), delimiter=separator)
    return list(islice((row for row in reader if row), SAMPLE_ROWS)) or [[]]


def find_separator(text: str) -> str | None:
    """The mark that cuts the first row into most columns; None when it cannot be told.

    Where several do, it is the one that cuts most of the other rows into as many.
    """
    found = []
    for mark in SEPARATORS:
        first, *rest = first_rows(text, mark)
        if len(first) > 1:
            alike = sum(len(row) == len(first) for row in rest)
            found.append((len(first), alike, mark))
    best = max(found, default=None)
    if best is None or sum(each[:2] == best[:2] for each in found) > 1:
        return None
    return best[2]
