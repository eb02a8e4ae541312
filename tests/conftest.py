"""Fixtures for all tests."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from melange_cloud.cli.main import main

# a CI that runs this in the background has Ctrl-C ignored, also for the programs started from here
signal.signal(signal.SIGINT, signal.default_int_handler)

# what is printed is as wide as COLUMNS says; the tests say so themselves where they mean it
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Melange = Callable[..., Ended]


@pytest.fixture
def melange() -> Melange:
    """``melange("plan", path)`` runs the command in this process, as a shell would see it."""

    def run(*words: object) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main([str(word) for word in words])
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        return Ended(code, out.getvalue(), err.getvalue())

    return run


JOBS = {"profiles/run": "profiler", "package": "package"}
"""Folder -> the marker of all its tests: jobs of their own, see the Makefile."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for folder, marker in JOBS.items():
            if Path(item.path).is_relative_to(Path(__file__).parent / folder):
                item.add_marker(marker)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew; review the diff"
    )
    parser.addoption(
        "--dependencies",
        choices=["locked", "lowest", "newest"],
        default="locked",
        help="which versions of its dependencies the installed wheel is tested with",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden("cli/plan-help.txt", text)``: the text is what the golden file holds."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}; make it with pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare
