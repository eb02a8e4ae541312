"""Keeping one load on a server until its latencies are known: a point of a profile."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isinf
from statistics import fmean
from typing import Any

from melange_cloud.profiles.run.client import Client, Request
from melange_cloud.profiles.run.point import Arrivals, Point, Window, half_width, summarise, tpot_s
from melange_cloud.profiles.run.stream import Failure
from melange_cloud.profiles.sizes import Size

_RETRY_S = 0.1  # behind a failed request: a broken server is not to be flooded
_INSTANT_S = 1e-6  # what ends with the window is within it
_PATIENCE = 3  # expected durations of a request that its first token may take
_HOPELESS = 3  # failures that end a point, when they are more than half of what ended


@dataclass(frozen=True)
class Precision:
    """When a point is known well enough."""

    interval: float = 0.01
    """Half-width of the 95% interval of mean TPOT, as a share of it."""
    least_durations: float = 10
    """A point lasts this many durations of a request: a rate over less hangs on chance."""
    most_durations: float = 30
    """It ends here even if its TPOT is still noisy."""


class Load:
    """One load at one size: call ``closed`` or ``poisson``, once. It leaves nothing in flight.

    ``limit_s`` is the wall time it may take altogether, warm-up included.
    """

    def __init__(
        self,
        client: Client,
        model: str,
        size: Size,
        precision: Precision | None = None,
        limit_s: float = inf,
    ) -> None:
        self._client, self._model, self._size = client, model, size
        self._precision = precision or Precision()
        self._limit_s = limit_s
        self._patience_s = 0.0
        self._requests: list[Request] = []
        self._failures: list[Failure] = []
        self._ended = 0
        self._changed = asyncio.Event()
        self.overloaded = False
        """Whether requests arrived faster than the server kept up with."""

    async def closed(self, concurrency: int, expected_s: float | None) -> Point:
        """``concurrency`` clients, each sending its next request when the last has ended.

        Their starts are spread over ``expected_s``, the expected duration of a request: clients
        that start together stay together, and such batches scatter the rate by tens of percent.
        """
        ramp_s = min(expected_s or 0.0, self._limit_s / 5)
        self._patience_s = _PATIENCE * (expected_s or 0.0)
        clients = [self._keep_asking(ramp_s * n / concurrency) for n in range(concurrency)]
        return await self._measure(clients, ramp_s, "closed", concurrency)

    async def poisson(self, request_rate: float, expected_s: float, most_in_flight: int) -> Point:
        """Requests arrive at random at a mean ``request_rate``, whether or not others have ended.

        ``most_in_flight`` at once end the point: the server does not keep up.
        """
        arriving = self._arrive(request_rate, most_in_flight)
        return await self._measure([arriving], expected_s, "poisson", None)

    @property
    def failure(self) -> Failure | None:
        """The most frequent reason why requests failed."""
        common = Counter(self._failures).most_common(1)
        return common[0][0] if common else None

    @property
    def broken(self) -> bool:
        """Whether the answers are not what was asked for, or hardly one request is served."""
        if any(failure.kind == "protocol" for failure in self._failures):
            return True
        return len(self._failures) >= max(_HOPELESS, self._ended / 2)

    async def _measure(
        self,
        sources: Sequence[Coroutine[Any, Any, None]],
        settle_s: float,
        arrivals: Arrivals,
        concurrency: int | None,
    ) -> Point:
        now = asyncio.get_running_loop().time
        began = now()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(source) for source in sources]
            opened = await self._settle(began, settle_s, concurrency or 1)
            await self._learn(began + self._limit_s, opened)
            window = Window(began - _INSTANT_S if self.broken else opened, now() + _INSTANT_S)
            for request in self._requests:
                request.look()
            for task in tasks:
                task.cancel()
        return summarise(self._size, self._requests, window, arrivals, concurrency)

    async def _settle(self, began: float, settle_s: float, clients: int) -> float:
        """Wait until all clients have started and been served once, or a third of the limit."""
        now = asyncio.get_running_loop().time
        latest = began + self._limit_s / 3
        while now() < latest and not self._over:
            if now() >= began + settle_s and self._ended >= clients:
                break
            at = began + settle_s
            await self._news(at if now() < at < latest else latest)
        return now()

    async def _learn(self, until: float, opened: float) -> None:
        """Wait until the point is known well enough, or the limit."""
        now = asyncio.get_running_loop().time
        check = opened
        while now() < until and not self._over:
            await self._news(until)
            window = Window(opened, now())
            served = [r for r in self._requests if r.served] if window.end >= check else []
            served = [r for r in served if (r.ended or 0) > opened]
            if served:
                duration = fmean((r.ended or 0) - r.started for r in served)
                if self._known(served, window, duration):
                    return
                check = window.end + duration / 4

    async def _news(self, until: float) -> None:
        """Wait until a request has ended, or a time."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if isinf(until) else until):
                await self._changed.wait()

    def _known(self, served: list[Request], window: Window, duration: float) -> bool:
        durations = window.seconds / duration
        if min(durations, len(served)) < self._precision.least_durations:
            return False
        if durations >= self._precision.most_durations:
            return True
        half = half_width(served, window, duration)
        mean = fmean(tpot for r in served if (tpot := tpot_s(r, window)) is not None)
        return half is not None and half <= self._precision.interval * mean

    @property
    def _over(self) -> bool:
        return self.overloaded or self.broken

    async def _keep_asking(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while True:
            await self._ask()

    async def _arrive(self, request_rate: float, most_in_flight: int) -> None:
        """Each at its own time, so that a late one does not put off the next."""
        now = asyncio.get_running_loop().time
        chance = random.Random()
        due = now()
        async with asyncio.TaskGroup() as group:
            while True:
                due += chance.expovariate(request_rate)
                await asyncio.sleep(due - now())
                if len(self._requests) - self._ended >= most_in_flight:
                    self.overloaded = True
                    self._changed.set()
                group.create_task(self._ask())

    async def _ask(self) -> None:
        request = Request(*self._size, patience_s=self._patience_s)
        self._requests.append(request)
        await self._client.complete(self._model, request)
        self._ended += 1
        if request.failure is not None:
            self._failures.append(request.failure)
        self._changed.set()
        if request.failure is not None:
            await asyncio.sleep(_RETRY_S)
