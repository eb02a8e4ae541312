"""What was seen at one load: from the requests of a span of time to a row of a profile. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from math import fsum, sqrt
from statistics import NormalDist, fmean, quantiles, stdev
from typing import Any, Literal, NamedTuple

from melange_cloud.profiles.document import COLUMNS, Profile
from melange_cloud.profiles.run.client import Request
from melange_cloud.profiles.sizes import Size

Arrivals = Literal["closed", "poisson"]

MOST_ERRORS = 0.01
"""Share of failed requests above which the latencies of the others are not recorded: a server
that turns requests away is fast with the rest."""

FEW_ERRORS = 2
"""So many failed requests may be chance however few there were: a connection that was reset."""

_FEWEST_TOKENS = 10  # of a running request, for its TPOT to count


@dataclass(frozen=True)
class Point:
    """One load at one size: a row of a profile, in the order of its columns."""

    input_tokens: int
    output_tokens: int
    concurrency: float
    request_rate: float
    ttft_ms_mean: float | None
    ttft_ms_p99: float | None
    tpot_ms_mean: float | None
    tpot_ms_p99: float | None
    requests: int | None
    errors: int | None
    tpot_ms_ci95: float | None
    arrivals: str | None

    @property
    def size(self) -> Size:
        """Input and output tokens."""
        return self.input_tokens, self.output_tokens

    @property
    def duration_s(self) -> float | None:
        """Mean time from one request of a client to its next (Little's law)."""
        return self.concurrency / self.request_rate if self.request_rate else None

    def row(self) -> list[float | int | str | None]:
        """As in a profile."""
        return list(astuple(self))


class Window(NamedTuple):
    """The measured span of time, seconds of the event loop's clock."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def points_of(profile: Profile) -> list[Point]:
    """The rows of a profile; what it does not have is None."""
    return [
        Point(**dict.fromkeys(COLUMNS) | dict(zip(profile.columns, row, strict=True)))  # type: ignore[arg-type]
        for row in profile.points
    ]


def unserved(size: Size, errors: int = 0) -> Point:
    """The point of a size that was not served once, or was not tried as a smaller one failed."""
    return Point(*size, 1, 0.0, None, None, None, None, 0, errors, None, "closed")


def summarise(
    size: Size,
    requests: Iterable[Request],
    window: Window,
    arrivals: Arrivals,
    concurrency: int | None = None,
) -> Point:
    """The point that ``requests`` show within ``window``.

    A request counts towards the rate by the part of it that lies in the window, so that the rate
    does not hang on which side of its edges a batch of requests ends. ``concurrency`` is what the
    clients kept up; None takes the mean number of requests in flight.
    """
    requests = list(requests)
    served = [r for r in requests if r.served and _ended_in(r, window)]
    errors = sum(r.failure is not None and _ended_in(r, window) for r in requests)
    running = [r for r in requests if r.ended is None]
    # a point that was cut short tells what its running requests have shown
    counted = served if len(served) >= max(1, concurrency or 1) else served + running
    tpots = [tpot for r in counted if (tpot := tpot_s(r, window)) is not None]
    ttfts = [r.first - r.started for r in counted if r.first is not None]
    if not tpots:
        return Point(
            *size, concurrency or 1, 0.0, None, None, None, None, 0, errors, None, arrivals
        )
    typical = fmean(ttfts) + (size[1] - 1) * fmean(tpots)
    shares = [(_overlap(r, window), r) for r in requests if r.failure is None]
    done = sum(part / ((r.ended - r.started) if r.ended else typical) for part, r in shares if part)
    in_flight = sum(part for part, _ in shares) / window.seconds
    at = concurrency if concurrency is not None else round(in_flight, 2) or 0.01
    rate = float(f"{done / window.seconds:.6g}")
    if errors > max(FEW_ERRORS, MOST_ERRORS * (errors + len(served))):
        return Point(*size, at, rate, None, None, None, None, len(served), errors, None, arrivals)
    ci95 = half_width(served, window, typical)
    return Point(
        *size,
        at,
        rate,
        _ms(fmean(ttfts)),
        _ms(p99(ttfts)),
        _ms(fmean(tpots)),
        _ms(p99(tpots)),
        len(served),
        errors,
        None if ci95 is None else _ms(ci95),
        arrivals,
    )


def half_width(served: Sequence[Request], window: Window, duration_s: float) -> float | None:
    """Half-width of the 95% interval of mean TPOT, seconds; None from too little.

    From the means of spans of one request's duration (batch means): requests that run side by
    side take the same steps, so each alone would say far too little about the noise.
    """
    count = min(30, int(window.seconds / duration_s)) if duration_s > 0 else 0
    if count < 3:
        return None
    spans: list[list[float]] = [[] for _ in range(count)]
    for r in served:
        assert r.ended is not None
        place = int((r.ended - window.start) / window.seconds * count)
        tpot = tpot_s(r, window)
        if tpot is not None:
            spans[min(count - 1, place)].append(tpot)
    means = [fmean(span) for span in spans if span]
    if len(means) < 3:
        return None
    return student_t95(len(means) - 1) * stdev(means) / sqrt(len(means))


def tpot_s(request: Request, window: Window) -> float | None:
    """Mean time of the tokens behind the first, seconds; of a running request, of those so far."""
    if request.first is None:
        return None
    if request.ended is not None:
        return (request.ended - request.first) / (request.output_tokens - 1)
    if request.received < _FEWEST_TOKENS:
        return None
    # the window ends, on average, in the middle between two tokens
    return (window.end - request.first) / (request.received - 0.5)


def student_t95(freedom: int) -> float:
    """The 97.5% quantile of Student's t; within 0.5% from 3 degrees of freedom up.

    Expansion about the normal quantile: Abramowitz and Stegun, 26.7.5.
    """
    z = NormalDist().inv_cdf(0.975)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return fsum(term / freedom**power for power, term in enumerate(terms))


def p99(values: Sequence[float]) -> float:
    """The 99th percentile, linear between the two values around it."""
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def _ended_in(request: Request, window: Window) -> bool:
    return request.ended is not None and window.start < request.ended <= window.end


def _overlap(request: Request, window: Window) -> float:
    """Seconds of the window in which the request was in flight."""
    ended = window.end if request.ended is None else min(request.ended, window.end)
    return max(0.0, ended - max(request.started, window.start))


def _ms(seconds: float) -> Any:
    return round(seconds * 1000, 3)
