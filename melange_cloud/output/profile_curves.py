"""Throughput against load at one size, for people: a table with bars."""

from __future__ import annotations

from collections.abc import Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.output.profile_table import origin, title
from melange_cloud.output.table import GAP, Column, Kind, Table, draw, natural_width, new_table
from melange_cloud.output.text import terminal_width
from melange_cloud.profiles.document import Profile, Value
from melange_cloud.profiles.sizes import Size
from melange_cloud.profiles.throughput import Slo

BAR, SHORTEST_BAR = 30, 8
"""Characters of the longest bar, and the fewest that still show a curve."""

_NAMES = (
    "ttft_ms_mean", "ttft_ms_p99", "tpot_ms_mean", "tpot_ms_p99", "requests", "errors",
)  # fmt: skip


def curves_text(profile: Profile, sizes: Sequence[Size], slo: Slo) -> str:
    """A table for each size: a row for each load, with a bar of its requests/s."""
    require_sizes(profile, sizes)
    parts = [_curve(profile, size, slo) for size in sizes]
    return "\n".join([title(profile, slo, "load by load"), "", *parts]) + origin(profile)


def require_sizes(profile: Profile, sizes: Sequence[Size]) -> None:
    """InvalidInput for sizes that the profile has no points at."""
    missing = [size for size in sizes if size not in set(profile.sizes)]
    if missing:
        known = ", ".join(f"{i}x{o}" for i, o in profile.sizes[:12])
        more = f" and {len(profile.sizes) - 12} more" if len(profile.sizes) > 12 else ""
        raise InvalidInput(
            f"the profile has no points at {', '.join(f'{i}x{o}' for i, o in missing)}",
            hint=f"it has {known}{more}",
        )


def _curve(profile: Profile, size: Size, slo: Slo) -> str:
    places = {name: place for place, name in enumerate(profile.columns)}

    def value(row: Sequence[Value], name: str) -> float | None:
        found = row[places[name]] if name in places else None
        return found if isinstance(found, (int, float)) else None

    rows = [
        row
        for row in profile.points
        if (row[places["input_tokens"]], row[places["output_tokens"]]) == size
    ]
    rows.sort(key=lambda row: (value(row, "concurrency") or 0, value(row, "request_rate") or 0))
    shown = [name for name in _NAMES if any(value(row, name) is not None for row in rows)]
    percentile = "mean" if slo.percentile == "mean" else "p99"
    table = new_table(
        (),
        ("in flight", "requests/s", "output tokens/s", *(_HEADS[name] for name in shown)),
        ("SLO",),
        keyed=True,
    )
    rates = [value(row, "request_rate") or 0.0 for row in rows]
    for row, rate in zip(rows, rates, strict=True):
        tpot, ttft = value(row, f"tpot_ms_{percentile}"), value(row, f"ttft_ms_{percentile}")
        holds = rate > 0 and tpot is not None and tpot <= slo.tpot_ms
        if slo.ttft_ms is not None:
            holds = holds and ttft is not None and ttft <= slo.ttft_ms
        table.add_row(
            f"{value(row, 'concurrency'):.3g}",
            f"{rate:.3g}",
            f"{rate * size[1]:,.0f}",
            *(_cell(value(row, name)) for name in shown),
            "holds" if holds else "broken",
        )
    return f"{size[0]} input, {size[1]} output tokens\n\n{draw(_with_bars(table, rates))}"


def _with_bars(table: Table, rates: Sequence[float]) -> Table:
    """The table with a bar for each row, as long as there is room; as it is where there is none."""
    width, taken = terminal_width(), natural_width(table) + GAP
    length = BAR if width is None else min(BAR, width - taken)
    if length < SHORTEST_BAR:
        return table
    most = max(rates)
    bars = ["█" * round(length * rate / most) if most else "" for rate in rates]
    rows = [[*row, bar] for row, bar in zip(table.rows, bars, strict=True)]
    return Table([*table.columns, Column("", Kind.text)], table.keyed, rows)


_HEADS = {
    "ttft_ms_mean": "TTFT ms",
    "ttft_ms_p99": "p99",
    "tpot_ms_mean": "TPOT ms",
    "tpot_ms_p99": "p99",
    "requests": "requests",
    "errors": "errors",
}


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
