"""The gateway's Terraform modules: what they plan, and that machines get what HAProxy takes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from gateway_rig import check_files, hashed
from gateway_update import keys_map, unpacked
from harness import Terraform, resources, standin_environment
from sample_plans import three_pools
from tls_files import self_signed
from tools import require_program

from melange_cloud.gateway import Backend, gateway_files

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "templates" / "modules"
BACKENDS = {
    "aws-l4": {"address": "internal-pools-1.eu-west-1.elb.amazonaws.com", "port": 8001},
    "aws-a10g": {"address": "10.1.2.3", "port": 8002},
    "gcp-a100": {"address": "192.0.2.7", "port": 443, "tls_hostname": "pools.example.com"},
}
FILES = gateway_files(
    three_pools(),
    [Backend("aws-l4", addresses=4), Backend("aws-a10g"), Backend("gcp-a100", tls=True)],
)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "aws": {
        "name": "chat-gateway",
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "endpoint_subnet_ids": ["subnet-3", "subnet-4"],
        "backends": BACKENDS,
        "api_key_secret": "chat/keys",
        "tls_secret": "chat/tls",
        "allowed_cidrs": ["203.0.113.0/24"],
        "plan_digest": "sha256:abc",
        "tags": {"team": "search"},
    },
    "gcp": {
        "name": "chat-gateway",
        "project": "some-project",
        "region": "europe-west4",
        "zones": ["europe-west4-a", "europe-west4-b"],
        "network": "net",
        "subnetwork": "subnet",
        "backends": BACKENDS,
        "api_key_secret": "chat-keys",
        "tls_secret": "chat-tls",
        "allowed_cidrs": ["203.0.113.0/24"],
        "plan_digest": "sha256:abc",
        "labels": {"team": "search"},
    },
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    require_program("terraform")
    return standin_environment(tmp_path_factory.mktemp("providers"))


def planned(cloud: str, folder: Path, mirror: dict[str, str], **changed: Any) -> dict[str, Any]:
    """The plan of a root module that calls the gateway's alone."""
    return caller(cloud, folder, mirror, **changed).plan()


def caller(cloud: str, folder: Path, mirror: dict[str, str], **changed: Any) -> Terraform:
    module = {"source": "./gateway", "files": FILES, **ARGUMENTS[cloud], **changed}
    (folder / "gateway").symlink_to(MODULES / f"{cloud}-gateway")
    # JSON syntax reads ${} as HCL does
    text = json.dumps({"module": {"gateway": module}}).replace("${", "$${").replace("%{", "%%{")
    (folder / "main.tf.json").write_text(text)
    terraform = Terraform(folder, mirror)
    terraform.init()
    return terraform


def found(plan: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        item["values"]
        for item in resources(plan["planned_values"]["root_module"])
        if item["type"] == kind
    ]


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_module_is_formatted_and_complete(cloud: str) -> None:
    require_program("terraform")
    module = MODULES / f"{cloud}-gateway"
    subprocess.run(["terraform", "fmt", "-check", module], check=True, capture_output=True)
    names = {path.name for path in module.iterdir()}
    assert names >= {"README.md", "main.tf", "variables.tf", "outputs.tf", "versions.tf"}


def test_two_small_aws_machines_behind_one_address(tmp_path: Path, mirror: dict[str, str]) -> None:
    plan = planned("aws", tmp_path, mirror)
    (group,) = found(plan, "aws_autoscaling_group")
    assert (group["min_size"], group["max_size"], group["desired_capacity"]) == (2, 2, 2)
    (template,) = found(plan, "aws_launch_template")
    assert template["instance_type"] == "t3.medium"
    assert template["metadata_options"][0]["http_tokens"] == "required"
    assert template["block_device_mappings"][0]["ebs"][0]["encrypted"] in (True, "true")
    (balancer,) = found(plan, "aws_lb")
    assert (balancer["load_balancer_type"], balancer["internal"]) == ("network", True)
    (listener,) = found(plan, "aws_lb_listener")
    assert (listener["port"], listener["protocol"]) == (443, "TCP")
    ports = {
        rule["from_port"]
        for rule in found(plan, "aws_security_group_rule")
        if rule["type"] == "egress"
    }
    assert ports == {80, 443, 8001, 8002}


def test_aws_machines_get_what_haproxy_takes(
    tmp_path: Path,
    mirror: dict[str, str],
    haproxy: str,  # noqa: ARG001
) -> None:
    plan = planned("aws", tmp_path, mirror)
    parameters = {item["name"]: item["value"] for item in found(plan, "aws_ssm_parameter")}
    assert all(len(value) <= 4096 for value in parameters.values())
    check_configuration(json.loads(unpacked(parameters)), tmp_path / "haproxy")


