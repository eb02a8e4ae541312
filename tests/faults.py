"""Stopping a program at each of its file operations: by kill -9, or by an error of the system.

Python announces file operations to audit hooks, so that a test can stop at the n-th of them,
whatever functions the program calls.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink"}
"""Events of operations that change folders; os.replace announces itself as os.rename."""


Outcome = Literal["ended", "tolerated", "stopped"]


def stopped_at(number: int, folder: Path, action: Callable[[], object], how: str) -> Outcome:
    """Run ``action`` in a child process that is stopped at its file operation ``number`` (from 0)
    below ``folder``. ``how``: kill, or the name of an errno, raised instead of the operation.

    ended: there were not as many operations; tolerated: the action went on after the error.
    """
    child = os.fork()
    if child == 0:
        fired = [False]
        code = 1
        try:
            sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
            _install(number, str(folder), how, fired)
            action()
            code = 2 if fired[0] else 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    found: dict[int, Outcome] = {0: "ended", 2: "tolerated"}
    return found.get(os.waitstatus_to_exitcode(status), "stopped")


def _install(number: int, folder: str, how: str, fired: list[bool]) -> None:
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
        if not (writes or event in CHANGES):
            return
        if not any(str(argument).startswith(folder) for argument in arguments[:2]):
            return
        seen += 1
        if seen == number + 1:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            fired[0] = True
            code = getattr(errno, how)
            raise OSError(code, os.strerror(code))

    sys.addaudithook(hook)
