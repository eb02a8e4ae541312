"""Profiling one server: size after size, load after load, each point on disk when it is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from melange_cloud.errors import OutsideError
from melange_cloud.profiles.run.budget import allot, alone_s, in_order, need_s, point_limit_s
from melange_cloud.profiles.run.client import Client
from melange_cloud.profiles.run.load import Load, Precision
from melange_cloud.profiles.run.point import Point, unserved
from melange_cloud.profiles.run.record import Record
from melange_cloud.profiles.run.search import (
    HIGHEST_CONCURRENCY,
    dominated,
    expected_duration_s,
    holds,
    hopeless,
    likely_left,
    next_concurrency,
)
from melange_cloud.profiles.run.server import Server
from melange_cloud.profiles.run.stream import Failure
from melange_cloud.profiles.sizes import Size
from melange_cloud.profiles.throughput import Slo, Throughputs

_FAILED_IN_A_ROW = 3  # sizes of which not one request was served: the server is sick


@dataclass(frozen=True)
class Wanted:
    """What is to be measured."""

    sizes: Sequence[Size]
    slos_ms: Sequence[float]
    """Limits on mean TPOT at whose breaks the rates are wanted."""
    confirm: bool = False
    """Whether to try the rates found with Poisson arrivals as well."""
    limit_s: float = inf
    highest_concurrency: int = HIGHEST_CONCURRENCY
    precision: Precision = field(default_factory=Precision)


class Session:
    """A run against one server. ``report`` is called with a line on each thing that is done."""

    def __init__(
        self,
        client: Client,
        server: Server,
        record: Record,
        wanted: Wanted,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._server, self._record = client, server, record
        self._wanted, self._report, self._clock = wanted, report, clock
        self._until = clock() + wanted.limit_s
        self._spent_s = self._foreseen_s = 0.0
        self._to_do: list[Size] = []
        self._failed_in_a_row = 0

    async def run(self) -> list[Size]:
        """Measure what is wanted; the sizes for which the time was too short come back.

        Raises OutsideError when the server dies or does not do what is asked of it.
        """
        sizes = self._within_context(in_order(self._wanted.sizes))
        self._to_do = list(sizes)
        short = []
        for number, size in enumerate(sizes, 1):
            if self._skip(size):
                self._say(
                    f"[{number}/{len(sizes)}] {_name(size)}: skipped, because a smaller size failed"
                )
            else:
                began = self._clock()
                foreseen = self._need_s(size)
                if not await self._size(f"[{number}/{len(sizes)}]", size):
                    short.append(size)
                self._spent_s += self._clock() - began
                self._foreseen_s += foreseen
            self._to_do.remove(size)
        return short

    def _within_context(self, sizes: list[Size]) -> list[Size]:
        longest = self._server.max_model_len or inf
        fitting = [size for size in sizes if sum(size) <= longest]
        if not fitting:
            raise OutsideError(
                f"the server takes at most {longest} tokens, and every size asked for is longer"
            )
        if len(fitting) < len(sizes):
            left_out = len(sizes) - len(fitting)
            sizes_left_out = f"{left_out} size{'s' * (left_out != 1)}"
            self._report(
                f"left out {sizes_left_out}, longer than the {longest} tokens that the server takes"
            )
        return fitting

    def _skip(self, size: Size) -> bool:
        """Whether a size need not be tried; it is recorded as failed then."""
        if self._record.of(size) or not dominated(
            size, hopeless(self._record.points, self._wanted.slos_ms)
        ):
            return False
        self._record.add(unserved(size))
        return True

    async def _size(self, title: str, size: Size) -> bool:
        """Search one size; False when its part of the time did not suffice."""
        until = self._clock() + self._share_s()
        while (concurrency := self._next(size)) is not None:
            points = self._record.of(size)
            expected = expected_duration_s(points, concurrency)
            left = until - self._clock()
            typical = expected or alone_s(size, self._record.points, self._wanted.slos_ms)
            if points and left < typical:
                return False
            limit = point_limit_s(left, likely_left(points, self._wanted.slos_ms), typical)
            load = self._load(size, limit)
            point = await load.closed(concurrency, expected)
            if load.broken:
                await self._account_for(load.failure, point)
            elif point.request_rate == 0:
                self._say(f"{title} {_name(size)}: no request was served in the time left")
                return False
            refused = load.broken and concurrency == 1
            self._record.add(unserved(size, point.errors or 0) if refused else point)
            self._say(f"{title} {_describe(point, load.failure)}")
            if refused:
                self._one_more_failed(load.failure)
                return True
            self._failed_in_a_row = 0
        return not self._wanted.confirm or await self._confirm(title, size, until)

    async def _confirm(self, title: str, size: Size, until: float) -> bool:
        """Try the rates found with requests that arrive at random."""
        rates = {slo: self._rate(size, slo) for slo in self._wanted.slos_ms}
        tried = [p.request_rate for p in self._record.of(size) if p.arrivals == "poisson"]
        for slo, rate in rates.items():
            if rate == 0 or any(abs(rate - other) <= 0.1 * rate for other in tried):
                continue
            tried.append(rate)
            duration = self._duration_at(size, rate)
            left = until - self._clock()
            if left < 3 * duration:
                return False
            load = self._load(size, left)
            point = await load.poisson(rate, duration, most_in_flight=int(16 + 4 * rate * duration))
            if load.broken:
                await self._account_for(load.failure, point)
            if load.broken or load.overloaded:  # what was stopped early has no rate
                why = f" ({load.failure.text})" if load.failure else ""
                self._say(
                    f"{title} {_name(size)}: the server does not keep up with {rate:.4g} "
                    f"requests/s arriving at random{why}; the SLO of {slo:g} ms is not held"
                )
                continue
            if not point.request_rate:
                return False
            self._record.add(point)
            met = "is held" if holds(point, slo) else "is not held"
            self._say(f"{title} {_describe(point, load.failure)}; the SLO of {slo:g} ms {met}")
        return True

    def _load(self, size: Size, limit_s: float) -> Load:
        name = self._server.served_name
        return Load(self._client, name, size, self._wanted.precision, limit_s)

    def _next(self, size: Size) -> int | None:
        wanted = self._wanted
        return next_concurrency(self._record.of(size), wanted.slos_ms, wanted.highest_concurrency)

    def _rate(self, size: Size, slo_ms: float) -> float:
        return Throughputs(self._record.profile, Slo(slo_ms)).at_size(*size).rate

    def _duration_at(self, size: Size, rate: float) -> float:
        """A request's duration at the lightest known load that brings at least ``rate``."""
        closed = [p for p in self._record.of(size) if p.arrivals == "closed" and p.request_rate]
        enough = [p for p in closed if p.request_rate >= rate] or closed
        return min(enough, key=lambda point: point.concurrency).duration_s or 0.0

    async def _account_for(self, failure: Failure | None, point: Point) -> None:
        """Raise OutsideError when a broken point means that there is no use in going on."""
        assert failure is not None, "a broken point has failures"
        where = f"at {_name(point.size)} tokens and concurrency {point.concurrency:g}"
        if failure.kind == "protocol":
            raise OutsideError(
                f"the server cannot be profiled; {where} {failure.text}", hint=self._kept()
            )
        if not await self._client.alive():
            raise OutsideError(
                f"the server stopped answering {where}: {failure.text}", hint=self._kept()
            )

    def _one_more_failed(self, failure: Failure | None) -> None:
        self._failed_in_a_row += 1
        if self._failed_in_a_row == _FAILED_IN_A_ROW:
            raise OutsideError(
                f"no request was served at {_FAILED_IN_A_ROW} sizes in a row"
                + (f"; the last said: {failure.text}" if failure else ""),
                hint=self._kept(),
            )

    def _kept(self) -> str:
        count = len(self._record.points)
        if not count:
            return "nothing was measured"
        return f"{count} points are kept in {self._record.path}; --resume continues from there"

    def _need_s(self, size: Size) -> float:
        if self._next(size) is None:  # measured before this run was resumed
            return 0.0
        return need_s(size, self._record.points, self._wanted.slos_ms)

    def _share_s(self) -> float:
        """Of the time left, the part of the first size that is to be done."""
        left = self._until - self._clock()
        if not isfinite(left):
            return inf
        needs = [self._need_s(size) for size in self._to_do]
        spare = max(0.0, left - sum(needs))  # what is foreseen is no more than a guess
        return allot(needs, left)[0] + spare

    def _say(self, text: str) -> None:
        self._report(f"{text}; {_minutes(self._left_s())} left")

    def _left_s(self) -> float:
        """About how long the rest takes, by how well earlier sizes were foreseen."""
        known = self._spent_s / self._foreseen_s if self._foreseen_s else 1.0
        rest = known * sum(map(self._need_s, self._to_do))
        return max(0.0, min(rest, self._until - self._clock()))


def _name(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _describe(point: Point, failure: Failure | None) -> str:
    load = f"concurrency {point.concurrency:g}" + (
        ", arriving at random" if point.arrivals == "poisson" else ""
    )
    text = f"{_name(point.size)}, {load}: {point.request_rate:.4g} requests/s"
    if point.tpot_ms_mean is not None:
        noise = f" ± {point.tpot_ms_ci95:.3g}" if point.tpot_ms_ci95 is not None else ""
        text += f", TPOT {point.tpot_ms_mean:.4g}{noise} ms, TTFT {point.ttft_ms_mean:.4g} ms"
    text += f", {point.requests} requests"
    if point.errors and failure:
        text += f", {point.errors} failed ({failure.text})"
    return text


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
