"""What the user must give before `terraform apply`: declared where it does something, and said."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from gateway_update import keys_map
from rigs import plan_of

from melange_cloud.planning.sites import Routing, sites
from melange_cloud.terraform.render import Rendered, render


def on(cloud: str, routing: Routing) -> Rendered:
    """A small fleet, all of it on one cloud."""
    plan = plan_of("two-clouds")
    pools = [pool for pool in plan.pools if pool.provider == cloud]
    # each bucket as a whole to one pool of that cloud: what matters here is the place alone
    lines = [line.model_copy(update={"shares": {pools[0].id: 1.0}}) for line in plan.assignment]
    return render(plan.model_copy(update={"pools": pools, "assignment": lines}), routing)


CASES = [("aws", "size"), ("aws", "weighted"), ("gcp", "size"), ("gcp", "weighted")]


@pytest.fixture(params=[*CASES, ("both", "size")], ids="-".join)
def found(request: pytest.FixtureRequest) -> Rendered:
    cloud, routing = request.param
    return render(plan_of("two-clouds"), routing) if cloud == "both" else on(cloud, routing)


def variables(found: Rendered) -> dict[str, str]:
    """Name -> block of the root module's variables."""
    blocks = re.findall(r'(?ms)^variable "(\w+)" \{\n(.*?)^\}', found.files["variables.tf"])
    return dict(blocks)


def test_the_readme_tells_what_has_no_default(found: Rendered) -> None:
    apply = found.files["README.md"].split("## Apply")[1].split("\n## ")[0]
    required = {name for name, block in variables(found).items() if "  default" not in block}
    assert {name for name in required if name not in apply} == set()


def test_every_variable_is_used(found: Rendered) -> None:
    text = "".join(found.files[name] for name in ("main.tf", "outputs.tf", "versions.tf"))
    declared = variables(found)
    used = set(re.findall(r"\bvar\.(\w+)", text + found.files["variables.tf"]))
    assert used == set(declared)


def test_allowed_cidrs_says_what_it_does() -> None:
    said = {case: variables(on(*case)).get("allowed_cidrs", "") for case in CASES}
    assert "in addition to the VPC's own" in said["aws", "size"]
    assert "empty for the VPC's own" in said["aws", "weighted"]
    assert "empty for all private ones" in said["gcp", "size"]
    assert said["gcp", "weighted"] == ""
    for cloud, routing in CASES:
        assert ("metrics_cidrs" in variables(on(cloud, routing))) == (routing == "size")


def test_the_commands_of_the_readme_make_what_is_asked(found: Rendered, tmp_path: Path) -> None:
    """With programs that only record what they were told."""
    programs, here = tmp_path / "programs", tmp_path / "here"
    programs.mkdir()
    here.mkdir()
    for name in ("aws", "gcloud", "terraform"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/calls\n')
        (programs / name).chmod(0o755)
    digest = "sha256:" + "0" * 64
    (programs / "docker").write_text(
        f'#!/bin/sh\necho "docker $@" >>{tmp_path}/calls; echo {digest}\n'
    )
    (programs / "docker").chmod(0o755)
    shell = "\n".join(re.findall(r"(?s)```sh\n(.*?)```", found.files["README.md"]))
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "-eu"], input=shell, cwd=here, env=environment, text=True, capture_output=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    given = dict(re.findall(r'(?m)^(\w+) = "(.*)"$', (here / "terraform.tfvars").read_text()))
    assert given.keys() <= variables(found).keys()
    assert given["vllm_image_digest"] == digest
    calls = (tmp_path / "calls").read_text()
    places = sites(found.plan)
    (home,) = (site for site in places if site.home)
    if found.routing == "size":
        assert keys_map((here / "keys.txt").read_text()).endswith(" my-client\n")
        where = f"--region {home.region} --name" if home.provider == "aws" else "secrets create"
        assert f"{where} {given['api_key_secret']} " in calls
    if any(site.provider == "gcp" for site in places):
        assert given["gcp_project"] == "YOUR-PROJECT"
        enabled = set(re.findall(r"(\w+)\.googleapis\.com", calls))
        assert enabled == apis_of(found)


def apis_of(found: Rendered) -> set[str]:
    """The Google APIs behind the resources of the rendered modules."""
    of = {
        "google_compute": "compute",
        "google_monitoring": "monitoring",
        "google_project_iam": "cloudresourcemanager",
        "google_secret_manager": "secretmanager",
        "google_service_account": "iam",
        "google_storage": "storage",
    }
    text = "".join(body for path, body in found.files.items() if path.endswith(".tf"))
    used = set(re.findall(r'(?m)^(?:resource|data) "(google_\w+)"', text))
    apis = {kind: api for kind in used for start, api in of.items() if kind.startswith(start)}
    assert apis.keys() == used
    return set(apis.values())
