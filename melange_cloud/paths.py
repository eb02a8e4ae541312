"""Paths as callers from Python give them: text, a Path, or anything else that is a path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

StrPath = str | os.PathLike[str]


def as_paths(given: StrPath | Iterable[StrPath]) -> list[Path]:
    """One path or several, as a list; a text is one path, not its characters."""
    if isinstance(given, (str, os.PathLike)):
        return [Path(given)]
    return [Path(path) for path in given]
