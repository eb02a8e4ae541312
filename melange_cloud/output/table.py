"""Tables as plain text: the one look of all that is printed for people.

A table takes what it needs. Where the terminal is narrower, its long texts are wrapped; where that
is not enough, a table with a key column is split into parts that repeat it, and the rows of any
other take two lines each, or else a line for each cell. Numbers are never broken, and nothing is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from melange_cloud.output.stdout import as_printed
from melange_cloud.output.text import cells, pieces, terminal_width, wrap
from melange_cloud.printable import one_line

GAP, NARROW_GAP = 3, 2
"""Blanks between columns, and where room is short."""

INDENT = 4
"""Blanks before the second line of a row that takes two."""

TEXT_FLOOR, NAME_FLOOR, LONGEST_WORD = 24, 8, 20
"""A text is wrapped to no less than these columns; a word longer than the last may be broken."""


class Kind(Enum):
    """What a column holds, which says how it may be narrowed."""

    number = "number"
    name = "name"
    text = "text"


@dataclass(frozen=True)
class Column:
    """A column: its head, what it holds, and whether it stands to the right."""

    head: str
    kind: Kind
    right: bool = False


@dataclass
class Table:
    """Rows of cells, in sections. A ``keyed`` table may be split: its first column says which row
    one is in."""

    columns: list[Column]
    keyed: bool = False
    rows: list[list[str]] = field(default_factory=list)
    sections: set[int] = field(default_factory=set)

    def add_row(self, *row: str) -> None:
        """A cell for each column; a cell may have several lines."""
        assert len(row) == len(self.columns)
        self.rows.append(["\n".join(map(one_line, cell.split("\n"))) for cell in row])

    def add_section(self) -> None:
        """An empty line before the next row."""
        self.sections.add(len(self.rows))


def new_table(
    left: Sequence[str],
    right: Sequence[str] = (),
    more: Sequence[str] = (),
    *,
    keyed: bool = False,
) -> Table:
    """An empty table: names to the left, then numbers to the right, then texts to the left."""
    names = [Column(name, Kind.name) for name in left]
    numbers = [Column(name, Kind.number, right=True) for name in right]
    return Table([*names, *numbers, *(Column(name, Kind.text) for name in more)], keyed)


def draw(table: Table, width: int | None = None) -> str:
    """The table as plain text of at most ``width`` columns, the terminal's when none is given."""
    table = _as_printed(table)
    limit = terminal_width() if width is None else width
    natural = _natural(table)
    if limit is None or _whole(natural, GAP) <= limit:
        lines = _grid(table, natural, GAP)
    elif (widths := _squeezed(table, natural, limit)) is not None:
        lines = _grid(table, widths, NARROW_GAP)
    elif table.keyed and (parts := _parts(table, limit)):
        return "\n".join(draw(part, limit) for part in parts)
    elif not table.keyed and (halves := _halves(table, limit)):
        lines = _stacked(halves, limit)
    else:
        lines = _records(table, limit)
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _as_printed(table: Table) -> Table:
    """The table in the characters that standard output has, before its widths are measured."""
    columns = [replace(column, head=as_printed(column.head)) for column in table.columns]
    rows = [[as_printed(cell) for cell in row] for row in table.rows]
    return replace(table, columns=columns, rows=rows)


def natural_width(table: Table) -> int:
    """Columns that the table takes where there is room."""
    return _whole(_natural(table), GAP)


def _grid(table: Table, widths: Sequence[int], gap: int) -> list[str]:
    lines = [*_head(table, widths, gap), "─" * _whole(widths, gap)]
    for number in range(len(table.rows)):
        if number in table.sections and number:
            lines.append("")
        lines += _row(table, number, widths, gap)
    return lines


def _head(table: Table, widths: Sequence[int], gap: int) -> list[str]:
    heads = [wrap(column.head, width) for column, width in zip(table.columns, widths, strict=True)]
    height = max(map(len, heads))
    return [
        _line(table, [([""] * (height - len(head)) + head)[at] for head in heads], widths, gap)
        for at in range(height)
    ]


def _row(table: Table, number: int, widths: Sequence[int], gap: int) -> list[str]:
    wrapped = [wrap(cell, width) for cell, width in zip(table.rows[number], widths, strict=True)]
    return [
        _line(table, [cell[at] if at < len(cell) else "" for cell in wrapped], widths, gap)
        for at in range(max(map(len, wrapped)))
    ]


def _line(table: Table, parts: Sequence[str], widths: Sequence[int], gap: int) -> str:
    padded = []
    for column, part, width in zip(table.columns, parts, widths, strict=True):
        blanks = " " * (width - cells(part))
        padded.append(blanks + part if column.right else part + blanks)
    return (" " * gap).join(padded)


