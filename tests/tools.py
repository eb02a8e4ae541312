"""Tools that tests need and a machine may lack: skipped, or a failure where CI demands them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest


def require_program(name: str, folder: Path | None = None) -> str:
    """The path of a program; without it the test is skipped, or fails when tools are required."""
    found = shutil.which(name, path=str(folder)) if folder else shutil.which(name)
    if found is None:
        missing(f"the program {name}")
    return str(found)


def require_modules(*names: str) -> None:
    """Python modules; without them the test is skipped, or fails when tools are required."""
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    if absent:
        missing("the Python modules " + ", ".join(absent))


def missing(what: str) -> None:
    """Skip, saying what is missing; fail with MELANGE_REQUIRE_TOOLS=1."""
    if os.environ.get("MELANGE_REQUIRE_TOOLS") == "1":
        pytest.fail(f"needs {what}, and MELANGE_REQUIRE_TOOLS=1 demands it", pytrace=False)
    pytest.skip(f"needs {what}")
