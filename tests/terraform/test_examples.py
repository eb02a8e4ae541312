"""Rendered plans through terraform: formatted, valid, applied and destroyed on stand-ins."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from harness import Terraform, changes, resources
from rigs import CASES, plan_of, rendered, standins, terraform, write_case

from melange_cloud.terraform.render import render

__all__ = ["standins"]
QUICK = ["large-model", "gcp-documents-weighted"]


@pytest.mark.parametrize("case", QUICK)
def test_an_example_of_each_cloud_is_planned(case: str, standins, tmp_path: Path) -> None:
    folder = write_case(case, tmp_path / "infra")
    run = terraform(folder, standins)
    run.run("fmt", "-check", "-recursive", "-diff")
    run.run("validate", "-no-color")
    assert_machines(case, resources(run.plan()["planned_values"]["root_module"]))


ENGINE_ARGS = [
    *("--max-num-seqs=256", "--gpu-memory-utilization=0.92", "--enable-prefix-caching"),
    *("--block-size=16", "--max-num-batched-tokens=8192", "--swap-space=4", "--dtype=bfloat16"),
]


@pytest.mark.parametrize("count", range(1, len(ENGINE_ARGS) + 1))
def test_long_arguments_of_the_engine_are_formatted(standins, tmp_path: Path, count: int) -> None:
    """On one line, near the longest line, and over several lines."""
    args = ENGINE_ARGS[:count]
    plan = plan_of("two-clouds")
    profiles = [one.model_copy(update={"engine_args": args}) for one in plan.profiles]
    found = render(plan.model_copy(update={"profiles": profiles}))
    folder = write_case("two-clouds", tmp_path / "infra", found)
    Terraform(folder, standins).run("fmt", "-check", "-recursive", "-diff")
    assert (folder / "main.tf").read_text().count(args[0]) == len(plan.pools)


@pytest.mark.terraform
@pytest.mark.parametrize("case", CASES)
def test_every_example_is_made_kept_and_destroyed(case: str, standins, tmp_path: Path) -> None:
    folder = write_case(case, tmp_path / "infra")
    run = terraform(folder, standins)
    run.run("fmt", "-check", "-recursive", "-diff")
    run.run("validate", "-no-color")
    run.apply()
    found = run.state()
    assert_machines(case, found)
    outputs = run.outputs()
    plan = plan_of(case)
    assert outputs["plan_digest"] == plan.digest
    assert outputs["planned_usd_per_hour"] == plan.cost.usd_per_hour
    assert outputs["endpoint"].startswith("http")
    assert {name: pool["planned_count"] for name, pool in outputs["pools"].items()} == {
        pool.id: pool.count for pool in plan.pools
    }
    assert all(pool["capacity_alarm"] for pool in outputs["pools"].values())
    assert_marked(case, found)
    assert changes(run.plan()) == {}
    run.destroy()
    assert run.state() == []


@pytest.mark.terraform
@pytest.mark.parametrize("case", ["chat", "gcp-documents"])
def test_a_changed_count_changes_only_the_count(case: str, standins, tmp_path: Path) -> None:
    folder = write_case(case, tmp_path / "infra")
    run = terraform(folder, standins)
    run.apply()
    plan = plan_of(case)
    more = plan.model_copy(
        update={
            "pools": [
                pool.model_copy(update={"count": pool.count + (index == 0)})
                for index, pool in enumerate(plan.pools)
            ]
        }
    )
    write_case(case, folder, render(more))
    found = changes(run.plan())
    assert all(action == ["update"] for action in found.values()), found
    kinds = {address.split(".")[-2] for address in found}
    # the digest of the plan is another: tags change in place, machines and templates do not
    replaced = {"aws_launch_template", "google_compute_region_instance_template"}
    groups = {"aws_autoscaling_group", "google_compute_region_instance_group_manager"}
    assert kinds & groups
    for change in run.plan()["resource_changes"]:
        before, after = change["change"]["before"], change["change"]["after"]
        if change["type"] in replaced and change["change"]["actions"] == ["update"]:
            same = {"tags", "tags_all"}
            assert {k: v for k, v in before.items() if k not in same} == {
                k: v for k, v in after.items() if k not in same
            }


@pytest.mark.terraform
def test_a_given_network_is_used_and_none_made(standins, tmp_path: Path) -> None:
    folder = write_case("large-model", tmp_path / "infra")
    (folder / "network.auto.tfvars").write_text(
        'aws_networks = { "us-east-1" = { vpc_id = "vpc-9", subnet_ids = ["s-1", "s-2"] } }\n'
    )
    run = terraform(folder, standins)
    found = resources(run.plan()["planned_values"]["root_module"])
    assert not {item["type"] for item in found} & {"aws_vpc", "aws_subnet", "aws_nat_gateway"}
    (group,) = (item for item in found if item["type"] == "aws_autoscaling_group")
    assert sorted(group["values"]["vpc_zone_identifier"]) == ["s-1", "s-2"]


def assert_machines(case: str, found: list[dict]) -> None:
    """Types and counts are the plan's, and what they cost is what the plan says."""
    plan = plan_of(case)
    machines = sorted(_machines(found))
    assert machines == sorted((pool.instance_type, pool.count) for pool in plan.pools)
    price = {pool.instance_type: pool.usd_per_hour_each for pool in plan.pools}
    cost = math.fsum(count * price[kind] for kind, count in machines)
    assert cost == pytest.approx(plan.cost.usd_per_hour, abs=1e-6)


def _machines(found: list[dict]) -> list[tuple[str, int]]:
    """(type, count) of the pools' groups, by the module that holds both."""
    by_module: dict[str, dict[str, object]] = {}
    for item in found:
        module = item["address"].rsplit(".", 2)[0]
        values = item["values"]
        if not module.startswith("module.pool_"):
            continue
        seen = by_module.setdefault(module, {})
        if item["type"] == "aws_launch_template":
            seen["type"] = values["instance_type"]
        if item["type"] == "google_compute_region_instance_template":
            seen["type"] = values["machine_type"]
        if item["type"] == "aws_autoscaling_group":
            seen["count"] = values["desired_capacity"]
            assert values["min_size"] == values["max_size"] == values["desired_capacity"]
        if item["type"] == "google_compute_region_instance_group_manager":
            seen["count"] = values["target_size"]
    return [(str(seen["type"]), int(str(seen["count"]))) for seen in by_module.values()]


UNMARKED = {
    # what can have neither tags nor labels, or must not have the digest
    "aws_autoscaling_group",
    "google_compute_region_instance_template",
}


def assert_marked(case: str, found: list[dict]) -> None:
    plan, service = plan_of(case), plan_of(case).service.name
    for item in found:
        values = item["values"]
        if item["type"] in UNMARKED or "module.gateway" in item["address"]:
            continue
        if "tags" in values and "tags_all" in values:
            assert values["tags"]["melange-service"] == service, item["address"]
            assert values["tags"]["melange-plan"] == plan.digest, item["address"]
        elif values.get("labels") is not None and "effective_labels" in values:
            assert values["labels"]["melange-service"] == service, item["address"]


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert rendered("large-model").files == rendered("large-model").files
