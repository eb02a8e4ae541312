"""Many waits at once: tasks in threads, results as they come, and a stop that does not hang."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Task = Callable[[], T]


class Outcome(Generic[T]):
    """What became of a task: its value, or the error it raised."""

    def __init__(self, key: str, value: T | None = None, error: Exception | None = None) -> None:
        self.key, self._value, self.error = key, value, error

    def get(self) -> T:
        """The value; raises the task's error."""
        if self.error is not None:
            raise self.error
        return self._value  # type: ignore[return-value]


def run_all(groups: Sequence[Mapping[str, Task[T]]], workers: int) -> Iterator[Outcome[T]]:
    """Outcomes of all tasks, in the order in which they finish; each group has its own workers,
    so that a slow cloud does not hold up another.

    Threads are daemons: leaving the loop, by an error or by Ctrl-C, starts no further task, and a
    call that hangs does not keep the process alive.
    """
    done: queue.SimpleQueue[Outcome[T]] = queue.SimpleQueue()
    stop = threading.Event()
    for group in groups:
        todo: queue.SimpleQueue[tuple[str, Task[T]]] = queue.SimpleQueue()
        for item in group.items():
            todo.put(item)
        for _ in range(min(workers, len(group))):
            threading.Thread(target=_work, args=(todo, done, stop), daemon=True).start()
    try:
        for _ in range(sum(map(len, groups))):
            yield done.get()
    finally:
        stop.set()


def _work(
    todo: queue.SimpleQueue[tuple[str, Task[T]]],
    done: queue.SimpleQueue[Outcome[T]],
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            key, task = todo.get_nowait()
        except queue.Empty:
            return
        try:
            outcome = Outcome(key, task())
        except Exception as error:  # reported to whoever reads the outcome
            outcome = Outcome[T](key, error=error)
        done.put(outcome)
