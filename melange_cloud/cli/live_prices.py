"""What commands share that may fetch prices: --max-age, and a progress bar for the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from melange_cloud.cli.common import note
from melange_cloud.errors import InvalidInput

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from melange_cloud.prices.wanted import Wanted

MaxAgeOption = Annotated[
    str,
    typer.Option(
        "--max-age",
        metavar="AGE",
        help="Fetch live prices again that are older than this: 90m, 24h, 7d.",
    ),
]


@contextmanager
def fetching(
    providers: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    max_age: str | None = "24h",
) -> Iterator[Wanted]:
    """What to ask of a source that fetches; None as the age fetches all. Progress and remarks go
    to stderr."""
    from melange_cloud.prices.wanted import FETCH_ALL, Wanted

    bar = _Bar()
    try:
        yield Wanted(
            providers=providers or (),
            regions=regions or (),
            max_age=FETCH_ALL if max_age is None else parse_age(max_age),
            say=note,
            progress=bar.advance,
        )
    finally:
        bar.stop()


def parse_age(text: str) -> timedelta:
    """``24h``, ``90m``, ``7d`` or ``30s`` as a duration; InvalidInput otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if match is None or len(match[1]) > 12:
        raise InvalidInput(f'--max-age must be a duration such as 24h, 90m or 7d, is "{text}"')
    return timedelta(**{units[match[2]]: float(match[1])})


class _Bar:
    """A progress bar on stderr; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._running: tuple[Progress, TaskID] | None = None

    def advance(self, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if self._running is None:
            from rich.console import Console
            from rich.progress import Progress

            progress = Progress(console=Console(stderr=True), transient=True)
            progress.start()
            self._running = progress, progress.add_task("regions", total=total)
        progress, task = self._running
        progress.update(task, completed=done)

    def stop(self) -> None:
        if self._running is not None:
            self._running[0].stop()
