"""How far one profile is from another: errors of TPOT and of requests/s at the same loads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.sizes import Size


@dataclass(frozen=True)
class Errors:
    """Median and worst of the absolute relative errors, 0.1 = 10%, and of how many points."""

    points: int
    median: float
    worst: float

    def __str__(self) -> str:
        return f"median {self.median:.0%}, worst {self.worst:.0%}"


@dataclass(frozen=True)
class Distance:
    """Of an estimate from what was measured; None where no point of both can be compared."""

    tpot: Errors | None
    rate: Errors | None
    uncovered: list[Size]
    """Measured sizes that the estimate does not have."""


@dataclass(frozen=True)
class Served:
    """One load that was served: requests in flight, requests/s, mean TPOT and TTFT in ms."""

    size: Size
    concurrency: float
    request_rate: float
    tpot_ms: float
    tpot_ms_ci95: float | None = None
    ttft_ms: float | None = None


def served(profile: Profile) -> list[Served]:
    """The points at which requests were served and their TPOT seen, by size and rising load."""
    places = {name: place for place, name in enumerate(profile.columns)}
    half, ttft = places.get("tpot_ms_ci95"), places.get("ttft_ms_mean")
    found = [
        Served(
            (row[places["input_tokens"]], row[places["output_tokens"]]),  # type: ignore[arg-type]
            row[places["concurrency"]],  # type: ignore[arg-type]
            row[places["request_rate"]],  # type: ignore[arg-type]
            row[places["tpot_ms_mean"]],  # type: ignore[arg-type]
            row[half] if half is not None else None,  # type: ignore[arg-type]
            row[ttft] if ttft is not None else None,  # type: ignore[arg-type]
        )
        for row in profile.points
        if row[places["request_rate"]] and row[places["tpot_ms_mean"]]
    ]
    return sorted(found, key=lambda point: (point.size, point.concurrency))


def distance(measured: Profile, estimate: Profile) -> Distance:
    """How far ``estimate`` is from ``measured``, at each measured load.

    Between the estimate's loads TPOT and rate are interpolated in the logarithms; above its
    highest load they stay, as more requests than run wait in the queue.
    """
    by_size: dict[Size, list[Served]] = {}
    for point in served(estimate):
        by_size.setdefault(point.size, []).append(point)
    seen = served(measured)
    pairs = [
        (point, *_at(by_size[point.size], point.concurrency))
        for point in seen
        if point.size in by_size
    ]
    return Distance(
        tpot=errors((tpot, point.tpot_ms) for point, tpot, _ in pairs),
        rate=errors((rate, point.request_rate) for point, _, rate in pairs),
        uncovered=sorted({point.size for point in seen} - set(by_size)),
    )


def errors(pairs: Iterable[tuple[float, float]]) -> Errors | None:
    """Of (estimated, measured) pairs; None without any."""
    found = [abs(estimated / measured - 1) for estimated, measured in pairs]
    return Errors(len(found), median(found), max(found)) if found else None


def _at(points: Sequence[Served], concurrency: float) -> tuple[float, float]:
    """TPOT and rate at a load."""
    levels = [point.concurrency for point in points]
    place = bisect_left(levels, concurrency)
    if place == len(points) or place == 0 or levels[place] == concurrency:
        point = points[min(place, len(points) - 1)]
        return point.tpot_ms, point.request_rate
    before, after = points[place - 1], points[place]
    share = log(concurrency / before.concurrency) / log(after.concurrency / before.concurrency)
    return (
        _between(before.tpot_ms, after.tpot_ms, share),
        _between(before.request_rate, after.request_rate, share),
    )


def _between(low: float, high: float, share: float) -> float:
    return exp((1 - share) * log(low) + share * log(high))
