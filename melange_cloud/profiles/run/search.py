"""Which load to try next: doubled until the SLOs of interest break, then bisected. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from melange_cloud.profiles.run.point import Point
from melange_cloud.profiles.sizes import Size

HIGHEST_CONCURRENCY = 1024
"""Requests in flight at most: above what engines run at once, further ones only wait."""

_FINE = 1.25
"""Ratio of the loads around an SLO's break below which a line between them is as good as a
measurement: the rate is B / (o (a + b B)), and the line errs by less than 1% of it."""

_GAIN = 1.02
"""Two doublings in a row that raise the rate by less find the engine full: the rest queues. One
alone may be a bad moment of the server."""


def next_concurrency(
    points: Iterable[Point], slos_ms: Sequence[float], highest: int = HIGHEST_CONCURRENCY
) -> int | None:
    """The next load to try at one size, after ``points`` of it; None when all is known.

    ``slos_ms`` are the limits on mean TPOT at whose breaks the rates are wanted.
    """
    tried = {int(point.concurrency): point for point in points if point.arrivals == "closed"}
    loads = sorted(tried)
    if 1 not in tried:
        return 1
    for slo in sorted(slos_ms, reverse=True):
        broken = next((load for load in loads if not holds(tried[load], slo)), None)
        if broken is None:
            top = loads[-1]
            if top < highest and not _full(tried, loads):
                return min(2 * top, highest)
            continue
        held = max((load for load in loads if load < broken), default=None)
        if held is not None and broken - held > 1 and broken / held > _FINE:
            return (held + broken) // 2
    return None


def likely_left(points: Sequence[Point], slos_ms: Sequence[float]) -> int:
    """About how many loads are still to be tried at a size: six doublings, two halvings an SLO."""
    return max(2, 6 + 2 * len(slos_ms) - len(points))


def holds(point: Point, slo_ms: float) -> bool:
    """Whether the SLO on mean TPOT is met at a point."""
    return (
        point.request_rate > 0 and point.tpot_ms_mean is not None and point.tpot_ms_mean <= slo_ms
    )


def hopeless(points: Iterable[Point], slos_ms: Sequence[float]) -> set[Size]:
    """Sizes that were served alone, and broke every SLO even so."""
    return {
        point.size
        for point in points
        if point.concurrency == 1
        and point.arrivals == "closed"
        and point.tpot_ms_mean is not None
        and not holds(point, max(slos_ms))
    }


def dominated(size: Size, by: Iterable[Size]) -> bool:
    """Whether a size other than it, no larger in either length, is among ``by``."""
    return any(i <= size[0] and o <= size[1] for i, o in by if (i, o) != size)


def expected_duration_s(points: Iterable[Point], concurrency: int) -> float | None:
    """One request's duration at a load, along the line through the two nearest known loads.

    From one load: each further client lets one more prefill in, which takes about a TTFT.
    """
    known = sorted(
        (abs(point.concurrency - concurrency), point.concurrency, duration, point.ttft_ms_mean or 0)
        for point in points
        if point.arrivals == "closed" and (duration := point.duration_s) is not None
    )[:2]
    if not known:
        return None
    _, near, duration, ttft_ms = known[0]
    slope = ttft_ms / 1000
    if len(known) == 2:
        _, far, other, _ = known[1]
        slope = (duration - other) / (near - far)
    return max(duration / 2, duration + slope * (concurrency - near))


def _full(tried: dict[int, Point], loads: Sequence[int]) -> bool:
    top = loads[-1]
    before = [tried[load].request_rate for load in loads if load <= top / 4]
    since = [tried[load].request_rate for load in loads if load > top / 4]
    return bool(before) and max(since) < _GAIN * max(before)
