"""What machines are given follows from the model and the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from melange_cloud.plan import Plan, load_plan
from melange_cloud.planning.machines import (
    engine_args,
    fitting_len,
    load_seconds,
    max_model_len,
    volume_gib,
)

SMALL = Path(__file__).parents[1] / "golden" / "plan" / "small.json"


@pytest.fixture
def plan() -> Plan:
    return load_plan(SMALL)


def changed(plan: Plan, **service: object) -> Plan:
    return plan.model_copy(update={"service": plan.service.model_copy(update=service)})


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


def test_the_services_own_length_wins(plan: Plan) -> None:
    said = changed(plan, max_model_len=777)
    assert max_model_len(said, said.pools[0]) == 777


def with_args(plan: Plan, *args: str) -> Plan:
    profiles = [p.model_copy(update={"engine_args": list(args)}) for p in plan.profiles]
    return plan.model_copy(update={"profiles": profiles})


def test_servers_are_given_the_settings_that_their_throughput_rests_on(plan: Plan) -> None:
    given = with_args(
        plan, "--host", "::", "--kv-cache-dtype", "fp8", "--load-format=dummy",
        "--no-enable-prefix-caching", "--tensor-parallel-size=4", "--quantization=fp8", "-v",
    )  # fmt: skip
    for pool in plan.pools:
        assert engine_args(given, pool) == [
            "--kv-cache-dtype", "fp8", "--no-enable-prefix-caching", "--quantization=fp8",
        ]  # fmt: skip
        assert engine_args(with_args(plan), pool) == []


def test_what_is_quantised_leaves_more_room() -> None:
    assert fitting_len("meta-llama/Llama-3.1-70B", "A100-80GB", 2) is None  # 141 of 160 GB
    fp8 = ["--quantization=fp8"]
    assert (fitting_len("meta-llama/Llama-3.1-70B", "A100-80GB", 2, fp8) or 0) > 100_000
    small = "meta-llama/Llama-3.1-8B", "L4", 1
    lengths = [
        fitting_len(*small, args) or 0 for args in ([], fp8, [*fp8, "--kv-cache-dtype", "fp8_e4m3"])
    ]
    assert 0 < lengths[0] < lengths[1] < lengths[2]
    assert fitting_len(*small, ["--quantization=something-new"]) is None


def test_a_length_that_does_not_fit_is_not_asked_for(plan: Plan) -> None:
    said = changed(plan, max_model_len=10_000_000)
    for pool in said.pools:
        fitting = fitting_len(said.service.model, pool.gpu, pool.tensor_parallel)
        assert max_model_len(said, pool) == (fitting or 10_000_000)


def test_no_longer_than_the_memory_holds(plan: Plan) -> None:
    # Llama-2-7b on an A10G: (0.85 x 24 GB - 13.5 GB) / 0.5 MB a token
    line = plan.assignment[0].model_copy(update={"input_tokens": [0, 500_000]})
    long = plan.model_copy(update={"assignment": [line]})
    (a10g,) = [pool for pool in plan.pools if pool.gpu == "A10G"][:1] or [plan.pools[0]]
    found = max_model_len(long, a10g)
    assert found is not None
    assert found <= 4096
