"""Standard output belongs to results: whatever libraries print, from Python or C, goes to stderr.

Solvers print banners from their C code, and any library may print when it is imported, or when the
process ends. A program that reads our JSON would read that too, and a test that replaces
``sys.stdout`` would not see it. So descriptor 1 is pointed at stderr for good, and results go to a
duplicate of what it was.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, TextIO

from melange_cloud.errors import OutsideError
from melange_cloud.output.encoding import for_people, for_programs
from melange_cloud.printable import printable


@dataclass
class _Output:
    """Where results go."""

    results: TextIO | None = None
    """None where stdout is closed, or before ``keep_for_results``."""
    stdout: TextIO | None = None
    """The ``sys.stdout`` whose descriptor now is that of stderr."""
    duplicate: TextIO | None = None
    """What that was."""


_output = _Output()


def keep_for_results() -> None:
    """From here on, descriptor 1 is stderr, and only results reach standard output.

    Not undone: what C libraries have buffered, and what Python code prints at exit, is written when
    the process ends. Streams without descriptors (a test's, a notebook's) stay what they are.
    """
    if sys.stderr is None:  # closed; remarks would otherwise be printed to stdout
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stdout is not None and sys.stdout is _output.stdout:
        _output.results = _output.duplicate
        return
    _output.results = sys.stdout
    if sys.stdout is None:  # closed; the next file opened would become descriptor 1
        os.dup2(sys.stderr.fileno(), 1)
        return
    try:
        descriptor, errors = sys.stdout.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return
    sys.stdout.flush()
    kept = os.dup(descriptor)
    os.set_blocking(kept, True)  # or a long result would end where a pipe is full
    os.dup2(errors, descriptor)
    duplicate = open(kept, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: PTH123, SIM115
    _output.results = _output.duplicate = duplicate
    _output.stdout = sys.stdout


@contextlib.contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Within, all that is printed goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


class _Printed(io.StringIO):
    """What the parser prints, which is help unless a command runs."""

    command_ran = False


@contextlib.contextmanager
def help_is_a_result() -> Iterator[None]:
    """Around the parser: what is printed is the result, unless a command ran meanwhile.

    Help and completions are printed by the parser, which also imports libraries as it goes.
    """
    printed = _Printed()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        if printed.command_ran:
            write_to_stderr(printed.getvalue())
        elif printed.getvalue():
            write_result(printed.getvalue())


def as_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, with all that is printed before, while and after it runs going to stderr."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        if isinstance(sys.stdout, _Printed):
            sys.stdout.command_ran = True
        with prints_to_stderr():
            return command(*arguments, **options)

    return run


def columns_of_terminal(stream: TextIO | None = None) -> int | None:
    """The width of the terminal that ``stream`` goes to, by default that of results.

    None for a pipe, a file or what is closed.
    """
    found = stream or _output.results or sys.stdout
    try:
        if found.isatty():
            return os.get_terminal_size(found.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # closed, or of unknown size
        pass
    return None


def as_printed(text: str) -> str:
    """What standard output will show of a text for people."""
    return for_people(text, _encoding())


def write_result(text: str) -> None:
    """A result for people, to standard output, ending in one newline, without what must not be
    printed.

    A reader that has gone (``| head -1``) is no error: the command ends as it would have. Raises
    OutsideError where standard output is closed or cannot be written, as on a full disk.
    """
    _write(as_printed(printable(text)))


def write_document(text: str) -> None:
    """A result for programs, as ``write_result``: it stays what it is in every encoding.

    JSON has what must not be printed escaped (``dump_json``).
    """
    _write(for_programs(text, _encoding()))


def write_to_stderr(text: str) -> None:
    """Text as it is, to standard error, without what must not be printed.

    Where it cannot be written, it is left out: the command and its exit code matter more.
    """
    try:
        print(printable(text), end="", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _encoding() -> str:
    return getattr(_output.results or sys.stdout, "encoding", None) or "utf-8"


def _write(text: str | bytes) -> None:
    results = _output.results
    if results is None:
        raise OutsideError("standard output is closed, so the result cannot be printed")
    try:
        if isinstance(text, bytes) and hasattr(results, "buffer"):
            results.buffer.write(text if text.endswith(b"\n") else text + b"\n")
        else:
            line = text.decode() if isinstance(text, bytes) else text
            results.write(line if line.endswith("\n") else line + "\n")
        results.flush()
    except BrokenPipeError:
        _discard(results)
    except OSError as error:
        _discard(results)
        raise OutsideError(f"standard output cannot be written: {error.strerror}") from None


def _discard(stream: TextIO) -> None:
    """Send what is left in its buffer nowhere: Python would try again when it ends."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), stream.fileno())
