"""The stand-ins find what is wrong: one fault each, in modules that are right without it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rigs import rendered, standins, terraform, write_case

__all__ = ["standins"]
pytestmark = pytest.mark.terraform

FAULTS = {
    # name: (case, file, what is there, what is put there, what terraform says)
    "aws misspelt argument": (
        "large-model", "modules/aws-pool/main.tf",
        "wait_for_capacity_timeout =", "wait_for_capacity_timeouts =",
        'An argument named "wait_for_capacity_timeouts" is not expected here',
    ),
    "aws misspelt block": (
        "large-model", "modules/aws-pool/main.tf",
        "  metadata_options {", "  metadata_option {",
        'Blocks of type "metadata_option" are not expected here',
    ),
    "aws missing argument": (
        "large-model", "modules/aws-pool/main.tf",
        "  max_size                  = var.machine_count\n", "",
        'The argument "max_size" is required',
    ),
    "aws mistyped argument": (
        "large-model", "modules/aws-pool/main.tf",
        "volume_size           = var.volume_gib", 'volume_size           = "large"',
        "a number is required",
    ),
    "aws one block too many": (
        "large-model", "modules/aws-pool/main.tf",
        "  monitoring {\n    enabled = true\n  }\n",
        "  monitoring {\n    enabled = true\n  }\n  monitoring {\n    enabled = true\n  }\n",
        'No more than 1 "monitoring" blocks are allowed',
    ),
    "aws value that no cloud takes": (
        "large-model", "modules/aws-pool/main.tf",
        '"least_outstanding_requests"', '"least_requests"',
        "expected load_balancing_algorithm_type to be one of",
    ),
    "aws description with characters EC2 refuses": (
        "large-model", "modules/aws-pool/access.tf",
        "APIs of AWS, all", "AWS's own APIs, all",
        "characters that EC2 does not admit",
    ),
    "gcp misspelt argument": (
        "gcp-documents-weighted", "modules/gcp-pool/main.tf",
        "distribution_policy_zones ", "distribution_policy_zone  ",
        'An argument named "distribution_policy_zone" is not expected here',
    ),
    "gcp missing argument": (
        "gcp-documents-weighted", "modules/gcp-pool/main.tf",
        "  base_instance_name               = var.name\n", "",
        'The argument "base_instance_name" is required',
    ),
    "gcp mistyped argument": (
        "gcp-documents-weighted", "modules/gcp-pool/main.tf",
        "target_size                      = var.machine_count", 'target_size = "many"',
        "a number is required",
    ),
    "gcp value that no cloud takes": (
        "gcp-documents-weighted", "modules/gcp-pool/balancer.tf",
        '"LEAST_REQUEST"', '"LEAST_REQUESTS"',
        "expected locality_lb_policy to be one of",
    ),
    "gcp missing block": (
        "gcp-documents-weighted", "modules/gcp-network/main.tf",
        "    source_ip_ranges_to_nat = [\"ALL_IP_RANGES\"]\n", "",
        'The argument "source_ip_ranges_to_nat" is required',
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def initialised(standins, tmp_path_factory: pytest.TempPathFactory):
    """A case's folder after init; made once."""
    made: dict[str, Path] = {}

    def get(case: str) -> Path:
        if case not in made:
            folder = write_case(case, tmp_path_factory.mktemp("fault") / "infra", rendered(case))
            run = terraform(folder, standins)
            run.run("validate", "-no-color")
            made[case] = folder
        return made[case]

    return get


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, initialised, standins, tmp_path: Path) -> None:
    case, path, right, wrong, message = FAULTS[fault]
    folder = tmp_path / "infra"
    shutil.copytree(initialised(case), folder, symlinks=True)
    text = (folder / path).read_text()
    assert right in text, "the fault no longer fits the module"
    (folder / path).write_text(text.replace(right, wrong, 1))
    run = terraform(folder, standins)
    ended = run.run("validate", "-no-color", check=False)
    assert ended.returncode == 1
    assert message in " ".join(ended.stderr.replace("│", " ").split())
