"""The bundled snapshot: what is in it, what is not, and that it is what its script makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from melange_cloud.prices.bundled import SNAPSHOT_FILE, load_bundled
from melange_cloud.prices.listing import Listing, make_book
from melange_cloud.prices.quota import Quota

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "data" / "prices"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published price lists are not here")
def test_the_committed_snapshot_is_what_the_script_makes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "make_price_snapshot.py"
    out = tmp_path / "snapshot.json"
    command = [sys.executable, str(script), "--csv", str(PUBLISHED), "--out", str(out)]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    assert out.read_bytes() == SNAPSHOT_FILE.read_bytes()


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )


def test_a_lock_file_becomes_a_snapshot_without_what_is_the_accounts_own(tmp_path: Path) -> None:
    quota = Quota(
        name="q", provider="aws", region="r", unit="vcpus", limit=1.0, instance_types=["t"]
    )
    lock = make_book(
        "live",
        [
            Listing("aws", "r", "t", "L4", 1, 0.5, as_of="2026-11-22", zones=("ra",), source="x"),
            Listing("aws", "r", "t", "L4", 1, 0.2, as_of="2026-11-22", purchase="spot"),
        ],
        sources={"x": "an API"},
        notes=["a remark"],
        quotas=[quota],
    )
    (tmp_path / "lock.json").write_text(lock.to_json())
    out = tmp_path / "snapshot.json"
    done = run("make_price_snapshot.py", "--from", str(tmp_path / "lock.json"), "--out", str(out))
    assert done.returncode == 0, done.stderr
    expected = Listing("aws", "r", "t", "L4", 1, 0.5, as_of="2026-11-22", source="x")
    assert out.read_text() == make_book("bundled", [expected], sources={"x": "an API"}).to_json()


def test_the_check_of_a_maintainer(tmp_path: Path) -> None:
    good = run("check_prices.py", "bundled")
    said = "478 offers of the source bundled have 0 problems\n"
    assert (good.returncode, good.stdout) == (0, said)
    path = tmp_path / "odd.json"
    path.write_text(make_book("odd", [Listing("aws", "r", "t", "H100", 8, 1.0)]).to_json())
    bad = run("check_prices.py", str(path))
    assert bad.returncode == 1
    assert "0.1250 $ per GPU hour, outside 3 to 30" in bad.stdout
    assert run("check_prices.py", "nothing").returncode == 2


def test_known_prices_keep_their_full_precision() -> None:
    prices = {
        (offer.region, offer.instance_type): (offer.usd_per_hour, offer.as_of)
        for offer in load_bundled().offers
    }
    assert prices["us-east-1", "p5.48xlarge"] == (55.04, "2026-02-09")
    assert prices["us-central1", "g2-standard-4"] == (0.706832255, "2026-08-03")
    assert prices["us-central1", "a2-highgpu-1g"][0] == pytest.approx(3.673385, abs=5e-7)


def test_only_what_is_sold_on_demand() -> None:
    book = load_bundled()
    types = {offer.instance_type for offer in book.offers}
    assert {offer.purchase for offer in book.offers} == {"on-demand"}
    assert {offer.provider for offer in book.offers} == {"aws", "gcp"}
    assert "a3-highgpu-8g" in types
    assert not types & {"a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g", "a3-ultragpu-8g"}
    assert not types & {"g4-standard-6", "g4-standard-12", "g4-standard-24"}
    assert {item.instance_type for item in book.excluded} == {
        *("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"),
        *("g4-standard-6", "g4-standard-12", "g4-standard-24"),
    }


def test_every_offer_says_where_its_price_was_read_and_when() -> None:
    book = load_bundled()
    dates = {
        "karpenter-gcp": "2026-08-03",
        "karpenter-aws": "2026-02-09",
        "skypilot": None,
    }
    assert set(book.sources) == set(dates)
    assert all(offer.as_of == dates[offer.source or ""] for offer in book.offers)


def test_gpus_have_their_one_name() -> None:
    gpus = {offer.gpu for offer in load_bundled().offers}
    assert gpus == {
        *("L4", "A10G", "A100-40GB", "A100-80GB", "H100", "T4", "L40S", "H200", "B200"),
        "RTX-PRO-6000",
    }


def test_machines_are_what_aws_describes() -> None:
    """Against EC2 DescribeInstanceTypes as moto's server returns it (recorded from AWS)."""
    instances = pytest.importorskip("moto.ec2.models.instance_types").INSTANCE_TYPES
    checked = 0
    for offer in load_bundled().offers:
        described = instances.get(offer.instance_type)
        if offer.provider != "aws" or described is None or "GpuInfo" not in described:
            continue
        (gpu,) = described["GpuInfo"]["Gpus"]
        assert offer.gpu_count == gpu["Count"], offer
        assert offer.vcpus == described["VCpuInfo"]["DefaultVCpus"], offer
        assert offer.memory_gib == described["MemoryInfo"]["SizeInMiB"] / 1024, offer
        assert offer.gpu.split("-")[0] == gpu["Name"].split("-")[0], offer
        checked += 1
    assert checked > 100
