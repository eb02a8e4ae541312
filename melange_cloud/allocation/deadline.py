"""A time limit that all solves of a command share, and HiGHS run so that it and Ctrl-C are kept.

HiGHS blocks in C, where Python handles no signal, and looks at its own limit only between steps.
So it runs in a thread of its own while the main thread waits: a signal ends the wait, and HiGHS is
asked to stop by its callback. A step that asks nobody is given up: the thread is left behind, and
`abandoned` says so, as a program with such a thread cannot end in the ordinary way.
"""

from __future__ import annotations

import threading
import time
from typing import Any

PATIENCE_S = 1.0
"""Seconds that HiGHS has to stop when asked to, and to keep its own time limit."""

_left_behind: list[threading.Thread] = []


class Deadline:
    """A time limit that several solves share."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @classmethod
    def of(cls, limit: float | Deadline | None) -> Deadline:
        """A limit in seconds from now, or one that began earlier."""
        return limit if isinstance(limit, Deadline) else cls(limit)

    def or_in(self, seconds: float) -> Deadline:
        """This one, or so many seconds from now where that is later: for what must be done."""
        later = Deadline(None if self._end is None else seconds)
        if self._end is not None and later._end is not None:
            later._end = max(self._end, later._end)
        return later

    @property
    def left(self) -> float | None:
        """Seconds left, at least a tenth of one; None without a limit."""
        return None if self._end is None else max(0.1, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end


class GivenUp(Exception):
    """HiGHS did not stop in time. It still works on its model, which must not be touched."""


def run_highs(highs: Any, deadline: Deadline) -> None:
    """Run HiGHS on its model until it is done or the deadline has passed.

    Raises GivenUp where it does not stop then, and KeyboardInterrupt soon after Ctrl-C.
    """
    stop, done = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def ask(event: Any) -> None:
        if stop.is_set():
            event.interrupt()

    def work() -> None:
        try:
            highs.run()
        except BaseException as error:
            raised.append(error)
        finally:
            done.set()

    if deadline.left is not None:
        highs.setOptionValue("time_limit", highs.getRunTime() + deadline.left)
    asked = (highs.cbMipInterrupt, highs.cbSimplexInterrupt, highs.cbIpmInterrupt)
    for callback in asked:
        callback.subscribe(ask)
    thread = threading.Thread(target=work, daemon=True, name="HiGHS")
    thread.start()
    ended = False
    try:
        ended = done.wait(None if deadline.left is None else deadline.left + PATIENCE_S)
    finally:
        stop.set()
        if not ended and not done.wait(PATIENCE_S):
            _left_behind.append(thread)
    if not done.is_set():
        raise GivenUp
    for callback in asked:
        callback.unsubscribe(ask)
    if raised:
        raise raised[0]


def abandoned() -> bool:
    """Whether a solver still runs that nobody waits for."""
    return any(thread.is_alive() for thread in _left_behind)