def _squeezed(table: Table, natural: Sequence[int], limit: int) -> list[int] | None:
    """Widths that fit, heads wrapped and long texts narrowed; None where numbers alone do not."""
    floors = [_floor(table, at, natural[at]) for at in range(len(table.columns))]
    widths = _unbroken(table, floors)
    # texts give way before names: a name in two parts is harder to read
    for kind in (Kind.text, Kind.name):
        wide = [at for at, column in enumerate(table.columns) if column.kind is kind]
        while _whole(widths, NARROW_GAP) > limit:
            at = max(wide, key=lambda at: (widths[at] > floors[at], widths[at]), default=None)
            if at is None or widths[at] <= floors[at]:
                break
            widths[at] -= 1
    room = limit - _whole(widths, NARROW_GAP)
    if room < 0:
        return None
    for at, wanted in enumerate(natural):  # a head on one line where that is to be had
        more = wanted - widths[at]
        if 0 < more <= room and table.columns[at].kind is Kind.number:
            widths[at] += more
            room -= more
    return widths


def _floor(table: Table, at: int, natural: int) -> int:
    """What a column cannot do without."""
    column = table.columns[at]
    head = min(max(map(cells, [*column.head.split(), ""])), LONGEST_WORD)
    if column.kind is Kind.number:
        return max(head, *map(cells, _lines(table, at)[1:]), 0)
    split = pieces if column.kind is Kind.name else lambda word: [word]
    words = [
        part for line in _lines(table, at)[1:] for word in line.split() for part in split(word)
    ]
    longest = min(max(map(cells, [*words, ""])), LONGEST_WORD)
    least = TEXT_FLOOR if column.kind is Kind.text else NAME_FLOOR
    return max(head, min(natural, max(longest, least)))


def _parts(table: Table, limit: int) -> list[Table]:
    """The table in as few parts as fit, each with the key column; none where one does not fit."""
    groups: list[list[int]] = []
    for at in range(1, len(table.columns)):
        longer = [*(groups[-1] if groups else []), at]
        if groups and _fits(_part(table, longer), limit):
            groups[-1] = longer
        elif _fits(_part(table, [at]), limit):
            groups.append([at])
        else:
            return []
    return [_part(table, group) for group in groups]


def _halves(table: Table, limit: int) -> list[Table]:
    """Two tables of the same rows, the first with as many columns as fit; none when two do not.

    Where that is possible no cell is broken in either.
    """
    every = range(len(table.columns))
    for fits in (_fits_unbroken, _fits):
        for many in reversed(range(1, len(every))):
            first, second = _chosen(table, every[:many]), _chosen(table, every[many:])
            if fits(first, limit) and fits(second, limit - INDENT):
                return [first, second]
    return []


def _stacked(halves: Sequence[Table], limit: int) -> list[str]:
    """Rows of two lines: the columns of the first half, and indented below it the others."""
    blanks = ("", " " * INDENT)
    limits = (limit, limit - INDENT)
    widths = [
        _squeezed(half, _natural(half), room) or []
        for half, room in zip(halves, limits, strict=True)
    ]
    wide = [
        _whole(some, NARROW_GAP) + len(start) for some, start in zip(widths, blanks, strict=True)
    ]
    drawn = list(zip(halves, widths, blanks, strict=True))
    lines = [start + line for half, some, start in drawn for line in _head(half, some, NARROW_GAP)]
    lines.append("─" * max(wide))
    for number in range(len(halves[0].rows)):
        for half, some, start in drawn:
            lines += [start + line for line in _row(half, number, some, NARROW_GAP)]
    return lines


def _part(table: Table, group: Sequence[int]) -> Table:
    return _chosen(table, [0, *group])


def _chosen(table: Table, chosen: Sequence[int]) -> Table:
    rows = [[row[at] for at in chosen] for row in table.rows]
    return Table([table.columns[at] for at in chosen], False, rows, table.sections)


def _fits(table: Table, limit: int) -> bool:
    return _squeezed(table, _natural(table), limit) is not None


def _fits_unbroken(table: Table, limit: int) -> bool:
    floors = [_floor(table, at, natural) for at, natural in enumerate(_natural(table))]
    return _whole(_unbroken(table, floors), NARROW_GAP) <= limit


def _unbroken(table: Table, floors: Sequence[int]) -> list[int]:
    """Widths with only heads wrapped."""
    return [max(floor, 0, *map(cells, _lines(table, at)[1:])) for at, floor in enumerate(floors)]


def _records(table: Table, limit: int) -> list[str]:
    """A line for each cell, its head before it, and an empty line between rows."""
    label = max(cells(column.head) for column in table.columns) + NARROW_GAP
    longest = max((cells(cell) for row in table.rows for cell in row), default=0)
    beside = limit - label >= min(longest, LONGEST_WORD)
    lines = []
    for row in table.rows:
        for column, cell in zip(table.columns, row, strict=True):
            if not cell:
                continue
            whole = column.kind is Kind.number
            room = limit - label if beside else limit - NARROW_GAP
            parts = [cell] if whole else wrap(cell, room)
            if beside:
                heads = [column.head + " " * (label - cells(column.head)), " " * label]
                lines += [heads[min(at, 1)] + part for at, part in enumerate(parts)]
            else:
                lines += [*wrap(column.head, limit), *(" " * NARROW_GAP + part for part in parts)]
        lines.append("")
    return lines


def _lines(table: Table, at: int) -> list[str]:
    """The head and every line of a column."""
    return [table.columns[at].head, *(line for row in table.rows for line in row[at].split("\n"))]


def _natural(table: Table) -> list[int]:
    """What each column takes where there is room."""
    return [max(map(cells, _lines(table, at))) for at in range(len(table.columns))]


def _whole(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)
