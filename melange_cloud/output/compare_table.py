"""Plans side by side: a column each."""

from __future__ import annotations

from collections.abc import Callable

from melange_cloud.names import shorten
from melange_cloud.output.table import Column, Kind, Table, draw
from melange_cloud.output.text import usd
from melange_cloud.regression.comparison import ComparedPlan, Comparison

_ROWS: dict[str, Callable[[ComparedPlan], str]] = {
    "service": lambda plan: shorten(plan.service),
    "model": lambda plan: shorten(plan.model),
    "requests/s": lambda plan: (
        f"{plan.rate:g}" + (f" + {plan.headroom:.0%}" if plan.headroom else "")
    ),
    "sizes": lambda plan: shorten(plan.sizes),
    "TPOT, ms": lambda plan: f"{plan.tpot_ms:g}",
    "TTFT, ms": lambda plan: "-" if plan.ttft_ms is None else f"{plan.ttft_ms:g}",
    "prices": lambda plan: shorten(plan.prices),
    "oldest price": lambda plan: plan.prices_as_of or "undated",
    "$/h": lambda plan: usd(plan.usd_per_hour) + ("" if plan.status == "optimal" else "*"),
    "$/month": lambda plan: usd(plan.usd_per_month),
    "more than the first, $/h": lambda plan: f"{plan.more_usd_per_hour:+,.2f}",
    "more than the first": lambda plan: "-" if plan.more is None else f"{plan.more:+.1%}",
}


def compare_table(found: Comparison) -> str:
    """A column a plan: what it serves, what it costs, and the instances of each pool."""
    files = [Column(shorten(plan.file), Kind.name, right=True) for plan in found.plans]
    table = Table([Column("", Kind.name), *files], keyed=True)
    for name, cell in _ROWS.items():
        table.add_row(name, *map(cell, found.plans))
    table.add_section()
    for pool in dict.fromkeys(pool for plan in found.plans for pool in plan.pools):
        counts = (plan.pools.get(pool, 0) for plan in found.plans)
        table.add_row(pool, *(str(count) if count else "-" for count in counts))
    unproven = any(plan.status != "optimal" for plan in found.plans)
    return draw(table) + ("\n* not proven cheapest\n" if unproven else "")
