"""Is a measured profile sane? What no engine does, what benchmarks get wrong, and noise.

Light enough for every plan: no imports beyond the profile, one pass over its points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Literal, NamedTuple

from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.sizes import Size

ENOUGH = 50
"""Requests at a point for a mean that can be relied on."""

FEWEST, FEWEST_TOKENS = 10, 1000
"""Requests below which a point is no measurement, unless they had so many tokens together: a TPOT
is a mean over tokens, and two answers of 500 say more of it than ten of 10."""

ENOUGH_P99 = 100
"""Requests below which the 99th percentile is the slowest one."""

RUN_LENGTH = 10
"""Durations of a request that a point must last: a shorter run understates the rate."""

STEP_TOLERANCE, STEP_LIMIT = 0.1, 0.3
"""Share by which the next load may be the wrong way by noise, and beyond which it fails."""

NOISE_TOLERANCE, NOISE_LIMIT = 0.1, 0.3
"""Half-width of the interval of mean TPOT over the mean: doubtful above, failing above."""

ERRORS_TOLERANCE, ERRORS_LIMIT = 0.01, 0.1
"""Share of requests that failed: doubtful above, failing above."""

SAME_LOAD = 0.02
"""Relative difference of two concurrencies that are compared as one."""

Level = Literal["fails", "doubtful"]


class Finding(NamedTuple):
    """One thing wrong: it makes the profile fail, or is to be known. ``size`` None: of all."""

    level: Level
    what: str
    size: Size | None = None
    concurrency: float | None = None

    def __str__(self) -> str:
        if self.size is None:
            return self.what
        at = f" at concurrency {self.concurrency:g}" if self.concurrency is not None else ""
        return f"{self.size[0]}x{self.size[1]}{at}: {self.what}"


_READ = (
    "input_tokens", "output_tokens", "concurrency", "request_rate", "ttft_ms_mean",
    "ttft_ms_p99", "tpot_ms_mean", "tpot_ms_p99", "requests", "errors", "tpot_ms_ci95",
    "arrivals",
)  # fmt: skip


class _Point(NamedTuple):
    """A row; latencies in ms, None where unknown."""

    size: Size
    concurrency: float
    rate: float
    ttft: float | None
    ttft_p99: float | None
    tpot: float | None
    tpot_p99: float | None
    requests: int | None
    errors: int | None
    half: float | None
    arrivals: str | None

    @property
    def duration_s(self) -> float | None:
        """Of one request, from its mean latencies."""
        if self.tpot is None:
            return None
        return ((self.ttft or 0.0) + self.tpot * (self.size[1] - 1)) / 1e3


def check_profile(profile: Profile) -> list[Finding]:
    """All findings, failing ones first, then by size and load. None for an estimate."""
    if profile.source == "estimated":
        return []
    by_size = _points(profile)
    points = [point for at_size in by_size.values() for point in at_size]
    found: list[Finding] = []
    if not any(point.rate for point in points):
        found.append(Finding("fails", "no point served a request"))
    for at_size in by_size.values():
        for point in at_size:
            found += _wrong_alone(point)
        found += _wrong_in_order(at_size)
    found += _wrong_between_sizes(by_size)
    found += _single_loads(by_size)
    return sorted(found, key=lambda finding: finding.level == "doubtful")


def fails(profile: Profile) -> list[Finding]:
    """The findings that make it fail."""
    return [finding for finding in check_profile(profile) if finding.level == "fails"]


def _wrong_alone(point: _Point) -> Iterator[Finding]:
    """What is wrong with a point whatever the others are."""
    if point.rate == 0:
        if point.requests:
            yield _at("fails", f"{point.requests} requests but a rate of 0", point)
        return
    if point.tpot is None:
        if point.size[1] > 1:
            yield _at("doubtful", "it has no TPOT, so it cannot meet an SLO", point)
    elif point.tpot == 0:
        yield _at("fails", "a TPOT of 0, which benchmarks write when they measured none", point)
    yield from _percentiles(point)
    yield from _counts(point)
    yield from _noise(point)
    yield from _in_flight(point)


def _percentiles(point: _Point) -> Iterator[Finding]:
    for name, mean, p99 in (
        ("TPOT", point.tpot, point.tpot_p99),
        ("TTFT", point.ttft, point.ttft_p99),
    ):
        if mean is not None and p99 is not None and p99 < mean:
            yield _at("fails", f"the p99 of {name}, {p99:g} ms, is below its mean, {mean:g}", point)


def _counts(point: _Point) -> Iterator[Finding]:
    requests, errors = point.requests, point.errors
    if requests is not None and requests < ENOUGH:
        too_few = requests < FEWEST and requests * point.size[1] < FEWEST_TOKENS
        level: Level = "fails" if too_few else "doubtful"
        yield _at(level, f"only {requests} requests; a reliable mean needs {ENOUGH}", point)
    elif requests is not None and requests < ENOUGH_P99 and point.tpot_p99 is not None:
        yield _at("doubtful", f"of {requests} requests, the p99 is about the slowest one", point)
    if errors and requests is not None:
        share = errors / (errors + requests)
        if share > ERRORS_TOLERANCE:
            level = "fails" if share > ERRORS_LIMIT else "doubtful"
            yield _at(level, f"{errors} of {errors + requests} requests failed", point)


def _noise(point: _Point) -> Iterator[Finding]:
    if point.half is not None and point.tpot:
        share = point.half / point.tpot
        if share > NOISE_TOLERANCE:
            level: Level = "fails" if share > NOISE_LIMIT else "doubtful"
            yield _at(level, f"TPOT is only known to within {share:.0%}", point)


def _in_flight(point: _Point) -> Iterator[Finding]:
    """Little's law: requests in flight are rate times duration, whatever the server does."""
    duration = point.duration_s
    if not duration:
        return
    ratio = point.rate * duration / point.concurrency
    if ratio > 1.25 or (ratio < 0.5 and point.ttft is not None):
        level: Level = "fails" if ratio > 2 or ratio < 0.2 else "doubtful"
        yield _at(
            level,
            f"its rate and latencies imply {ratio * point.concurrency:.3g} requests in flight, "
            f"not {point.concurrency:g}",
            point,
        )
    if point.requests is not None:
        lasted = point.requests / point.rate / duration
        if lasted < RUN_LENGTH:
            text = f"it lasted {lasted:.1f} times as long as a request, so its rate is too low"
            yield _at("doubtful", text, point)


