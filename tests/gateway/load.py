"""Load on a gateway: many requests over kept connections, and what became of each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from http_wire import Connection


@dataclass
class Outcome:
    """What became of the requests, in the order they were given."""

    pools: list[str | None]
    failures: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0


def drive(
    port: int,
    wires: Sequence[bytes],
    *,
    connections: int = 32,
    events: Sequence[tuple[int, Callable[[], None]]] = (),
    seconds: float = 90,
) -> Outcome:
    """Send all requests; before the n-th, do what ``events`` say (in a thread, under the load)."""
    outcome = Outcome([None] * len(wires))
    asyncio.run(asyncio.wait_for(_drive(port, wires, connections, dict(events), outcome), seconds))
    return outcome


async def _drive(
    port: int,
    wires: Sequence[bytes],
    connections: int,
    events: dict[int, Callable[[], None]],
    outcome: Outcome,
) -> None:
    queue: Iterator[int] = iter(range(len(wires)))
    pending: list[asyncio.Task[None]] = []

    async def client() -> None:
        connection = Connection(port)
        for number in queue:
            if number in events:
                pending.append(asyncio.create_task(asyncio.to_thread(events[number])))
            started = time.perf_counter()
            try:
                answer = await connection.ask(wires[number])
                if answer.status == 200:
                    outcome.pools[number] = answer.json()["pool"]
                else:
                    outcome.failures[f"status {answer.status}"] += 1
            except (OSError, asyncio.IncompleteReadError) as error:
                outcome.failures[type(error).__name__] += 1
                connection.close()
            taken = time.perf_counter() - started
            outcome.slowest_seconds = max(outcome.slowest_seconds, taken)
        connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    await asyncio.gather(*pending)
