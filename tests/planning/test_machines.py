"""What machines are given follows from the model and the plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from melange_cloud.plan import Plan, load_plan
from melange_cloud.planning.machines import load_seconds, max_model_len, volume_gib

SMALL = Path(__file__).parents[1] / "golden" / "plan" / "small.json"


@pytest.fixture
def plan() -> Plan:
    return load_plan(SMALL)


def changed(tmp_path: Path, **service: object) -> Plan:
    data = json.loads(SMALL.read_text())
    data["service"] |= service
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data))
    return load_plan(path)


def test_disks_hold_the_weights() -> None:
    # 70.6 billion parameters of 2 bytes are 131 GiB
    assert volume_gib("meta-llama/Llama-3.1-70B") == 270
    assert volume_gib("meta-llama/Llama-3.1-8B") == 140
    assert volume_gib("nobody/knows-this") == 300


def test_larger_models_may_load_longer_within_what_google_admits() -> None:
    assert 900 < load_seconds("meta-llama/Llama-3.1-8B") < load_seconds("meta-llama/Llama-3.1-70B")
    assert load_seconds("nobody/knows-this") <= 3600


def test_the_longest_request_of_the_plan_fits(plan: Plan) -> None:
    longest = max(line.input_tokens[1] + line.output_tokens[1] for line in plan.assignment)
    assert {max_model_len(plan, pool) for pool in plan.pools} == {longest}


def test_the_services_own_length_wins(tmp_path: Path) -> None:
    said = changed(tmp_path, max_model_len=777)
    assert max_model_len(said, said.pools[0]) == 777


def test_no_longer_than_the_memory_holds(plan: Plan) -> None:
    # Llama-2-7b on an A10G: (0.85 x 24 GB - 13.5 GB) / 0.5 MB a token
    line = plan.assignment[0].model_copy(update={"input_tokens": [0, 500_000]})
    long = plan.model_copy(update={"assignment": [line]})
    (a10g,) = [pool for pool in plan.pools if pool.gpu == "A10G"][:1] or [plan.pools[0]]
    found = max_model_len(long, a10g)
    assert found is not None
    assert found <= 4096