def test_gcp_machines_get_what_haproxy_takes(
    tmp_path: Path,
    mirror: dict[str, str],
    haproxy: str,  # noqa: ARG001
) -> None:
    plan = planned("gcp", tmp_path, mirror)
    (stored,) = found(plan, "google_storage_bucket_object")
    check_configuration(json.loads(stored["content"]), tmp_path / "haproxy")
    (group,) = found(plan, "google_compute_region_instance_group_manager")
    assert group["target_size"] == 2
    (rule,) = found(plan, "google_compute_forwarding_rule")
    assert (rule["ports"], rule["load_balancing_scheme"]) == (["443"], "INTERNAL")


def check_configuration(files: dict[str, str], folder: Path) -> None:
    base = files.pop("base.cfg")
    assert files == FILES
    for pool, backend in BACKENDS.items():
        name = pool.upper().replace("-", "_")
        assert f'setenv MELANGE_POOL_{name} "{backend["address"]}:{backend["port"]}"' in base
    assert 'setenv MELANGE_HOST_GCP_A100 "pools.example.com"' in base
    files |= {
        "base.cfg": base,
        "keys.map": keys_map(f"{hashed('key')} someone"),
        "tls.pem": self_signed(),
    }
    checked = check_files(files, folder)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("cloud", "expected"),
    [
        (
            "aws",
            {
                "cloud": "aws",
                "configuration": "/melange-cloud/chat-gateway",
                "api_key_secret": "chat/keys",
                "tls_secret": "chat/tls",
            },
        ),
        (
            "gcp",
            {
                "cloud": "gcp",
                "project": "some-project",
                "configuration": "gs://some-project-chat-gateway/gateway.json",
                "api_key_secret": "chat-keys",
                "tls_secret": "chat-tls",
            },
        ),
    ],
)
def test_machines_start_with_names_of_secrets_and_the_program(
    cloud: str,
    expected: dict[str, str],
    tmp_path: Path,
    mirror: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The script runs, with stand-ins for what changes the machine, and leaves all in place."""
    plan = planned(cloud, tmp_path, mirror)
    script = start_script(cloud, plan)
    assert len(script) < 16 * 1024  # EC2's limit
    root, programs = tmp_path / "root", tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "systemctl"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/calls\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("MELANGE_ROOT", str(root))
    subprocess.run(["bash", "-s"], input=script, text=True, check=True, timeout=60)
    settings = json.loads((root / "etc/melange-gateway/settings.json").read_text())
    assert settings.pop("region", None) == (None if cloud == "gcp" else plan_region(plan))
    assert settings == expected
    program = ROOT / "templates" / "userdata" / "gateway_update.py"
    placed = root / "usr/local/sbin/melange-gateway-update"
    assert placed.read_text() == program.read_text()
    assert os.access(placed, os.X_OK)
    units = {path.name for path in (root / "etc/systemd/system").rglob("*") if path.is_file()}
    assert units == {
        "melange.conf",
        "melange-gateway-update.service",
        "melange-gateway-update.timer",
    }
    calls = (tmp_path / "calls").read_text()
    assert "haproxy python3 ca-certificates " in calls
    assert "systemctl enable --now melange-gateway-update.timer" in calls


def start_script(cloud: str, plan: dict[str, Any]) -> str:
    if cloud == "aws":
        (template,) = found(plan, "aws_launch_template")
        return base64.b64decode(template["user_data"]).decode()
    (template,) = found(plan, "google_compute_region_instance_template")
    return str(template["metadata"]["startup-script"])


def plan_region(plan: dict[str, Any]) -> str:
    (role,) = found(plan, "aws_iam_role")
    return str(role["name"].removeprefix("chat-gateway-"))


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"public": True, "tls_secret": ""}, "needs tls_secret"),
        ({"backends": {'a"\n': {"address": "x", "port": 1}}}, "Pool ids may have"),
        ({"backends": {"a": {"address": 'x" y', "port": 1}}}, "Pool ids may have"),
        ({"backends": {"a": {"address": "x", "port": 70000}}}, "Pool ids may have"),
        ({"files": {"../haproxy.cfg": ""}}, "every name must look like"),
        ({"api_key_secret": ""}, "secret"),
        ({"name": "A"}, "The name must have"),
    ],
)
def test_what_cannot_be_is_refused(
    cloud: str, changed: dict[str, Any], message: str, tmp_path: Path, mirror: dict[str, str]
) -> None:
    ended = caller(cloud, tmp_path, mirror, **changed).run("plan", "-no-color", check=False)
    assert ended.returncode != 0
    assert message in " ".join(ended.stderr.replace("│", " ").split())
