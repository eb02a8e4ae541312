"""An event loop whose clock jumps: waiting takes no time, so hours of profiling take seconds.

Client and stub server must both run in it. Sockets are real ones; the clock only goes on when
nothing is left to read.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_LOOKS = 3  # loopback delivers at once; a busy kernel may need to be let run


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        for _ in range(_LOOKS if timeout > 0 else 0):
            if ready:
                break
            os.sched_yield()
            ready = super().select(0)
        if not ready:
            self.skipped += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its ``time`` counts from 0, and is only what timers were waited for."""

    def __init__(self) -> None:
        self._skipping = _Selector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """The result of ``main``."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
