"""GCP prices composed from SKUs and machine types; no network. One test a trap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import A2_SKUS, AMERICAS, SSD_SKU, a3_skus, machine, quota, sku

from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.gcp import GcpRegion, all_regions_quota, compose_gcp
from melange_cloud.prices.gcp_skus import is_relevant, region_rates
from melange_cloud.prices.listing import make_book, merge_books, not_sold_on_demand

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "api-samples"
TODAY = "2026-11-22"
A2 = machine("a2-highgpu-1g", "nvidia-tesla-a100", 1, 12, 85)
A3 = machine("a3-highgpu-8g", "nvidia-h100-80gb", 8, 208, 1872)
MEGA = machine("a3-megagpu-8g", "nvidia-h100-mega-80gb", 8, 208, 1872)


def book(
    machines: list[dict[str, Any]],
    skus: list[dict[str, Any]],
    region: str = "us-central1",
    quotas: tuple[dict[str, Any], ...] = (),
) -> PriceBook:
    composed = compose_gcp(GcpRegion(region, machines, skus, quotas), TODAY)
    return make_book(
        "live",
        composed.listings,
        notes=composed.notes,
        quotas=composed.quotas,
        excluded=composed.excluded,
        not_sold=not_sold_on_demand(),
    )


def price(*args: Any, **more: Any) -> float:
    (offer,) = book(*args, **more).offers
    return offer.usd_per_hour


def reasons(*args: Any, **more: Any) -> list[str]:
    result = book(*args, **more)
    assert result.offers == []
    return [item.reason for item in result.excluded]


def test_a2_in_us_central1_from_its_real_rates() -> None:
    (offer,) = book([A2], A2_SKUS).offers
    assert offer.usd_per_hour == 3.673385
    assert (offer.gpu, offer.gpu_count, offer.vcpus, offer.memory_gib) == ("A100-40GB", 1, 12, 85)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the API samples are not here")
def test_a2_in_us_central1_from_the_real_skus() -> None:
    skus = json.loads((SAMPLES / "gcp_skus_a2_sample.json").read_text())["skus"]
    assert price([A2], skus) == 3.673385


@pytest.mark.parametrize(
    ("region", "per_gpu"), [("us-central1", 11.06125), ("europe-west4", 14.0675)]
)
def test_a3_per_gpu_price_includes_its_local_ssd(region: str, per_gpu: float) -> None:
    """SYNTHETIC rates: the sum, a known list price, is checked; its parts are made up."""
    rates = a3_skus(total=per_gpu, regions=[region])
    ssd = sku("SSD backed Local Storage in Places", 80_000_000, [region], unit="GiBy.mo")
    full = price([A3], [*rates, ssd], region=region)
    assert full == pytest.approx(8 * per_gpu, abs=1e-8)
    without_ssd = price([A3 | {"name": "a3-highgpu-8g-nolssd"}], rates, region=region)
    assert full - without_ssd == pytest.approx(8 * 750 * 0.08 / 730, abs=1e-8)


def test_a2_ultra_bundles_half_as_much_local_ssd() -> None:
    ultra = machine("a2-ultragpu-2g", "nvidia-a100-80gb", 2, 24, 340)
    skus = [*A2_SKUS, sku("Nvidia Tesla A100 80GB GPU running in Americas", 0, units="4"), SSD_SKU]
    expected = 24 * 0.031611 + 340 * 0.004237 + 2 * 4 + 2 * 375 * 0.08 / 730
    assert price([ultra], skus) == pytest.approx(expected, abs=1e-12)


def test_local_ssd_as_the_api_reports_it_goes_before_what_is_known_of_the_series() -> None:
    reported = A3 | {"bundledLocalSsds": {"defaultInterface": "NVME", "partitionCount": 16}}
    skus = [*a3_skus(), SSD_SKU]
    assert price([reported], skus) == price([A3], skus)
    half = A3 | {"bundledLocalSsds": {"partitionCount": 8}}
    saved = 8 * 375 * 0.08 / 730
    assert price([A3], skus) - price([half], skus) == pytest.approx(saved, abs=1e-9)


@pytest.mark.parametrize("name", ["Mega", "Plus"])
def test_a3_mega_has_its_own_host_skus_and_two_names_for_its_gpu(name: str) -> None:
    mega = a3_skus("A3Plus", f"Nvidia H100 80GB {name} GPU")
    decoys = [
        sku("A3 Instance Core running in Americas", 1),
        sku("A3 Instance Ram running in Americas", 1, unit="GiBy.h"),
        sku("Nvidia H100 80GB GPU running in Americas", 1),
    ]
    assert price([MEGA], [*decoys, *mega, SSD_SKU]) == pytest.approx(8 * 11.06125, abs=1e-8)


def test_a3_host_skus_do_not_price_a3_mega() -> None:
    found = reasons([MEGA], [*a3_skus(), SSD_SKU])
    assert found == [
        "the catalogue has no on-demand rate for its vCPUs and memory and GPU in this region"
    ]


@pytest.mark.parametrize(
    "description",
    [
        "Nvidia H100 80GB GPU attached to DWS Defined Duration VMs running in Americas",
        "DWS Defined Duration Nvidia H100 80GB GPU running in Americas",
        "Nvidia H100 80GB GPU DWS Calendar Mode running in Americas",
        "DWS Calendar Mode A3 Instance Core running in Americas",
        "Reserved Nvidia H100 80GB GPU in Americas",
        "Commitment v1: Nvidia H100 80GB GPU running in Americas for 1 Year",
        "A3 Sole Tenancy Instance Core running in Americas",
        "Sole Tenancy Premium for A3 Instance Core running in Americas",
        "A3 Custom Instance Core running in Americas",
        "A2 Custom Extended Instance Ram running in Americas",
        "Licensing Fee for Nvidia H100 80GB GPU running in Americas",
        "Spot Preemptible A3 Instance Core running in Americas",
        "Nvidia H100 80GB GPU attached to Spot Preemptible VMs running in Americas",
    ],
)
def test_what_is_no_on_demand_price_though_its_usage_type_says_so(description: str) -> None:
    trap = sku(description, 999_000_000, units="99")
    assert not is_relevant(description, "OnDemand")
    skus = [*a3_skus(), SSD_SKU]
    assert price([A3], [trap, *skus, trap]) == price([A3], skus)


@pytest.mark.parametrize("usage_type", ["Preemptible", "Commit1Yr", "Commit3Yr"])
def test_other_usage_types_are_no_on_demand_prices(usage_type: str) -> None:
    skus = [*a3_skus(usage_type=usage_type), SSD_SKU]
    assert "no on-demand rate" in reasons([A3], skus)[0]


def test_service_regions_decide_and_not_the_place_in_the_description() -> None:
    toronto = [
        sku("A2 Instance Core running in Americas", 40_000_000, ["northamerica-northeast2"]),
        sku("A2 Instance Ram running in Americas", 5_000_000, ["northamerica-northeast2"]),
        sku("Nvidia Tesla A100 GPU running in Americas", 0, ["northamerica-northeast2"], units="4"),
    ]
    assert price([A2], [*toronto, *A2_SKUS]) == 3.673385
    assert "no on-demand rate" in reasons([A2], A2_SKUS, region="us-east4")[0]
    there = machine("a2-highgpu-1g", "nvidia-tesla-a100", 1, 12, 85, "northamerica-northeast2-a")
    assert price([there], [*A2_SKUS, *toronto], region="northamerica-northeast2") == pytest.approx(
        12 * 0.04 + 85 * 0.005 + 4
    )


def test_a_100_sizes_are_not_mixed_up() -> None:
    eighty = sku("Nvidia Tesla A100 80GB GPU running in Americas", 0, units="9")
    assert price([A2], [eighty, *A2_SKUS]) == 3.673385


def test_another_currency_is_left_out_and_said() -> None:
    core, ram, gpu = A2_SKUS
    foreign = sku(gpu["description"], 500_000_000, units="2", currency="EUR")
    assert reasons([A2], [core, ram, foreign]) == ["its price is in EUR, not in US dollars"]
    assert price([A2], [core, ram, foreign, gpu]) == 3.673385


def test_of_tiered_rates_the_highest_is_taken() -> None:
    """A first tier that is free must not make the GPU free."""
    core, ram, gpu = A2_SKUS
    free = sku(gpu["description"], 0, tiers=[(0, 0), (1, 900_000_000)])
    assert price([A2], [core, ram, free]) == pytest.approx(12 * 0.031611 + 85 * 0.004237 + 0.9)
    falling = sku(gpu["description"], 0, tiers=[(0, 900_000_000), (100, 500_000_000)])
    assert price([A2], [core, ram, falling]) == price([A2], [core, ram, free])


def test_a_rate_of_zero_is_no_rate() -> None:
    core, ram, gpu = A2_SKUS
    assert reasons([A2], [core, ram, sku(gpu["description"], 0)]) == [
        "the catalogue has no on-demand rate for its GPU in this region"
    ]


def test_units_are_text_and_nanos_are_billionths() -> None:
    core, ram, gpu = A2_SKUS
    written = json.loads(json.dumps(gpu))
    unit_price = written["pricingInfo"][0]["pricingExpression"]["tieredRates"][0]["unitPrice"]
    assert unit_price == {"currencyCode": "USD", "units": "2", "nanos": 933908000}
    del unit_price["nanos"]
    assert price([A2], [core, ram, written]) == pytest.approx(3.673385 - 0.933908)


def test_memory_priced_by_the_decimal_gigabyte_is_converted() -> None:
    core, ram, gpu = A2_SKUS
    decimal = sku(ram["description"], 4237000, unit="GBy.h")
    expected = 3.673385 + 85 * 0.004237 * (2**30 / 10**9 - 1)
    assert price([A2], [core, decimal, gpu]) == pytest.approx(expected, abs=1e-12)


def test_an_unknown_unit_is_no_rate() -> None:
    core, ram, gpu = A2_SKUS
    assert reasons([A2], [core, ram, gpu | sku(gpu["description"], 1, unit="fortnight")])


def test_the_latest_pricing_of_a_sku_is_in_force() -> None:
    core, ram, gpu = A2_SKUS
    old = sku(gpu["description"], 0, units="50")["pricingInfo"][0]
    old["effectiveTime"] = "2020-01-01T00:00:00Z"
    both = gpu | {"pricingInfo": [*gpu["pricingInfo"], old]}
    assert price([A2], [core, ram, both]) == 3.673385


def test_of_two_rates_the_higher_is_taken_and_said() -> None:
    dearer = sku("A2 Instance Core running in Iowa", 40_000_000, ["us-central1"], sku_id="AAAA")
    for skus in ([dearer, *A2_SKUS], [*A2_SKUS, dearer]):
        result = book([A2], skus)
        assert result.offers[0].usd_per_hour == pytest.approx(3.673385 + 12 * (0.04 - 0.031611))
        assert result.notes == [
            "gcp/us-central1 has 2 rates for core A2 Instance (0.031611, 0.04 $/h); "
            "the highest is used (SKU AAAA)"
        ]


def test_the_same_rate_twice_is_not_worth_a_remark() -> None:
    assert book([A2], [*A2_SKUS, *A2_SKUS]).notes == []


def test_a_series_without_skus_is_left_out_and_said() -> None:
    new = machine("a9-highgpu-1g", "nvidia-z900", 1, 12, 85)
    assert "vCPUs and memory and GPU" in reasons([new], A2_SKUS)[0]


def test_types_that_are_listed_but_not_sold_on_demand() -> None:
    one = machine("a3-highgpu-1g", "nvidia-h100-80gb", 1, 26, 234)
    assert reasons([one], [*a3_skus(), SSD_SKU]) == [not_sold_on_demand()["gcp", "a3-highgpu-1g"]]


def test_a_share_of_a_gpu_is_left_out() -> None:
    """The API reports one accelerator for a g4-standard-6; only its description tells."""
    share = machine("g4-standard-6", "nvidia-rtx-pro-6000", 1, 6, 22)
    share["description"] = "Graphics Optimized: 1/8 NVIDIA RTX PRO 6000 GPU, 6 vCPUs, 22GB RAM"
    skus = [
        sku("G4 Instance Core running in Americas", 20_000_000),
        sku("G4 Instance Ram running in Americas", 2_000_000),
        sku("RTX 6000 96GB running in Americas", 0, units="2"),
    ]
    assert "share" in reasons([share], skus)[0]


def test_zones_are_put_together_and_dead_types_passed_over() -> None:
    zones = [A2 | {"zone": f"https://x/zones/us-central1-{zone}"} for zone in "cab"]
    dead = A2 | {"zone": "us-central1-f", "deprecated": {"state": "DELETED"}}
    (offer,) = book([*zones, dead], A2_SKUS).offers
    assert offer.zones == ["us-central1-a", "us-central1-b", "us-central1-c"]


def test_regional_quotas_cover_their_gpu() -> None:
    machines = [A2, A3, MEGA, machine("a2-ultragpu-1g", "nvidia-a100-80gb", 1, 12, 170)]
    found = book(
        machines,
        A2_SKUS,
        quotas=(
            quota("NVIDIA_A100_GPUS", 16, 4),
            quota("NVIDIA_A100_80GB_GPUS", 8),
            quota("NVIDIA_H100_GPUS", -1),
            quota("NVIDIA_H100_MEGA_GPUS", 0),
            quota("CPUS", 24),
        ),
    ).quotas
    assert {q.name: (q.limit, q.used, q.instance_types) for q in found} == {
        "NVIDIA_A100_GPUS": (16, 4, ["a2-highgpu-1g"]),
        "NVIDIA_A100_80GB_GPUS": (8, 0, ["a2-ultragpu-1g"]),
        "NVIDIA_H100_MEGA_GPUS": (0, 0, ["a3-megagpu-8g"]),
    }


def test_the_quota_of_all_regions_covers_what_each_region_sells() -> None:
    limit = [quota("GPUS_ALL_REGIONS", 4), quota("NETWORKS", 5)]
    parts = [
        make_book("live", [], quotas=all_regions_quota(limit, names))
        for names in (["a2-highgpu-1g"], ["g2-standard-4", "a2-highgpu-1g"])
    ]
    (found,) = merge_books("live", parts).quotas
    assert (found.region, found.limit) == (None, 4)
    assert found.instance_types == ["a2-highgpu-1g", "g2-standard-4"]


@given(
    core=st.integers(1, 10**9),
    ram=st.integers(1, 10**9),
    gpu=st.integers(1, 10**9),
    units=st.integers(0, 99),
    order=st.randoms(use_true_random=False),
)
def test_a_price_is_the_sum_of_its_parts_in_any_order(
    core: int, ram: int, gpu: int, units: int, order: Any
) -> None:
    skus = [
        sku("A2 Instance Core running in Americas", core),
        sku("A2 Instance Ram running in Americas", ram, unit="GiBy.h"),
        sku("Nvidia Tesla A100 GPU running in Americas", gpu, units=str(units)),
    ]
    order.shuffle(skus)
    expected = (12 * core + 85 * ram + gpu) / 1e9 + units
    assert price([A2], skus) == pytest.approx(expected, rel=1e-12)


@given(st.text(max_size=60), st.sampled_from(AMERICAS))
def test_no_description_upsets_the_catalogue(description: str, region: str) -> None:
    odd = [sku(description, 1), {"description": description, "serviceRegions": [region]}, {}]
    region_rates(odd, region)
