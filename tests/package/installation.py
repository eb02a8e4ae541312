"""Running the program of an environment in which nothing of the checkout can be found."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "COLUMNS")
"""Variables through which the checkout could be found, or output would change."""


def run(*words: object, cwd: Path, code: int = 0) -> str:
    """What a command printed to stdout; the test fails unless it ended with ``code``."""
    ended = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in OURS},
        check=False,
    )
    shown = " ".join(map(str, words))
    assert ended.returncode == code, f"{shown}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@dataclass(frozen=True)
class Installed:
    """An environment with the installed wheel."""

    bin: Path

    def melange(self, *words: object, cwd: Path, code: int = 0) -> str:
        return run(self.bin / "melange-cloud", *words, cwd=cwd, code=code)

    def python(self, source: str, cwd: Path) -> str:
        return run(self.bin / "python", "-c", source, cwd=cwd)
