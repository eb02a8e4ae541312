"""Reading the text of a user's file, or of standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
"""Largest document read. A plan or price book is well below; a trace is read by DuckDB."""

STANDARD_INPUT = Path("/dev/stdin")
"""What the command line makes of ``-``. It is read as a stream, also where there is no such file;
a file that is called ``-`` is another path."""


def name_of(path: Path) -> str:
    """What messages call a file."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def word_for(path: Path) -> str:
    """What to type for a file in a command."""
    return "-" if path == STANDARD_INPUT else str(path)


def folder_of(path: Path) -> Path:
    """Where relative paths in a file start: its folder, or the current one for standard input."""
    return Path() if path == STANDARD_INPUT else path.parent


def read_text(path: Path, kind: str, limit: int = MAX_DOCUMENT_BYTES) -> str:
    """The text of a user's file. Raises InvalidInput, which says why it cannot be read."""
    name = name_of(path)
    try:
        data = _standard_input(kind, limit) if path == STANDARD_INPUT else _file(path, kind, limit)
    except FileNotFoundError:
        raise InvalidInput(f"{name} does not exist; a {kind} was expected") from None
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the path itself
        raise InvalidInput(f"{shorten(repr(str(path)))} is not a path") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not a text file (a {kind} is UTF-8 text)") from None
    if "\0" in text:
        raise InvalidInput(f"{name} is not a text file (a {kind} is UTF-8 text)")
    if not text.strip():
        raise InvalidInput(f"{name} is empty; a {kind} was expected")
    return text


def _standard_input(kind: str, limit: int) -> bytes:
    if sys.stdin is None:
        raise InvalidInput(f"there is no standard input to read a {kind} from")
    data = sys.stdin.buffer.read(limit + 1)  # a stream has no size to ask for
    if len(data) > limit:
        raise InvalidInput(
            f"standard input has more than {limit / 1e6:.0f} MB, the most that a {kind} may have"
        )
    return data


def _file(path: Path, kind: str, limit: int) -> bytes:
    size = path.stat().st_size
    if path.is_dir():
        raise InvalidInput(f"{path} is a directory, not a {kind}")
    if size > limit:
        raise InvalidInput(
            f"{path} has {size / 1e6:.0f} MB; a {kind} may have at most {limit / 1e6:.0f} MB"
        )
    return path.read_bytes()
