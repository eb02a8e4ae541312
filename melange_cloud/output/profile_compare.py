"""A comparison of profiles for people: which GPU wins each size, and by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from melange_cloud.output.profile_table import limits
from melange_cloud.output.table import Column, Kind, Table, draw, new_table
from melange_cloud.output.text import sentence
from melange_cloud.profiles.compare import Comparison, Tile
from melange_cloud.profiles.throughput import Slo


def comparison_table(comparison: Comparison) -> str:
    """The prices, then a table for each SLO: input tokens down, output tokens across."""
    model = comparison.contenders[0].profile.model
    prices = new_table(("profile",), ("USD/h a replica",), ("source", "price of"))
    for contender in comparison.contenders:
        prices.add_row(
            contender.name,
            f"{contender.usd_per_hour:.4g}",
            contender.profile.source,
            contender.price_of,
        )
    tables = [
        _tiles(slo, tiles, len(comparison.contenders))
        for slo, tiles in zip(comparison.slos, comparison.tiles, strict=True)
    ]
    title = sentence(f"{model}: tokens per dollar, input and output")
    return f"{title}\n\n{draw(prices)}\n" + "\n".join(tables)


def advantage(share: float | None) -> str:
    """``+12%``; nothing where there is no other."""
    return "" if share is None else f"+{share:.0%}"


def slo_words(slo: Slo) -> str:
    """``under a mean TPOT of 120 ms`` or ``at saturation, no SLO``."""
    return f"under {limits(slo)}" if limits(slo) else "at saturation, no SLO"


def _tiles(slo: Slo, tiles: Sequence[Tile], contenders: int) -> str:
    by_size = {(tile.input_tokens, tile.output_tokens): tile for tile in tiles}
    outputs = sorted({o for _, o in by_size})
    heads = [Column(str(o), Kind.name, right=True) for o in outputs]
    table = Table([Column("input \\ output", Kind.number, right=True), *heads], keyed=True)
    for i in sorted({i for i, _ in by_size}):
        table.add_row(str(i), *(_cell(by_size.get((i, o)), contenders) for o in outputs))
    wins = Counter(tile.best for tile in tiles if tile.best)
    won = ", ".join(f"{name} {count}" for name, count in wins.most_common())
    none = sum(tile.best is None for tile in tiles)
    legend = "the best GPU, and how far it is above the second best"
    legend += " (and above the worst that can serve)" if contenders > 2 else ""
    legend += "; none: no GPU can serve it"
    summary = f"sizes won: {won or 'none'}" + (f"; {none} that none can serve" if none else "")
    return f"{slo_words(slo)}\n\n{draw(table)}{sentence(legend)}\n{sentence(summary)}\n"


def _cell(tile: Tile | None, contenders: int) -> str:
    if tile is None:
        return "-"
    if tile.best is None:
        return "none"
    if tile.over_second is None:
        return f"{tile.best} only"
    text = f"{tile.best} {advantage(tile.over_second)}"
    return f"{text} ({advantage(tile.over_worst)})" if contenders > 2 else text
