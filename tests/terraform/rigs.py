"""What the tests of Terraform share: plans, their rendering, and terraform with stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from harness import Terraform, standin_environment
from tools import require_modules, require_program

from melange_cloud.plan import Plan
from melange_cloud.planning.inputs import load_inputs
from melange_cloud.planning.planner import make_plan
from melange_cloud.service import load_service
from melange_cloud.terraform.render import Rendered, render
from melange_cloud.terraform.write import write_files

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
GCP = {"provider": ["gcp"]}
CASES = {
    "chat": ("chat", {}, None),
    "code-completion": ("code-completion", {}, None),
    "documents": ("documents", {}, None),
    "large-model": ("large-model", {}, None),
    "one-region": ("one-region", {}, None),
    "two-clouds": ("two-clouds", {}, None),
    "chat-weighted": ("chat", {}, "weighted"),
    "gcp-documents": ("documents", GCP, None),
    "gcp-documents-weighted": ("documents", GCP, "weighted"),
    "gcp-large-model": ("large-model", GCP, None),
}
"""Name -> example, overrides of its service, routing: every example, and Google Cloud alone."""

VARIABLES = {
    "api_key_secret": "chat-keys",
    "aws_hf_token_secret": "hf-token",
    "gcp_hf_token_secret": "hf-token",
    "gcp_project": "acme-prod",
    "remote_sites": {
        "gcp/us-central1": {
            "certificate": "projects/acme-prod/regions/us-central1/sslCertificates/pools",
            "hostname": "pools.example.com",
        }
    },
}


@cache
def plan_of(case: str) -> Plan:
    """The plan of a case; made once a process."""
    example, overrides, _ = CASES[case]
    path = EXAMPLES / f"{example}.yaml"
    inputs = load_inputs(load_service(path, overrides), path.parent)
    return make_plan(inputs, time_limit=60).plan


def rendered(case: str) -> Rendered:
    return render(plan_of(case), CASES[case][2])


def write_case(case: str, folder: Path, found: Rendered | None = None) -> Path:
    """A case's files in ``folder``, with values for the variables that it has."""
    found = found or rendered(case)
    write_files(folder, found.files)
    return with_variables(folder)


def with_variables(folder: Path) -> Path:
    declared = (folder / "variables.tf").read_text()
    given = {name: value for name, value in VARIABLES.items() if f'variable "{name}"' in declared}
    (folder / "test.auto.tfvars.json").write_text(json.dumps(given))
    return folder


@pytest.fixture(scope="session")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which terraform finds the stand-ins, and nothing else."""
    require_program("terraform")
    require_modules("grpc", "msgpack", "cryptography", "tf")
    return standin_environment(tmp_path_factory.mktemp("standins"))


def terraform(folder: Path, environment: dict[str, str]) -> Terraform:
    found = Terraform(folder, environment)
    found.init()
    return found
