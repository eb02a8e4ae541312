"""Text of others inside markdown: shown as it is, and never as markup, a mention or a link.

Names come from files that anyone may send in a pull request. Punctuation is written as character
references, which no markdown parser takes for markup. GitHub and GitLab look for mentions and
references (@name, #1) in the rendered text as well, but not inside <code>.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from melange_cloud.names import shorten
from melange_cloud.printable import one_line

_REFERENCES = re.compile(
    r"(?<=[@#!$%~&^])(?=\w)|(?<=\bGH-)(?=\d)"
    r"|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\bmailto:)|(?<=\bxmpp:)",
    re.IGNORECASE,
)
"""Where a reference or an address would become one: a zero-width space goes there."""

_LIST = re.compile(r"^(\d+)([.)])")


def code(text: object, limit: int = 60) -> str:
    """A name, in <code>, on one line and at most ``limit`` characters."""
    return f"<code>{_neutral(shorten(one_line(str(text)), limit), ' -')}</code>"


def prose(text: object, limit: int = 300) -> str:
    """A sentence that may hold names, on one line and at most ``limit`` characters."""
    line = shorten(one_line(str(text)), limit)
    line = _REFERENCES.sub("\u200b", line)
    safe = _neutral(line, " -.,;:/()+%=?'")
    if safe.startswith(
        ("-", "+", "=", ":")
    ):  # would begin a list, a heading's underline or a quote
        return _reference(safe[0]) + safe[1:]
    return _LIST.sub(lambda found: found[1] + _reference(found[2]), safe)


def table(left: Sequence[str], right: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table: columns to the left, then numbers to the right. Cells are markdown."""
    columns = [*left, *right]
    marks = ["---"] * len(left) + ["---:"] * len(right)
    return [_row(columns), _row(marks), *map(_row, rows)]


def fitting(lines: Iterable[str], characters: int, more: str) -> list[str]:
    """As many whole lines as fit; then ``more``, with {} for the number of those left out."""
    kept: list[str] = []
    left_out, used = 0, 0
    for line in lines:
        used += len(line) + 1
        if used <= characters:
            kept.append(line)
        else:
            left_out += 1
    return [*kept, more.format(left_out)] if left_out else kept


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _neutral(text: str, plain: str) -> str:
    """ASCII punctuation but ``plain`` as character references."""
    return "".join(
        character
        if not character.isascii() or character.isalnum() or character in plain
        else _reference(character)
        for character in text
    )


def _reference(character: str) -> str:
    return f"&#{ord(character)};"
