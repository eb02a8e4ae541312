"""Tables as plain text: the one look of all that is printed for people."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 400
"""Columns given to a table: it takes what it needs, also when the output is no terminal."""


def new_table(left: Sequence[str], right: Sequence[str] = (), more: Sequence[str] = ()) -> Table:
    """An empty table: columns to the left, then numbers to the right, then ``more`` to the left."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    for name in more:
        table.add_column(name, no_wrap=True)
    return table


def draw(table: Table) -> str:
    """The table as plain text, without blanks at the ends of lines."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=WIDE, color_system=None, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def bullets(title: str, lines: Iterable[str], width: int = 100) -> str:
    """A titled list, wrapped; nothing when there are no lines."""
    import textwrap

    wrapped = [
        textwrap.fill(
            line, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
        )
        for line in lines
    ]
    return "\n".join([title, *wrapped]) + "\n" if wrapped else ""


def usd(amount: float) -> str:
    """US dollars to the cent, as people read them: 12,345.60."""
    return f"{amount:,.2f}"
