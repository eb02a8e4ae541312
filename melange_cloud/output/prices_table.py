"""Offers as a table for people."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from melange_cloud.prices.offer import Offer

WIDE = 240
"""Columns given to a table: it takes what it needs, also when the output is no terminal."""


def prices_table(offers: Iterable[Offer]) -> str:
    """One row an offer; prices per instance and per GPU, to a hundredth of a cent."""
    table = new_table()
    for name in ("provider", "region", "instance type", "GPU"):
        table.add_column(name, no_wrap=True)
    for name in ("GPUs", "vCPUs", "GiB", "$/h", "$/GPU h"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("purchase", "as of"):
        table.add_column(name, no_wrap=True)
    for offer in offers:
        table.add_row(
            offer.provider,
            offer.region,
            offer.instance_type,
            offer.gpu,
            str(offer.gpu_count),
            "" if offer.vcpus is None else str(offer.vcpus),
            "" if offer.memory_gib is None else f"{offer.memory_gib:g}",
            f"{offer.usd_per_hour:.4f}",
            f"{offer.usd_per_hour / offer.gpu_count:.4f}",
            offer.purchase,
            offer.as_of or "unknown",
        )
    return draw(table)


def new_table() -> Table:
    """An empty table in the style of all price tables."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False)


def draw(table: Table) -> str:
    """The table as plain text, without blanks at the ends of lines."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=WIDE, color_system=None)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"
