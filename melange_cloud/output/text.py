"""Plain text that fits where it is read: widths, wrapping, lists, money."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from melange_cloud.output.stdout import columns_of_terminal

LIST_WIDTH = 100
"""Columns of a list of sentences at most: longer lines are hard to read."""

_BREAKS = re.compile(r"(?<=\w)[-/_=:,](?=\D)|(?<=[^\W\d])[-/_=:,](?=\d)")
"""Where a word too long for its line may be broken, behind the mark: never inside a number."""

_UNBROKEN = re.compile(r"[^\s`]*`[^`]+`[^\s`]*|\S+")


def terminal_width(stream: TextIO | None = None) -> int | None:
    """Columns there are: what COLUMNS says, or else what the terminal on ``stream`` has.

    That is by default where results go. None for a pipe or a file: text then takes what it needs,
    the same bytes on every machine.
    """
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return columns_of_terminal(stream)


def cells(text: str) -> int:
    """Columns that a line takes in a terminal, where some characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns, broken between words; lines of ``text`` stay apart.

    A word that is longer is broken behind its hyphens and slashes, and elsewhere only when that
    is not enough. Nothing is left out.
    """
    return [line for part in text.split("\n") for line in _wrapped(part, max(width, 1))]


def sentence(text: str, indent: str = "  ", stream: TextIO | None = None) -> str:
    """A line of text as one paragraph that fits the terminal, further lines indented."""
    width = terminal_width(stream)
    if width is None or cells(text) <= width:
        return text
    start = text[: len(text) - len(text.lstrip())]  # what stood indented stays so
    lines = wrap(text, max(width - len(start + indent), 1))
    return "\n".join(start + (indent if at else "") + line for at, line in enumerate(lines))


def bullets(title: str, lines: Iterable[str]) -> str:
    """A titled list, wrapped to the terminal; nothing when there are no lines."""
    width = min(terminal_width() or LIST_WIDTH, LIST_WIDTH)
    items = [
        "\n".join(
            ("    " if at else "  - ") + part for at, part in enumerate(wrap(line, width - 4))
        )
        for line in lines
    ]
    return "\n".join([sentence(title), *items]) + "\n" if items else ""


def usd(amount: float) -> str:
    """US dollars to the cent, as people read them: 12,345.60."""
    return f"{amount:,.2f}"


def pieces(word: str) -> list[str]:
    """The parts of a word between which it may be broken: ``us-``, ``east-``, ``1``."""
    ends = [match.end() for match in _BREAKS.finditer(word)]
    return [word[i:j] for i, j in zip([0, *ends], [*ends, len(word)], strict=True) if i < j]


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in _words(text, width):
        first, *more = _fitting(word, width)
        if line and cells(line) + 1 + cells(first) <= width:
            line += " " + first
        else:
            if line:
                yield line
            line = first
        for part in more:
            yield line
            line = part
    yield line


def _words(text: str, width: int) -> Iterator[str]:
    """The words of a line; a command in backticks is one where it fits, as it is to be copied."""
    for whole in _UNBROKEN.findall(text):
        yield from [whole] if cells(whole) <= width else whole.split()


def _fitting(word: str, width: int) -> list[str]:
    """The word in parts of at most ``width`` columns."""
    if cells(word) <= width:
        return [word]
    found = [""]
    for piece in pieces(word):
        parts = [piece] if cells(piece) <= width else list(_cut(piece, width))
        for part in parts:
            if found[-1] and cells(found[-1] + part) > width:
                found.append("")
            found[-1] += part
    return found


def _cut(piece: str, width: int) -> Iterator[str]:
    part = ""
    for character in piece:
        if part and cells(part + character) > width:
            yield part
            part = ""
        part += character
    yield part
