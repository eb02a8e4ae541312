"""`prices refresh`, locks and diffs as a user types them, with both clouds on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "prices"))

from fakes import (  # noqa: E402
    Fake,
    billing_api,
    compute_api,
    ec2_api,
    google_error,
    price_list_api,
    quotas_api,
)
from samples import A2_SKUS, instance_type, machine, product, quota, region  # noqa: E402

TYPES = [
    instance_type("g6.xlarge", "L4", 1, 22888, 4, 16),
    instance_type("p5e.48xlarge", "H200", 8, 144384, 192, 2048),
]
MACHINES = {"us-central1-a": [machine("a2-highgpu-1g", "nvidia-tesla-a100", 1, 12, 85)]}


class Clouds:
    """AWS and GCP as loopback servers, and the environment that leads there."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder = folder
        self.prices = {"g6.xlarge": "0.8048"}
        self.ec2 = Fake(ec2_api(["us-east-1", "eu-west-1"], TYPES))
        self.price_list = Fake(
            price_list_api(
                [product("g6.xlarge", "0.8048", name) for name in ("us-east-1", "eu-west-1")]
            )
        )
        self.quotas = Fake(quotas_api({"L-DB2E81BA": 64.0}))
        self.compute = Fake(
            compute_api([region("us-central1", "a")], MACHINES, [quota("GPUS_ALL_REGIONS", 8)])
        )
        self.billing = Fake(billing_api(A2_SKUS))
        self.all = (self.ec2, self.price_list, self.quotas, self.compute, self.billing)
        self.key = key

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "NO_GCE_CHECK": "true",
            "MELANGE_CLOUD_CACHE": str(self.folder / "cache"),
            "AWS_CONFIG_FILE": str(self.folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"),
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_MAX_ATTEMPTS": "2",
            "AWS_ENDPOINT_URL_EC2": self.ec2.url,
            "AWS_ENDPOINT_URL_PRICING": self.price_list.url,
            "AWS_ENDPOINT_URL_SERVICE_QUOTAS": self.quotas.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": self.compute.url,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDBILLING": self.billing.url,
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "melange_cloud", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.environment(),
            timeout=60,
        )


@pytest.fixture
def clouds(tmp_path: Path) -> Iterator[Clouds]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = tmp_path / "key.json"
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": private.decode(),
        "client_email": "t@p.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:1/token",
    }
    key.write_text(json.dumps(account))
    made = Clouds(tmp_path, key)
    for fake in made.all:
        fake.__enter__()
    yield made
    for fake in made.all:
        fake.__exit__(None, None, None)


