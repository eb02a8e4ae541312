"""Throughput against load at one size, for people: a table with bars."""

from __future__ import annotations

from collections.abc import Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.output.profile_table import origin, title
from melange_cloud.output.text import draw, new_table
from melange_cloud.profiles.document import Profile, Value
from melange_cloud.profiles.sizes import Size
from melange_cloud.profiles.throughput import Slo

BAR = 30
"""Characters of the longest bar."""

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
    most = max(value(row, "request_rate") or 0 for row in rows)
    percentile = "mean" if slo.percentile == "mean" else "p99"
    table = new_table(
        (),
        ("in flight", "requests/s", "output tokens/s", *(_HEADS[name] for name in shown)),
        ("SLO", ""),
    )
    for row in rows:
        rate = value(row, "request_rate") or 0.0
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
            "█" * round(BAR * rate / most) if most else "",
        )
    return f"{size[0]} input, {size[1]} output tokens\n\n{draw(table)}"


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
