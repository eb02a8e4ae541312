"""The maximum throughput T(c, b): requests/s one replica sustains at a size while the SLO holds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from operator import itemgetter
from typing import Literal, NamedTuple

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.document import Profile, Value
from melange_cloud.workload.grid import Bucket

Why = Literal["context", "not profiled", "memory", "failed", "slo"]
"""Why a size has no throughput: longer than the context length; beyond the profile's sizes; no
room for one such request (known of estimates); every request failed; the SLO is missed at the
lightest load."""


@dataclass(frozen=True)
class Slo:
    """Limits on the mean or the 99th percentile, milliseconds; a TPOT of infinity is no limit."""

    tpot_ms: float
    ttft_ms: float | None = None
    percentile: Literal["mean", 99] = "mean"

    def __post_init__(self) -> None:
        for name, limit in (("tpot_ms", self.tpot_ms), ("ttft_ms", self.ttft_ms)):
            if limit is not None and not limit > 0:
                raise InvalidInput(f"{name} must be above 0, is {limit:g}")


class Throughput(NamedTuple):
    """Requests/s of one replica; 0 where it cannot serve, and then why."""

    rate: float
    why: Why | None = None


class _Point(NamedTuple):
    """One load level; a latency is None where it was not seen."""

    rate: float
    tpot_ms: float | None
    ttft_ms: float | None


class Throughputs:
    """T of one profile under one SLO, at any size. The points are indexed once.

    ``max_model_len`` is the service's context length, tokens; the model's own when None.
    Raises InvalidInput when the profile does not have the latencies that the SLO is about.
    """

    def __init__(self, profile: Profile, slo: Slo, max_model_len: int | None = None) -> None:
        self._slo = slo
        self._context = max_model_len or profile.max_model_len
        self._none_served: Why = "memory" if profile.source == "estimated" else "failed"
        self._points = _by_size(profile, slo)
        self._inputs = sorted({size[0] for size in self._points})
        self._outputs = sorted({size[1] for size in self._points})
        self._at_size: dict[tuple[int, int], Throughput] = {}

    def at(self, bucket: Bucket) -> Throughput:
        """T at a bucket, judged at its upper edges: safe for every request in it."""
        return self.at_size(bucket.input_tokens.high, bucket.output_tokens.high)

    def at_size(self, input_tokens: int, output_tokens: int) -> Throughput:
        """T at a size: as profiled, or between profiled sizes bilinear in the logarithms."""
        if self._context is not None and input_tokens + output_tokens > self._context:
            return Throughput(0.0, "context")
        corners = [
            (self._profiled((i, o)), along_input * along_output)
            for i, along_input in _between(self._inputs, input_tokens)
            for o, along_output in _between(self._outputs, output_tokens)
        ]
        reasons = {throughput.why for throughput, _ in corners}
        if not corners or "not profiled" in reasons:
            return Throughput(0.0, "not profiled")
        for why in (self._none_served, "slo"):
            if why in reasons:
                return Throughput(0.0, why)
        if len(corners) == 1:
            return corners[0][0]
        return Throughput(exp(sum(weight * log(corner.rate) for corner, weight in corners)))

    def _profiled(self, size: tuple[int, int]) -> Throughput:
        if size not in self._at_size:
            self._at_size[size] = self._judge(self._points.get(size, []))
        return self._at_size[size]

    def _judge(self, points: Sequence[_Point]) -> Throughput:
        if not points:
            return Throughput(0.0, "not profiled")
        if all(point.rate == 0 for point in points):
            return Throughput(0.0, self._none_served)
        rate = _sustained(points, self._slo)
        return Throughput(rate) if rate > 0 else Throughput(0.0, "slo")


def _sustained(points: Sequence[_Point], slo: Slo) -> float:
    """The highest rate before the SLO first fails, linear between the two points around that."""
    best = 0.0
    last: _Point | None = None
    for point in points:
        if not _holds(point, slo):
            return best if last is None else max(best, _crossing(last, point, slo))
        best = max(best, point.rate)
        last = point
    return best


def _holds(point: _Point, slo: Slo) -> bool:
    """An unseen latency holds no limit: nothing is known to be served in time."""
    return (
        point.rate > 0
        and point.tpot_ms is not None
        and point.tpot_ms <= slo.tpot_ms
        and (slo.ttft_ms is None or (point.ttft_ms is not None and point.ttft_ms <= slo.ttft_ms))
    )


def _crossing(held: _Point, failed: _Point, slo: Slo) -> float:
    """The rate at which the tighter limit is met between two points."""
    if failed.rate == 0:
        return held.rate
    share = 1.0
    for limit, before, after in (
        (slo.tpot_ms, held.tpot_ms, failed.tpot_ms),
        (slo.ttft_ms, held.ttft_ms, failed.ttft_ms),
    ):
        if limit is None:
            continue
        if before is None or after is None:
            return held.rate
        if after > limit:
            share = min(share, (limit - before) / (after - before))
    return held.rate + share * (failed.rate - held.rate)


def _between(edges: Sequence[int], value: int) -> list[tuple[int, float]]:
    """Profiled lengths around ``value`` and their weights in log length; none beyond the last."""
    at = bisect_left(edges, value)
    if at == len(edges):
        return []
    if at == 0 or edges[at] == value:
        return [(edges[at], 1.0)]
    low, high = edges[at - 1], edges[at]
    share = log(value / low) / log(high / low)
    return [(low, 1 - share), (high, share)]


def _by_size(profile: Profile, slo: Slo) -> dict[tuple[int, int], list[_Point]]:
    """Points of each size at rising concurrency.

    Beside loads that clients kept up, requests that arrive at random are a test of the rate found,
    not one more point of the curve: they crowd, and are slower.
    """
    suffix = "mean" if slo.percentile == "mean" else f"p{slo.percentile}"
    tpot = _place(profile, f"tpot_ms_{suffix}")
    ttft = None if slo.ttft_ms is None else _place(profile, f"ttft_ms_{suffix}")
    keys = ("input_tokens", "output_tokens", "concurrency", "request_rate")
    load = itemgetter(*map(profile.columns.index, keys))
    index: dict[tuple[int, int], list[_Point]] = {}
    for row in sorted(_of_the_curve(profile), key=load):
        i, o, _, rate = load(row)
        point = _Point(rate, row[tpot], None if ttft is None else row[ttft])  # type: ignore[arg-type]
        index.setdefault((i, o), []).append(point)
    return index


def _of_the_curve(profile: Profile) -> list[list[Value]]:
    if "arrivals" not in profile.columns:
        return profile.points
    i, o, kind = map(profile.columns.index, ("input_tokens", "output_tokens", "arrivals"))
    closed = {(row[i], row[o]) for row in profile.points if row[kind] == "closed"}
    return [
        row for row in profile.points if row[kind] != "poisson" or (row[i], row[o]) not in closed
    ]


def _place(profile: Profile, name: str) -> int:
    """Where the column of a latency stands; InvalidInput when the profile does not know it.

    A profile that served nothing has no latencies, and needs none.
    """
    served = profile.columns.index("request_rate")
    if name in profile.columns:
        place = profile.columns.index(name)
        if any(row[place] is not None for row in profile.points) or not any(
            row[served] for row in profile.points
        ):
            return place
    otherwise = "set slo.percentile to mean" if name.endswith("p99") else "leave out slo.ttft_ms"
    raise InvalidInput(
        f"the {profile.source} profile {profile.name} of {profile.model} has no {name}, "
        "which the SLO limits",
        hint=f"{otherwise}, or give a measured profile that has it (--profiles)",
    )
