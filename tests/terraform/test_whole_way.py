"""From a plan through terraform to what a machine runs, and `render --validate`."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from harness import resources
from rigs import plan_of, standins, terraform, write_case
from test_user_data import Machine

from melange_cloud.errors import OutsideError
from melange_cloud.planning.machines import engine_args, max_model_len
from melange_cloud.terraform.render import render
from melange_cloud.terraform.run import report, validate

__all__ = ["standins"]
pytestmark = pytest.mark.terraform
HOSTILE = 'x"${file("/etc/passwd")}%{ if true }\n<<EOT\nEND\n\'; $(touch pwned) `id` | & # \\ é日'


@pytest.mark.parametrize("case", ["large-model", "gcp-documents-weighted"])
def test_a_machine_runs_what_the_plan_says(case: str, standins, tmp_path: Path) -> None:
    plan = plan_of(case)
    hostile = plan.model_copy(
        update={"service": plan.service.model_copy(update={"model": HOSTILE, "name": HOSTILE})}
    )
    folder = write_case(case, tmp_path / "infra", render(hostile, "weighted"))
    run = terraform(folder, standins)
    found = resources(run.plan()["planned_values"]["root_module"])
    scripts = [script for item in found if (script := _script(item))]
    assert len(scripts) == len(plan.pools)
    ran = []
    for number, script in enumerate(scripts):
        (tmp_path / str(number)).mkdir()
        machine = Machine(tmp_path / str(number))
        words = machine.boot_and_serve(script)
        assert not list(tmp_path.rglob("pwned"))
        port = words[words.index("--publish") + 1]
        ran.append((words[words.index("serve") + 1 :], port))
    expected = [
        (
            [
                HOSTILE,
                f"--tensor-parallel-size={pool.tensor_parallel}",
                f"--data-parallel-size={pool.replicas_per_instance}",
                f"--max-model-len={max_model_len(hostile, pool)}",
                *engine_args(plan, pool),
            ],
            "8000:8000",
        )
        for pool in plan.pools
    ]
    assert sorted(ran) == sorted(expected)
    assert all("--max-num-seqs=256" in words for words, _ in ran)  # as the profiles have it


def _script(item: dict) -> str | None:
    if item["type"] == "aws_launch_template":
        return base64.b64decode(item["values"]["user_data"]).decode()
    if item["type"] == "google_compute_region_instance_template":
        return str(item["values"]["metadata"]["startup-script"])
    return None


def test_validate_reports_terraforms_diagnostics(
    standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in standins.items():
        monkeypatch.setenv(name, value)
    folder = write_case("large-model", tmp_path / "infra")
    generated = ["main.tf", "modules/aws-pool/main.tf"]
    before = sorted(folder.rglob("*"))
    assert "no errors" in report(validate(folder, generated))
    assert sorted(folder.rglob("*")) == before

    main = folder / "modules/aws-pool/main.tf"
    main.write_text(main.read_text().replace("max_size  ", "max_sise"))
    found = validate(folder, generated)
    assert {diagnostic.where.split(":")[0] for diagnostic in found} >= {"modules/aws-pool/main.tf"}
    with pytest.raises(OutsideError, match="max_sise"):
        report(found)
