"""The Plan document: what is bought, who serves what, and what else it would have cost."""

from __future__ import annotations

import json
import math

import pytest
from small_services import OFFERS, PROFILES, bundled, inputs, offer, profile, service

from melange_cloud.errors import Infeasible
from melange_cloud.plan import Plan
from melange_cloud.plan_check import verify
from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.planner import make_plan

SERVICES = {
    "chat": {},
    "two clouds": {
        "limits": {"max_regions": 2},
        "workload": {"rate": 40, "sizes": "mixed-80-20"},
        "max_model_len": 18000,
    },
    "a loss survived": {"limits": {"survive": 1}, "offers": {"providers": ["aws"]}},
    "70B": {"model": "meta-llama/Llama-2-70b-hf", "workload": {"rate": 3, "sizes": "arena"}},
    "capped": {"limits": {"gpus": {"A10G": 6}, "instances": {"g6.xlarge": 2}}, "headroom": 0.2},
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_plan_adds_up(name: str) -> None:
    asked = bundled(**SERVICES[name])
    plan = make_plan(asked).plan
    service = asked.service
    assert plan.status == "optimal"
    spent = math.fsum(pool.count * pool.usd_per_hour_each for pool in plan.pools)
    assert plan.cost.usd_per_hour == pytest.approx(spent, abs=1e-5)
    assert plan.cost.usd_per_month == pytest.approx(spent * 730, abs=0.01)
    assert plan.cost.lower_bound_usd_per_hour == plan.cost.usd_per_hour
    pools = {pool.id: pool for pool in plan.pools}
    assert len(pools) == len(plan.pools)
    assert len({(pool.provider, pool.region) for pool in plan.pools}) <= service.limits.max_regions
    demand = service.workload.rate * (1 + service.headroom)
    assert sum(line.rate for line in plan.assignment) == pytest.approx(demand)
    for line in plan.assignment:
        assert list(line.shares) == sorted(line.shares)
        assert sum(line.shares.values()) == pytest.approx(1, abs=1e-12)
    for gpu, limit in service.limits.gpus.items():
        assert sum(p.count * p.gpus_per_instance for p in plan.pools if p.gpu == gpu) <= limit
    for baseline in plan.baselines:
        if baseline.usd_per_hour is None:
            assert baseline.why
            assert not baseline.counts
        else:
            assert baseline.usd_per_hour >= plan.cost.usd_per_hour - 1e-6
            saving = 1 - plan.cost.usd_per_hour / baseline.usd_per_hour
            assert baseline.saving == pytest.approx(saving, abs=1e-5)
    assert Plan.model_validate(json.loads(plan.to_json())) == plan
    verify(plan, "plan.json", json.loads(plan.to_json()))


@pytest.mark.parametrize("name", SERVICES)
def test_no_pool_is_overloaded_by_the_plans_own_numbers(name: str) -> None:
    plan = make_plan(bundled(**SERVICES[name])).plan
    rates = {(t.gpu, t.tensor_parallel): t.rates for t in plan.inputs.throughput}
    for pool in plan.pools:
        replicas = pool.count * pool.replicas_per_instance
        load = math.fsum(
            line.rate * line.shares[pool.id] / rates[pool.gpu, pool.tensor_parallel][b]
            for b, line in enumerate(plan.assignment)
            if pool.id in line.shares
        )
        assert load / replicas == pytest.approx(pool.utilization, abs=1e-6)
        assert load / replicas <= 1 + 1e-6


def test_pools_say_what_each_instance_is() -> None:
    asked = service(offers={"gpus": ["A10G"]}, limits={"max_regions": 2})
    plan = make_plan(inputs(asked, offers=(OFFERS[1], OFFERS[3]), profiles=PROFILES[:2])).plan
    # long requests need 4 GPUs a replica: 2 req/s fill half of one, 4.5 req/s of the short ones
    # the other half, and a small instance takes the rest
    assert [(p.id, p.count, p.replicas_per_instance, p.tensor_parallel) for p in plan.pools] == [
        ("aws-us-east-1-g5-12xlarge-tp4", 1, 1, 4),
        ("aws-us-west-2-g5-xlarge-tp1", 1, 1, 1),
    ]
    assert plan.cost.usd_per_hour == pytest.approx(5.4)
    long = plan.assignment[1]
    assert (long.input_tokens, long.output_tokens, long.rate) == ([100, 1000], [0, 100], 2.0)
    assert long.shares == {"aws-us-east-1-g5-12xlarge-tp4": 1.0}


def test_pools_of_one_configuration_share_by_replicas() -> None:
    # a cap leaves one large instance, so the same configuration runs on two instance types
    offers = (
        offer("us-east-1", "g5.12xlarge", "A10G", 4, 3.0),
        offer("us-east-1", "g5.xlarge", "A10G", 1, 1.0),
    )
    sizes = {"input_tokens": [100], "output_tokens": [100], "shares": [[1]]}
    limits = {"instances": {"g5.12xlarge": 1}}
    asked = service(workload={"rate": 12, "sizes": sizes}, limits=limits)
    plan = make_plan(inputs(asked, offers, (profile("A10G", 1, 2.0, 1.0),))).plan
    assert {p.instance_type: p.count for p in plan.pools} == {"g5.12xlarge": 1, "g5.xlarge": 2}
    shares = plan.assignment[0].shares
    assert shares["aws-us-east-1-g5-12xlarge-tp1"] == pytest.approx(4 / 6)
    assert shares["aws-us-east-1-g5-xlarge-tp1"] == pytest.approx(2 / 6)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert {p.utilization for p in plan.pools} == {1.0}


def test_baselines_are_each_gpu_alone() -> None:
    plan = make_plan(inputs(offers=(*OFFERS, offer("us-east-1", "none", "L4", 1, 0.1)),
                            profiles=(*PROFILES, profile("L4", 1, 1.0, 0.0)))).plan  # fmt: skip
    by_gpu = {baseline.gpu: baseline for baseline in plan.baselines}
    assert set(by_gpu) == {"A10G", "A100-40GB", "L4"}
    assert by_gpu["A100-40GB"].counts == {"p4d.24xlarge": 1}
    assert by_gpu["A100-40GB"].usd_per_hour == 20.0
    assert not by_gpu["L4"].feasible
    assert "SLO" in (by_gpu["L4"].why or "")


def test_all_that_is_needed_to_solve_it_again_is_in_the_plan() -> None:
    limits = {"instances": {"p4d.24xlarge": 2}, "max_regions": 2}
    plan = make_plan(inputs(service(limits=limits))).plan
    assert {o.instance_type for o in plan.inputs.offers} == {o.instance_type for o in OFFERS}
    assert [t.rates for t in plan.inputs.throughput] == [[2.0, 0.0], [9.0, 4.0], [20.0, 8.0]]
    assert plan.inputs.limits.max_regions == 2
    [cap] = plan.inputs.limits.caps
    assert (cap.limit, cap.weights) == (2.0, {"aws/us-east-1/p4d.24xlarge/on-demand": 1.0})


def test_the_same_inputs_give_the_same_bytes() -> None:
    first, second = (make_plan(bundled()).plan.to_json() for _ in range(2))
    assert first == second


def test_slices_are_never_cheaper_and_are_whole() -> None:
    asked = service(limits={"max_regions": 2})
    whole, sliced = make_plan(inputs(asked)).plan, make_plan(inputs(asked), slices=2).plan
    assert whole.cost.usd_per_hour <= sliced.cost.usd_per_hour + 1e-9


def reasons(asked: Inputs) -> list[str]:
    with pytest.raises(Infeasible) as error:
        make_plan(asked)
    return error.value.reasons


def test_a_size_that_nothing_serves_is_named_with_why_and_what_to_do() -> None:
    only = inputs(profiles=PROFILES[:1])
    first, last = reasons(only)
    assert "100-1000 input x 0-100 output tokens, 25.00% of all" in first
    assert "the SLO is missed even at the lightest load (A10G)" in first
    assert "loosen slo.tpot_ms" in last


def test_a_cap_too_low_is_named_with_what_it_would_have_to_be() -> None:
    limits = {"gpus": {"A10G": 3, "A100-40GB": 0}}
    text = "\n".join(reasons(inputs(service(limits=limits))))
    assert "limits.gpus" in text
    assert "would be needed" in text


def test_bundled_caps_too_low_by_exactly_so_much() -> None:
    offers = {"gpus": ["H100"], "regions": ["us-east-1"]}
    plan = make_plan(bundled(offers=offers)).plan
    needed = sum(pool.count * pool.gpus_per_instance for pool in plan.pools)
    [line] = reasons(bundled(offers=offers, limits={"gpus": {"H100": 1}}))
    assert line.startswith("limits.gpus H100 is 1; at least ")
    raised = int(line.split("at least ")[1].split()[0])
    assert 1 < raised <= needed
    assert make_plan(bundled(offers=offers, limits={"gpus": {"H100": raised}})).plan.pools
    assert reasons(bundled(offers=offers, limits={"gpus": {"H100": raised - 1}}))


def test_regions_that_serve_only_together() -> None:
    short_only, long_only = profile("A10G", 1, 2.0, 0.0), profile("A100-40GB", 4, 0.0, 8.0)
    asked = inputs(offers=(OFFERS[2], OFFERS[3]), profiles=(short_only, long_only))
    [line] = reasons(asked)
    assert line == "no single region can serve all sizes; set limits.max_regions to 2"


def test_nothing_on_offer_has_a_profile() -> None:
    [line] = reasons(inputs(profiles=(profile("H100", 1, 1, 1),)))
    assert "nothing on offer has a profile of this model" in line


def test_no_instance_has_enough_gpus() -> None:
    [line] = reasons(inputs(offers=OFFERS[:1], profiles=PROFILES[1:2]))
    assert "enough GPUs for A10G-tp4" in line
