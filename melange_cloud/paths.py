"""Paths as callers from Python give them: text, a Path, or anything else that is a path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

StrPath = str | os.PathLike[str]


def is_there(path: Path) -> bool:
    """Whether something is at ``path``; false where nothing can be: a name that is too long for the
    file system or holds a NUL, a folder that we may not enter."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_directory(path: Path) -> bool:
    """Whether ``path`` is a folder; false as for ``is_there``."""
    return is_there(path) and path.is_dir()


def is_file(path: Path) -> bool:
    """Whether ``path`` is a regular file; false as for ``is_there``."""
    return is_there(path) and path.is_file()


def as_paths(given: StrPath | Iterable[StrPath]) -> list[Path]:
    """One path or several, as a list; a text is one path, not its characters."""
    if isinstance(given, (str, os.PathLike)):
        return [Path(given)]
    return [Path(path) for path in given]
