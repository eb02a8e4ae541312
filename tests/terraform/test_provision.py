"""`profile provision`: what is rendered, through terraform with stand-ins, and what ends it."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from harness import changes, resources
from rigs import EXAMPLES, standins, terraform, with_variables
from test_user_data import NASTY

from melange_cloud.planning.inputs import load_inputs
from melange_cloud.planning.profiling import Profiling, plan_profiling
from melange_cloud.profiles.sizes import DEFAULT_SIZES
from melange_cloud.service import Service, load_service
from melange_cloud.terraform.profiling import Wanted, render_profiling
from melange_cloud.terraform.write import write_files

__all__ = ["standins"]
CLOUDS = {"both": ["aws", "gcp"], "aws": ["aws"], "gcp": ["gcp"]}


@cache
def profiling(clouds: str) -> tuple[Service, Profiling]:
    path = EXAMPLES / "chat.yaml"
    inputs = load_inputs(load_service(path, {"provider": CLOUDS[clouds]}), path.parent)
    return inputs.service, plan_profiling(inputs, 60)


def files(clouds: str, **changed: str) -> dict[str, str]:
    service, found = profiling(clouds)
    return render_profiling(
        service.model_copy(update=changed), found, Wanted([40.0], list(DEFAULT_SIZES))
    )


def write(clouds: str, folder: Path, **changed: str) -> Path:
    write_files(folder, files(clouds, **changed))
    return with_variables(folder)


def test_golden(golden) -> None:
    for name in ("main.tf", "outputs.tf", "variables.tf", "README.md"):
        golden(f"profiling/{name}", files("both")[name])


def test_the_same_machines_give_the_same_bytes() -> None:
    assert files("both") == files("both")


@pytest.mark.terraform
@pytest.mark.parametrize("clouds", CLOUDS)
def test_the_machines_are_made_once_and_destroyed(clouds: str, standins, tmp_path: Path) -> None:
    run = terraform(write(clouds, tmp_path / "profiling"), standins)
    run.run("fmt", "-check", "-recursive", "-diff")
    run.run("validate", "-no-color")
    run.apply()
    found = run.state()
    service, wanted = profiling(clouds)
    made = sorted(
        values.get("instance_type") or values["machine_type"]
        for values in of(found, "aws_launch_template") + of(found, "google_compute_instance")
    )
    assert made == sorted(machine.offer.instance_type for machine in wanted.machines)
    assert not {item["type"] for item in found} & {
        "aws_nat_gateway", "google_compute_router_nat", "aws_lb", "aws_eip",
    }  # fmt: skip
    outputs = run.outputs()
    assert outputs["usd_at_most"] == pytest.approx(wanted.usd_at_most, abs=0.005)
    assert set(outputs["profiles"]) == {machine.profile for machine in wanted.machines}
    assert all(f"profiles/{service.model}" in text for text in outputs["fetch"].values())
    assert changes(run.plan()) == {}
    run.destroy()
    assert run.state() == []


@pytest.mark.terraform
def test_each_cloud_ends_its_machines_at_the_limit(standins, tmp_path: Path) -> None:
    run = terraform(write("both", tmp_path / "profiling"), standins)
    before = datetime.now().astimezone()
    run.apply()
    found = run.state()
    _, wanted = profiling("both")
    groups = of(found, "aws_autoscaling_group")
    assert all(
        (group["min_size"], group["max_size"], group["desired_capacity"]) == (0, 1, 1)
        and {"HealthCheck", "ReplaceUnhealthy"} <= set(group["suspended_processes"])
        for group in groups
    )
    ends = of(found, "aws_autoscaling_schedule")
    assert sorted(end["autoscaling_group_name"] for end in ends) == sorted(
        group["name"] for group in groups
    )
    for end in ends:
        assert (end["min_size"], end["max_size"], end["desired_capacity"]) == (0, 0, 0)
        minutes = (datetime.fromisoformat(end["start_time"]) - before).total_seconds() / 60
        assert wanted.limit_minutes - 1 <= minutes <= wanted.limit_minutes + 5
    for template in of(found, "aws_launch_template"):
        assert len(base64.b64decode(template["user_data"])) < 16384  # EC2 takes no more
        assert template["instance_initiated_shutdown_behavior"] == "terminate"
    for machine in of(found, "google_compute_instance"):
        (scheduling,) = machine["scheduling"]
        assert scheduling["max_run_duration"][0]["seconds"] == wanted.limit_minutes * 60
        assert scheduling["instance_termination_action"] == "DELETE"
        assert scheduling["automatic_restart"] is False


@pytest.mark.terraform
def test_a_given_network_is_used_without_public_addresses(standins, tmp_path: Path) -> None:
    folder = write("aws", tmp_path / "profiling")
    regions = sorted({place.region for place in profiling("aws")[1].places})
    given = {r: {"vpc_id": "vpc-9", "subnet_ids": ["s-1", "s-2"]} for r in regions}
    (folder / "network.auto.tfvars.json").write_text(json.dumps({"aws_networks": given}))
    found = resources(terraform(folder, standins).plan()["planned_values"]["root_module"])
    assert not of(found, "aws_vpc")
    for template in of(found, "aws_launch_template"):
        # the provider has this as text
        assert template["network_interfaces"][0]["associate_public_ip_address"] in (False, "false")


@pytest.mark.terraform
def test_hostile_names_stay_data(standins, tmp_path: Path) -> None:
    folder = write("both", tmp_path / "profiling", name=NASTY, model=NASTY)
    run = terraform(folder, standins)
    run.run("validate", "-no-color")
    run.apply()
    found = run.state()
    scripts = [base64.b64decode(v["user_data"]).decode() for v in of(found, "aws_launch_template")]
    scripts += [v["metadata"]["startup-script"] for v in of(found, "google_compute_instance")]
    assert len(scripts) == len(profiling("both")[1].machines)
    for script in scripts:
        first, second = (
            json.loads(base64.b64decode(text))
            for text in re.findall(r"base64 -d >\S+\.json\" <<'END'\n(\S+)\nEND\n", script)
        )
        assert second["arguments"][0] == NASTY
        assert first["arguments"][0].startswith("--gpu=")


def of(found: list[dict], kind: str) -> list[dict]:
    return [item["values"] for item in found if item["type"] == kind]
