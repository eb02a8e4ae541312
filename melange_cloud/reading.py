"""Reading the text of a user's file, or of standard input: every reader's one way in.

A file must be a regular one and is read as far as its stated size: a device or a named pipe that a
document names would never end, or never begin. What the user typed may also be a pipe, as a shell
makes it of ``<(command)``; it is read as standard input is, up to a limit.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
"""Largest document read. A plan or price book is well below; a trace is read by DuckDB."""

PIPE_WAITS_S = 10
"""Seconds for which a pipe may be silent before it is given up."""

STANDARD_INPUT = Path("/dev/stdin")
"""What the command line makes of ``-``. It is read as a stream, also where there is no such file;
a file that is called ``-`` is another path."""

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def name_of(path: Path) -> str:
    """What messages call a file."""
    return "standard input" if path == STANDARD_INPUT else shorten(path, 200)


def word_for(path: Path) -> str:
    """What to type for a file in a command."""
    return "-" if path == STANDARD_INPUT else str(path)


def folder_of(path: Path) -> Path:
    """Where relative paths in a file start: its folder, or the current one for standard input."""
    return Path() if path == STANDARD_INPUT else path.parent


def read_text(
    path: Path, kind: str, limit: int = MAX_DOCUMENT_BYTES, *, typed: bool = False
) -> str:
    """The text of a user's file. Raises InvalidInput, which says why it cannot be read.

    ``typed`` is for a path that the user gave for this file itself: it may be a pipe or standard
    input. A path that stands in a document, or was found in a folder, may not.
    """
    data = read_bytes(path, kind, limit, typed=typed)
    name = name_of(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not a text file (a {kind} is UTF-8 text)") from None
    if "\0" in text:
        raise InvalidInput(f"{name} is not a text file (a {kind} is UTF-8 text)")
    if not text.strip():
        raise InvalidInput(f"{name} is empty; a {kind} was expected")
    return text


def read_bytes(
    path: Path, kind: str, limit: int = MAX_DOCUMENT_BYTES, *, typed: bool = False
) -> bytes:
    """The content of a user's file, of at most ``limit`` bytes; otherwise as ``read_text``."""
    if typed and path == STANDARD_INPUT:
        return _standard_input(kind, limit)
    with _open(path, kind, pipes=typed) as file:
        return _content(file, path, kind, limit)


def regular_file(path: Path, kind: str) -> None:
    """Raise InvalidInput unless ``path`` is a regular file that may be opened, of any size."""
    _open(path, kind, pipes=False).close()


def _open(path: Path, kind: str, *, pipes: bool) -> io.FileIO:
    """The file, opened without waiting for anybody and known to be of a kind that may be read."""
    name = name_of(path)
    try:
        _check_kind(path.stat().st_mode, name, kind, pipes=pipes)  # opening may act on a device
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _check_kind(os.fstat(descriptor).st_mode, name, kind, pipes=pipes)
        except InvalidInput:
            os.close(descriptor)
            raise
    except FileNotFoundError:
        raise InvalidInput(f"{name} does not exist; a {kind} was expected") from None
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL or a surrogate in the path itself
        raise InvalidInput(f"{shorten(ascii(str(path)))} is not a path") from None
    return io.FileIO(descriptor, closefd=True)


def _check_kind(mode: int, name: str, kind: str, *, pipes: bool) -> None:
    if stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode)):
        return
    found = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    hint = None if stat.S_ISDIR(mode) else f"write the {kind} to a regular file, and give that"
    raise InvalidInput(f"{name} is {found}, not a {kind}", hint=hint)


def _content(file: io.FileIO, path: Path, kind: str, limit: int) -> bytes:
    found = os.fstat(file.fileno())
    try:
        if stat.S_ISFIFO(found.st_mode):
            return _of_pipe(file.fileno(), name_of(path), kind, limit)
        if found.st_size <= limit:
            # a file of /proc states no size, and may have no end
            with io.BufferedReader(file) as buffered:
                return buffered.read(found.st_size)
    except OSError as error:
        raise InvalidInput(f"{name_of(path)} cannot be read: {error.strerror}") from None
    raise InvalidInput(
        f"{name_of(path)} has {found.st_size / 1e6:,.0f} MB; a {kind} may have at most "
        f"{limit / 1e6:.0f} MB"
    )


def _standard_input(kind: str, limit: int) -> bytes:
    if sys.stdin is None:
        raise InvalidInput(f"there is no standard input to read a {kind} from")
    try:
        data = sys.stdin.buffer.read(limit + 1)  # a stream has no size to ask for
    except OSError as error:  # a directory
        raise InvalidInput(f"standard input cannot be read: {error.strerror}") from None
    _check_size(data, "standard input", kind, limit)
    return data


def _of_pipe(descriptor: int, name: str, kind: str, limit: int) -> bytes:
    """What is written to a pipe until its writer closes it."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN | select.POLLHUP)
    data = bytearray()
    while True:
        if not waiting.poll(PIPE_WAITS_S * 1000):
            raise InvalidInput(
                f"{name} is a pipe, and nothing was written to it for {PIPE_WAITS_S} seconds",
                hint=f"write the {kind} to a file first, or give it as standard input, by -",
            )
        part = os.read(descriptor, 1 << 20)
        if not part:
            return bytes(data)
        data += part
        _check_size(data, name, kind, limit)


def _check_size(data: bytes | bytearray, name: str, kind: str, limit: int) -> None:
    if len(data) > limit:
        raise InvalidInput(
            f"{name} has more than {limit / 1e6:.0f} MB, the most that a {kind} may have"
        )
