"""What a notebook imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import melange_cloud

CHAT = Path(__file__).parents[1] / "examples" / "chat.yaml"


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(melange_cloud, name) for name in melange_cloud.__all__)
    assert set(melange_cloud._MODULE_OF) == set(melange_cloud.__all__)
    assert not hasattr(melange_cloud, "no_such_name")


def test_a_plan_in_three_lines_is_what_the_command_writes(melange, tmp_path: Path) -> None:
    from melange_cloud import load_inputs, load_service, make_plan

    plan = make_plan(load_inputs(load_service(CHAT), CHAT.parent)).plan
    melange("plan", CHAT, "--out", tmp_path / "plan.json")
    assert plan == melange_cloud.load_plan(tmp_path / "plan.json")
    assert plan.to_json() == (tmp_path / "plan.json").read_text()


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, melange_cloud; print(sorted(n for n in sys.modules if 'pydantic' in n))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
