"""Live GCP prices over the real SDK clients' REST transports, against loopback servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, google_error
from samples import A2_SKUS, SSD_SKU, machine, quota, region, sku

from melange_cloud.prices.clouds import CloudError
from melange_cloud.prices.gcp_fetch import Endpoints, Gcp
from melange_cloud.prices.live import load_live
from melange_cloud.prices.wanted import Wanted

TODAY = "2026-11-22"
A2 = machine("a2-highgpu-1g", "nvidia-tesla-a100", 1, 12, 85)
L4 = machine("g2-standard-4", "nvidia-l4", 1, 4, 16)
PLAIN = {"name": "n2-standard-8", "guestCpus": 8, "memoryMb": 32768, "zone": "us-central1-a"}
FILLER = [sku(f"N2 Instance Core running in Place {n}", 1000 + n) for n in range(250)]
SKUS = [*FILLER, *A2_SKUS, SSD_SKU]
MACHINES = {
    "us-central1-a": [PLAIN, A2, L4],
    "us-central1-b": [A2 | {"zone": "us-central1-b"}],
}

Start = Callable[..., tuple[Gcp, Any, Any]]


def test_a_region_over_the_wire(gcp: Start) -> None:
    cloud, compute, billing = gcp(
        [region("us-central1", quotas=[quota("NVIDIA_A100_GPUS", 16, 2)]), region("us-east9")],
        MACHINES,
        SKUS,
        project_quotas=[quota("GPUS_ALL_REGIONS", 8)],
    )
    assert [state.name for state in cloud.regions()] == ["us-central1", "us-east9"]
    composed = cloud.fetch("us-central1", TODAY)
    (offer,) = composed.listings
    assert (offer.instance_type, offer.usd_per_hour) == ("a2-highgpu-1g", 3.673385)
    assert offer.zones == ("us-central1-a", "us-central1-b")
    assert [(q.name, q.region, q.limit, q.used) for q in composed.quotas] == [
        ("NVIDIA_A100_GPUS", "us-central1", 16.0, 2.0),
        ("GPUS_ALL_REGIONS", None, 8.0, 0.0),
    ]
    assert [(item.instance_type, item.reason[:24]) for item in composed.excluded] == [
        ("g2-standard-4", "the catalogue has no on-"),
    ]
    assert len([line for line in billing.seen if "pageToken" in line]) == 2
    assert all("filter" in line for line in compute.seen if "machineTypes" in line)


def test_machine_types_come_in_pages(gcp: Start) -> None:
    cloud, _, _ = gcp([region("us-central1", "a")], MACHINES, SKUS, page_size=1)
    assert [x.instance_type for x in cloud.fetch("us-central1", TODAY).listings] == [
        "a2-highgpu-1g"
    ]


def test_the_catalogue_is_fetched_once_for_all_regions_and_not_for_those_without_gpus(
    gcp: Start, tmp_path: Path
) -> None:
    names = [f"region-{n}" for n in range(6)]
    machines = {f"{name}-a": [A2 | {"zone": f"{name}-a"}] for name in names[:5]}
    skus = [sku(s["description"], 1_000_000, names, unit=s_unit(s)) for s in A2_SKUS]
    cloud, _, billing = gcp([region(name, "a") for name in names], machines, skus)
    book = load_live(Wanted(folder=tmp_path), {"gcp": lambda: cloud})
    assert len(book.offers) == 5
    assert len(billing.seen) == 1


def s_unit(item: dict[str, Any]) -> str:
    return str(item["pricingInfo"][0]["pricingExpression"]["usageUnit"])


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_throttling_and_server_errors_are_tried_again(gcp: Start, status: int) -> None:
    cloud, compute, billing = gcp([region("us-central1")], MACHINES, SKUS)
    compute.fail("machineTypes", google_error(status), times=1)
    billing.fail("skus", google_error(status), times=1)
    assert len(cloud.fetch("us-central1", TODAY).listings) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_stays_broken_is_a_clear_error(gcp: Start, status: int) -> None:
    cloud, compute, _ = gcp([region("us-central1")], MACHINES, SKUS, retry_seconds=0.7)
    compute.fail("machineTypes", google_error(status))
    with pytest.raises(CloudError, match=r"compute\.machineTypes\.list even after retries"):
        cloud.fetch("us-central1", TODAY)


@pytest.mark.parametrize(
    "answer",
    [Answer({}, cut=True), Answer('{"items": ['), Answer({"items": 5, "skus": 5})],
    ids=["cut", "no JSON", "wrong type"],
)
@pytest.mark.parametrize("api", ["machineTypes", "skus"])
def test_a_cut_or_garbled_page_is_a_clear_error(gcp: Start, api: str, answer: Answer) -> None:
    cloud, compute, billing = gcp([region("us-central1")], MACHINES, SKUS, retry_seconds=0.7)
    (compute if api == "machineTypes" else billing).fail(api, answer)
    with pytest.raises(CloudError, match="Google Cloud"):
        cloud.fetch("us-central1", TODAY)


def test_a_catalogue_without_gpu_skus_is_an_error(gcp: Start) -> None:
    cloud, _, _ = gcp([region("us-central1")], MACHINES, FILLER)
    with pytest.raises(CloudError, match="no SKU of a GPU machine"):
        cloud.fetch("us-central1", TODAY)


def test_a_page_that_fails_half_way_stores_nothing_of_its_region(
    gcp: Start, tmp_path: Path
) -> None:
    machines = {
        f"{name}-a": [A2 | {"zone": f"{name}-a"}, L4 | {"zone": f"{name}-a"}]
        for name in ("us-central1", "us-east1")
    }
    regions = [region("us-central1", "a"), region("us-east1", "a")]
    cloud, compute, _ = gcp(regions, machines, SKUS, retry_seconds=0.7, page_size=1)
    compute.fail("us-east1-a/machineTypes.*pageToken", google_error(500))
    with pytest.raises(CloudError, match=r"\(gcp/us-east1\)"):
        load_live(Wanted(folder=tmp_path), {"gcp": lambda: cloud})
    stored = {path.name for path in tmp_path.rglob("*.json")}
    assert stored == {"_regions.json", "us-central1.json"}


def test_a_missing_permission_is_named_once_for_all_regions(gcp: Start, tmp_path: Path) -> None:
    cloud, compute, _ = gcp([region(f"r{n}", "a") for n in range(9)], {}, SKUS)
    message = "Required 'compute.machineTypes.list' permission for 'projects/test-project'"
    compute.fail("machineTypes", google_error(403, message))
    with pytest.raises(CloudError) as error:
        load_live(Wanted(folder=tmp_path), {"gcp": lambda: cloud})
    assert error.value.message.count("lacks the permission compute.machineTypes.list") == 1
    assert "(gcp/r0, gcp/r1, gcp/r2 and 6 more)" in error.value.message
    assert "docs/prices.md" in (error.value.hint or "")


def test_an_api_that_is_not_enabled_is_named(gcp: Start) -> None:
    cloud, _, billing = gcp([region("us-central1")], MACHINES, SKUS)
    billing.fail(
        "skus",
        google_error(
            403,
            "Cloud Billing API has not been used in project 5 before or it is disabled. "
            "Enable it by visiting cloudbilling.googleapis.com then retry.",
        ),
    )
    with pytest.raises(CloudError) as error:
        cloud.fetch("us-central1", TODAY)
    assert "cloudbilling.googleapis.com is not enabled" in error.value.message
    assert "gcloud services enable cloudbilling.googleapis.com" in (error.value.hint or "")


def test_refused_credentials(
    gcp: Start, service_account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, compute, _ = gcp([], {}, [])
    compute.fail("regions", google_error(401))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account))
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", compute.url)
    cloud = Gcp.from_environment()
    assert cloud.account == "project-of-the-key"
    with pytest.raises(CloudError, match="credentials were refused") as error:
        cloud.regions()
    assert "gcloud auth application-default login" in (error.value.hint or "")


def test_no_credentials() -> None:
    with pytest.raises(CloudError, match="no credentials were found") as error:
        Gcp.from_environment()
    assert "gcloud auth application-default login" in (error.value.hint or "")


def test_nobody_there() -> None:
    from google.auth.credentials import AnonymousCredentials

    nowhere = Endpoints("http://127.0.0.1:1", "http://127.0.0.1:1")
    cloud = Gcp("p", AnonymousCredentials(), nowhere, retry_seconds=0.5)
    with pytest.raises(CloudError, match="Google Cloud"):
        cloud.regions()


def test_private_endpoints_as_gcloud_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", "https://compute.internal/compute/v1/"
    )
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDBILLING", "billing.internal")
    assert Endpoints.from_environment() == Endpoints("https://compute.internal", "billing.internal")