def test_refresh_then_plan_with_what_was_fetched(clouds: Clouds) -> None:
    done = clouds.run("prices", "refresh", "--lock", "prices.lock.json", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["regions"] == [
        {"provider": "aws", "region": "eu-west-1", "offers": 1, "left_out": 1},
        {"provider": "aws", "region": "us-east-1", "offers": 1, "left_out": 1},
        {"provider": "gcp", "region": "us-central1", "offers": 1, "left_out": 0},
    ]
    assert "left out 2 offers (aws p5e.48xlarge): its price is missing" in done.stderr
    calls = sum(len(fake.seen) for fake in clouds.all)

    listed = clouds.run("prices", "list", "--prices", "live", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    offers = json.loads(listed.stdout)["offers"]
    assert [(offer["instance_type"], offer["usd_per_hour"]) for offer in offers] == [
        ("g6.xlarge", 0.8048),
        ("g6.xlarge", 0.8048),
        ("a2-highgpu-1g", 3.673385),
    ]
    assert sum(len(fake.seen) for fake in clouds.all) == calls, "the cache was fresh"

    locked = clouds.run("prices", "list", "--prices", "prices.lock.json", "--format", "json")
    assert locked.stdout == listed.stdout
    same = clouds.run("prices", "diff", "prices.lock.json", "live")
    assert (same.returncode, same.stdout) == (0, "no change\n")


def test_an_old_cache_is_refreshed_and_a_diff_shows_the_change(clouds: Clouds) -> None:
    first = clouds.run("prices", "refresh", "--provider", "aws", "--lock", "old.json")
    assert first.returncode == 0, first.stderr
    clouds.price_list.answer = price_list_api([product("g6.xlarge", "0.9", "us-east-1")])
    kept = clouds.run("prices", "list", "--prices", "live", "--provider", "aws")
    assert "0.8048" in kept.stdout
    diff = clouds.run("prices", "diff", "old.json", "old.json", "--format", "markdown")
    assert diff.stdout == "**Prices: no change**\n"
    again = ("prices", "list", "--prices", "live", "--max-age", "0s", "--provider", "aws")
    assert "0.9000" in clouds.run(*again, "--out", "new.json").stdout
    diff = clouds.run("prices", "diff", "old.json", "new.json")
    assert "+11.83%" in diff.stdout
    assert "1 changed (1 dearer, 0 cheaper), 0 added, 1 removed" in diff.stdout


def test_a_failure_is_an_error_and_never_another_price(clouds: Clouds) -> None:
    clouds.compute.fail(
        "machineTypes", google_error(403, "Required 'compute.machineTypes.list' permission")
    )
    done = clouds.run("prices", "list", "--prices", "live")
    assert done.returncode == 4
    assert done.stdout == ""
    assert "lacks the permission compute.machineTypes.list" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_age(clouds: Clouds) -> None:
    done = clouds.run("prices", "list", "--prices", "live", "--max-age", "soon")
    assert done.returncode == 2
    assert '--max-age must be a duration such as 24h, 90m or 7d, is "soon"' in done.stderr


def test_ctrl_c_ends_a_refresh_at_once(clouds: Clouds) -> None:
    clouds.compute.latency = clouds.ec2.latency = 30.0
    process = subprocess.Popen(
        clouds.command("prices", "refresh"),
        cwd=clouds.folder,
        env=clouds.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 40
    while not (clouds.compute.arrived and clouds.ec2.arrived) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)  # the clouds answer after 30
    assert process.returncode == 130, errors
    assert list((clouds.folder / "cache").rglob("*.json")) == []


IMPORTS = """
import sys
from melange_cloud.cli.main import main
try:
    main(sys.argv[1:])
finally:
    heavy = [name for name in sys.modules
             if name.split(".")[0] in ("boto3", "botocore", "gpuhunt")
             or name.startswith("google.cloud")]
    print("heavy:", heavy, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ("plan", str(ROOT / "examples" / "chat.yaml"), "--region", "us-east-1"),
        ("prices", "list", "--region", "us-east-1"),
        ("prices", "--help"),
    ],
)
def test_bundled_prices_need_no_cloud_sdk(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )
    assert done.stderr.splitlines()[-1] == "heavy: []", done.stderr
    assert len(done.stdout.splitlines()) > 3, done.stderr


SERVICE = """\
name: live
model: meta-llama/Llama-2-7b-hf
slo: {tpot_ms: 120}
workload: {rate: RATE, sizes: arena}
prices: live
offers: {regions: [us-east-1, us-central1]}
"""


def test_plan_with_live_prices_keeps_to_the_accounts_quotas(clouds: Clouds) -> None:
    service = clouds.folder / "service.yaml"
    service.write_text(SERVICE.replace("RATE", "2"))
    ended = clouds.run("plan", "service.yaml")
    assert ended.returncode == 0, ended.stderr
    plan = json.loads((clouds.folder / "plan.json").read_text())
    assert plan["prices"]["source"] == "live"
    assert plan["prices"]["as_of"] is not None
    assert {offer["region"] for offer in plan["inputs"]["offers"]} <= {"us-east-1", "us-central1"}
    assert any("L-DB2E81BA" in cap["name"] for cap in plan["inputs"]["limits"]["caps"])
    asked = sum(fake.arrived for fake in clouds.all)
    again = clouds.run("plan", "service.yaml", "--rate", "1")
    assert again.returncode == 0, again.stderr
    assert sum(fake.arrived for fake in clouds.all) == asked  # the cache is fresh

    # 16 g6.xlarge fill the vCPU quota of 64
    service.write_text(SERVICE.replace("RATE", "2").replace("offers: {", "offers: {gpus: [L4], "))
    ended = clouds.run("plan", "service.yaml", "--rate", "400")
    assert ended.returncode == 3
    assert "L-DB2E81BA" in ended.stderr
    assert "is 64; at least" in ended.stderr


def test_plan_fails_rather_than_use_other_prices(clouds: Clouds) -> None:
    (clouds.folder / "service.yaml").write_text(SERVICE.replace("RATE", "2"))
    clouds.billing.fail(".", google_error(403))
    ended = clouds.run("plan", "service.yaml")
    assert ended.returncode == 4, ended.stderr
    assert not (clouds.folder / "plan.json").exists()
