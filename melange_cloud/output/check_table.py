"""A check for people at a terminal."""

from __future__ import annotations

from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import bullets, sentence
from melange_cloud.regression.check import Check
from melange_cloud.regression.difference import PoolChange
from melange_cloud.regression.words import (
    TITLES,
    headline,
    policy_words,
    shown_parts,
    unserved_words,
)


def check_table(found: Check) -> str:
    """All that `melange-cloud check` prints."""
    parts = [
        bullets(*policy_words(found)),
        sentence(headline(found)) + "\n",
        bullets("Because", found.reasons),
        _causes(found),
        _pools(found),
        bullets("Notes", found.notes),
    ]
    return "\n".join(part for part in parts if part)


def _causes(found: Check) -> str:
    parts = shown_parts(found)
    if not parts or found.change is None:
        return ""
    table = new_table(("why",), ("$/h",), ("what changed",))
    for share, part in parts:
        table.add_row(TITLES[share.cause], f"{part:+,.2f}", "\n".join(share.details))
    table.add_section()
    table.add_row("in all", f"{found.change.usd_per_hour:+,.2f}", "")
    said = bullets("", [unserved_words(found.unserved)]) if found.unserved else ""
    return draw(table) + said


def _pools(found: Check) -> str:
    if not found.pools:
        return ""
    table = new_table(("pool", "change"), ("instances", "$/h each", "$/h"))
    for pool in found.pools:
        table.add_row(*_cells(pool))
    return draw(table)


def _cells(pool: PoolChange) -> list[str]:
    return [
        pool.id,
        {"same": "unchanged"}.get(pool.change, pool.change),
        _arrow(str(pool.count_before), str(pool.count)),
        _arrow(_price(pool.usd_per_hour_each_before), _price(pool.usd_per_hour_each)),
        f"{pool.usd_per_hour:+,.2f}",
    ]


def _price(price: float | None) -> str:
    return "-" if price is None else f"{price:,.4f}"


def _arrow(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"