def _wrong_in_order(points: Sequence[_Point]) -> Iterator[Finding]:
    """More requests in flight: not fewer requests/s, not faster tokens.

    Of loads of one kind: requests that arrive at random crowd, and are slower than clients that
    wait for one another.
    """
    kinds = dict.fromkeys(point.arrivals for point in points)
    served = [[p for p in points if p.rate and p.arrivals == kind] for kind in kinds]
    for before, after in chain.from_iterable(map(pairwise, served)):
        drop = 1 - after.rate / before.rate
        if drop > STEP_TOLERANCE:
            level: Level = "fails" if drop > STEP_LIMIT else "doubtful"
            yield _at(level, f"{drop:.0%} fewer requests/s than at a lower load", after)
        if before.tpot and after.tpot is not None:
            gain = 1 - after.tpot / before.tpot
            if gain > STEP_TOLERANCE:
                level = "fails" if gain > STEP_LIMIT else "doubtful"
                yield _at(level, f"tokens {gain:.0%} faster than at a lower load", after)


def _wrong_between_sizes(by_size: dict[Size, list[_Point]]) -> Iterator[Finding]:
    """At one load longer requests are not served at a higher rate."""
    for shorter, longer in _neighbours(sorted(by_size)):
        for long in by_size[longer]:
            short = next((p for p in by_size[shorter] if _same_load(p, long)), None)
            if short is None or not short.rate or not long.rate:
                continue
            gain = long.rate / short.rate - 1
            if gain > STEP_TOLERANCE:
                level: Level = "fails" if gain > STEP_LIMIT else "doubtful"
                text = f"{gain:.0%} more requests/s than the shorter {shorter[0]}x{shorter[1]}"
                yield _at(level, text, long)


def _single_loads(by_size: dict[Size, list[_Point]]) -> Iterator[Finding]:
    single = [size for size, points in by_size.items() if len(points) == 1 and points[0].rate]
    if single:
        more = f" and {len(single) - 1} more" if len(single) > 1 else ""
        yield Finding(
            "doubtful",
            f"only one load at {single[0][0]}x{single[0][1]}{more}, by which every SLO is judged",
        )


def _neighbours(sizes: Sequence[Size]) -> Iterator[tuple[Size, Size]]:
    """Sizes that differ in one length, to the next that there is."""
    for axis in (0, 1):
        order = sorted(sizes, key=lambda size: (size[1 - axis], size[axis]))
        for shorter, longer in pairwise(order):
            if shorter[1 - axis] == longer[1 - axis]:
                yield shorter, longer


def _same_load(one: _Point, other: _Point) -> bool:
    return abs(one.concurrency - other.concurrency) <= SAME_LOAD * other.concurrency


def _points(profile: Profile) -> dict[Size, list[_Point]]:
    """By size, at rising concurrency."""
    places = [profile.columns.index(n) if n in profile.columns else None for n in _READ]
    found: dict[Size, list[_Point]] = {}
    for row in profile.points:
        i, o, *values = [None if place is None else row[place] for place in places]
        size: Size = (i, o)  # type: ignore[assignment]
        found.setdefault(size, []).append(_Point(size, *values))  # type: ignore[arg-type]
    return {
        size: sorted(found[size], key=lambda p: (p.concurrency, p.rate)) for size in sorted(found)
    }


def _at(level: Level, what: str, point: _Point) -> Finding:
    return Finding(level, what, point.size, point.concurrency)
