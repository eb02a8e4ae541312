"""Every error a user can meet, and the exit code it ends with.

A message says what is wrong, where, and what to do next. Code below the CLI raises these;
only the CLI prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_OK = 0
EXIT_REGRESSION = 1
EXIT_INVALID = 2
EXIT_INFEASIBLE = 3
EXIT_OUTSIDE = 4
EXIT_INTERRUPTED = 130

MAX_PROBLEMS = 50
"""Problems of one document that a message lists; a file of another kind may have thousands."""


class MelangeError(Exception):
    """Base of all errors that a user can meet.

    ``message`` says what is wrong and where, ``hint`` (or None) what to do about it;
    ``exit_code`` is what the command ends with.
    """

    exit_code = EXIT_OUTSIDE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a document: ``where`` is a field path, ``line`` counts from 1."""

    where: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (f"line {self.line}" if self.line else "", self.where) if part
        )
        return f"{place}: {self.what}" if place else self.what


class InvalidInput(MelangeError):
    """Wrong usage, or a file or value that is missing or invalid. Exit code 2."""

    exit_code = EXIT_INVALID


class InvalidDocument(InvalidInput):
    """A file with one or more ``problems``, all reported together. Exit code 2.

    The message shows the first MAX_PROBLEMS; ``more`` are known of beside ``problems``.
    """

    def __init__(self, name: str, kind: str, problems: Sequence[Problem], more: int = 0) -> None:
        self.name = name
        self.problems = list(problems)
        count = len(self.problems) + more
        counted = "1 problem" if count == 1 else f"{count:,} problems"
        lines = [f"{name} is not a valid {kind} ({counted})"]
        lines += [f"  {problem}" for problem in self.problems[:MAX_PROBLEMS]]
        if count > MAX_PROBLEMS:
            lines.append(f"  and {count - MAX_PROBLEMS:,} more")
        super().__init__("\n".join(lines))


class Infeasible(MelangeError):
    """No fleet can serve this. ``reasons`` say why, each in one line. Exit code 3."""

    exit_code = EXIT_INFEASIBLE

    def __init__(self, message: str, reasons: Sequence[str] = (), *, hint: str | None = None):
        self.reasons = list(reasons)
        super().__init__("\n".join([message, *(f"  {reason}" for reason in reasons)]), hint=hint)


class OutsideError(MelangeError):
    """The outside world failed: network, credentials, terraform, the disk. Exit code 4."""
