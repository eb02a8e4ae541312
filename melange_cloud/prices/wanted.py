"""What a command asks of a source that fetches."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

DEFAULT_MAX_AGE = timedelta(hours=24)
FETCH_ALL = timedelta(seconds=-1)
"""A maximal age that nothing in the cache has."""


def _ignore(_: str) -> None:
    pass


def _no_progress(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True)
class Wanted:
    """What is asked of a source that fetches, and whom it tells about it."""

    providers: Collection[str] = ()
    """Empty: all clouds."""
    regions: Collection[str] = ()
    """``us-east-1`` or ``aws/us-east-1``; empty: all regions."""
    max_age: timedelta = DEFAULT_MAX_AGE
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    folder: Path | None = None
    """Of the cache; default: the user's cache folder."""
    say: Callable[[str], None] = _ignore
    """Told what a person should know: regions skipped, files damaged."""
    progress: Callable[[int, int], None] = _no_progress
    """Told (done, total) regions."""
