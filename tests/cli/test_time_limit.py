"""--time-limit and Ctrl-C hold in every solve: commands run as subprocesses, with real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ROOT / "examples" / "code-completion.yaml"
PLAN = ROOT / "examples" / "plans" / "code-completion.json"

HARD = ("--slices", "37", "--rate", "37.3")
"""The paper's programme, cut so finely that its proof takes minutes."""

SOLVING = """\
# says when HiGHS begins to work on the n-th programme, so that the signal comes while it does
import builtins, os, sys
original = builtins.__import__

def watched(name, *rest, **more):
    module = original(name, *rest, **more)
    if name == "melange_cloud.allocation.deadline" and not hasattr(sys, "watched"):
        found = sys.modules.get(name)
        if found is not None and hasattr(found, "run_highs"):
            sys.watched, solve, left = True, found.run_highs, [int(os.environ["SOLVES"])]
            def run(*arguments):
                left[0] -= 1
                if not left[0]:
                    os.write(2, b"solving\\n")
                return solve(*arguments)
            found.run_highs = run
    return module

builtins.__import__ = watched
"""


def start(folder: Path, *words: object, solves: int = 1) -> subprocess.Popen[str]:
    (folder / "sitecustomize.py").write_text(SOLVING)
    with (folder / "stderr").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "melange_cloud", *map(str, words)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "SOLVES": str(solves)},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )


@pytest.mark.parametrize(
    ("words", "solves"),
    [
        (("plan", CODE, *HARD), 1),
        (("plan", CODE, *HARD, "--time-limit", "1000"), 2),
        (("sweep", CODE, "--slices", "37", "--rates", "37.3,9"), 1),
        (("check", CODE, "--baseline", PLAN, *HARD), 1),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else str(value),
)
def test_ctrl_c_ends_a_solve_at_once(
    words: tuple[object, ...], solves: int, tmp_path: Path
) -> None:
    with start(tmp_path, *words, solves=solves) as process:
        while "solving" not in (tmp_path / "stderr").read_text() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        if process.poll() is not None:
            pytest.fail("it was not hard enough: it had ended before the signal")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    err = (tmp_path / "stderr").read_text()
    assert time.monotonic() - began < 15  # the solve alone takes far longer
    assert (process.returncode, out) == (130, "")
    assert "terminate" not in err
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("plan", CODE, *HARD), 0, "the time limit ended before the cheapest fleet of"),
        (("check", CODE, "--baseline", PLAN, *HARD), 1, "the change is not divided"),
    ],
)
def test_a_limit_holds_for_all_solves_of_a_command(
    words: tuple[object, ...], code: int, said: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    with start(tmp_path, *words, "--time-limit", "1.5") as process:
        out, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 12  # start-up, building programmes, and a busy machine
    assert process.returncode == code, (tmp_path / "stderr").read_text()
    assert said in " ".join(out.split())
    assert "not proven cheapest" in out
