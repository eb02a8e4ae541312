"""Standard output belongs to results: whatever libraries print, from Python or C, goes to stderr.

Solvers print banners from their C code, and any library may print when it is imported. A program
that reads our JSON would read that too, and a test that replaces ``sys.stdout`` would not see it.
So descriptor 1 is pointed at stderr for good, and results go to a duplicate of what it was.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TextIO

from melange_cloud.errors import OutsideError
from melange_cloud.printable import printable

_results: TextIO | None = None
"""Where results go once ``keep_for_results`` has run; None where stdout is closed."""


def keep_for_results() -> None:
    """From here on, descriptor 1 is stderr, and only ``write_result`` reaches standard output.

    Not undone: what C libraries have buffered is written when the process ends. Streams that are
    no descriptors (a test's, a notebook's) stay what they are.
    """
    global _results  # noqa: PLW0603 - a process has one standard output
    if sys.stderr is None:  # closed; remarks would otherwise be printed to stdout
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    _results = sys.stdout
    if sys.stdout is None:  # closed; the next file opened would become descriptor 1
        os.dup2(sys.stderr.fileno(), 1)
        return
    try:
        descriptor, errors = sys.stdout.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return
    sys.stdout.flush()
    kept = os.dup(descriptor)
    os.dup2(errors, descriptor)
    _results = open(kept, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: PTH123, SIM115
    sys.stdout = _results


@contextlib.contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Within, all that is printed goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def help_is_a_result() -> Iterator[None]:
    """Around the parser: what is printed is the result, unless a command ran meanwhile.

    Help and completions are printed by the parser, which also imports libraries as it goes.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        if printed.getvalue():
            write_result(printed.getvalue())


def as_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, with all that is printed before and while it runs going to stderr."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        if isinstance(sys.stdout, io.StringIO):  # of help_is_a_result: there was no help
            sys.stderr.write(sys.stdout.getvalue())
            sys.stdout.seek(0)
            sys.stdout.truncate()
        with prints_to_stderr():
            return command(*arguments, **options)

    return run


def columns_of_terminal() -> int | None:
    """The width of the terminal that results go to; None for a pipe, a file or a closed stdout."""
    results = _results or sys.stdout
    try:
        if results.isatty():
            return os.get_terminal_size(results.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # closed, or of unknown size
        pass
    return None


def write_result(text: str) -> None:
    """A result, to standard output, ending in one newline, without what must not be printed.

    JSON has that escaped (``dump_json``), so that nothing in it is replaced here.
    A reader that has gone (``| head -1``) is no error: the command ends as it would have. Raises
    OutsideError where standard output is closed or cannot be written, as on a full disk.
    """
    if _results is None:
        raise OutsideError("standard output is closed, so the result cannot be printed")
    try:
        safe = printable(text)
        _results.write(safe if safe.endswith("\n") else safe + "\n")
        _results.flush()
    except BrokenPipeError:
        _discard()
    except OSError as error:
        _discard()
        raise OutsideError(f"standard output cannot be written: {error.strerror}") from None


def write_remark(text: str) -> None:
    """A remark or an error, to standard error, without what must not be printed."""
    print(printable(text), file=sys.stderr)


def _discard() -> None:
    """Send what is left in the buffer nowhere: Python would try again when it ends."""
    assert _results is not None
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), _results.fileno())
