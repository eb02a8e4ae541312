"""`render`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, melange) -> Path:
    monkeypatch.chdir(tmp_path)
    assert melange("plan", ROOT / "examples" / "large-model.yaml").code == 0
    return tmp_path


def test_render_says_what_changed_and_what_it_costs(melange) -> None:
    ended = melange("render", "plan.json", "--out", "infra")
    assert ended.code == 0, ended.err
    assert "added:" in ended.out
    assert "load balancer" in ended.out
    assert Path("infra/main.tf").exists()
    Path("infra/terraform.tfvars").write_text("x = 1\n")
    assert "nothing to change" in melange("render", "plan.json", "--out", "infra").out
    count = json.loads(Path("plan.json").read_text())["pools"][0]["count"]
    asked = (
        "plan",
        ROOT / "examples" / "large-model.yaml",
        "--gpu",
        "A100-80GB",
        "--headroom",
        0.8,
    )
    assert melange(*asked).code == 0
    assert json.loads(Path("plan.json").read_text())["pools"][0]["count"] > count
    again = melange("render", "plan.json", "--out", "infra").out
    assert "changed: main.tf" in again
    assert "modules" not in again
    assert Path("infra/terraform.tfvars").read_text() == "x = 1\n"


def test_what_cannot_be_provisioned_is_exit_2(melange) -> None:
    header = "provider,region,instance_type,gpu,gpu_count,usd_per_hour"
    Path("prices.csv").write_text(f"{header}\nlambda,us-east-1,gpu_8x_h100,H100,8,20\n")
    asked = ("plan", ROOT / "examples" / "large-model.yaml", "--prices", "prices.csv")
    assert melange(*asked, "--provider", "lambda", "--region", "us-east-1").code == 0
    ended = melange("render", "plan.json", "--out", "infra")
    assert ended.code == 2
    assert "cannot be provisioned" in ended.err
    assert "gpu_8x_h100" in ended.err
    assert not Path("infra").exists()


def test_no_terraform_is_exit_4(melange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ended = melange("render", "plan.json", "--out", "infra", "--validate")
    assert ended.code == 4
    assert "neither terraform nor tofu is installed" in ended.err


def test_a_plan_that_is_none(melange) -> None:
    Path("x.json").write_text("{}")
    assert melange("render", "x.json").code == 2
    assert melange("render", "no.json").code == 2
    assert melange("render", "plan.json", "--routing", "luck").code == 2
