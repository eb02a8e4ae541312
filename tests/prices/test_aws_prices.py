"""AWS prices composed from what the APIs return; no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples import instance_type, offering, product

from melange_cloud.prices.aws import AwsRegion, compose_aws
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.gpu_names import gpu_name
from melange_cloud.prices.listing import make_book

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "api-samples"
TODAY = "2026-11-22"
P5 = instance_type("p5.48xlarge", "H100", 8, 81920, 192, 2048)
G6 = instance_type("g6.xlarge", "L4", 1, 22888, 4, 16)


def book(*products: str, types: tuple[dict, ...] = (P5,), **more: object) -> PriceBook:
    offerings = [offering(described["InstanceType"], "us-east-1a") for described in types]
    data = AwsRegion(
        **{  # type: ignore[arg-type]
            "region": "us-east-1",
            "price_list": products,
            "instance_types": types,
            "offerings": offerings,
            **more,
        }
    )
    composed = compose_aws(data, TODAY)
    return make_book(
        "live",
        composed.listings,
        notes=composed.notes,
        quotas=composed.quotas,
        excluded=composed.excluded,
    )


def test_an_offer_joins_price_machine_and_zones() -> None:
    offerings = [offering("p5.48xlarge", zone) for zone in ("us-east-1d", "us-east-1a")]
    (offer,) = book(product("p5.48xlarge", "55.0400000000"), offerings=offerings).offers
    assert offer.model_dump() == {
        "provider": "aws",
        "region": "us-east-1",
        "instance_type": "p5.48xlarge",
        "gpu": "H100",
        "gpu_count": 8,
        "usd_per_hour": 55.04,
        "purchase": "on-demand",
        "as_of": TODAY,
        "vcpus": 192,
        "memory_gib": 2048.0,
        "zones": ["us-east-1a", "us-east-1d"],
        "source": "aws-price-list",
    }


@pytest.mark.skipif(not SAMPLES.exists(), reason="the API samples are not here")
def test_the_p5_sample_in_its_real_envelope() -> None:
    sample = json.loads((SAMPLES / "aws_get_products_p5_assembled.json").read_text())
    (offer,) = book(*sample["PriceList"]).offers
    assert (offer.usd_per_hour, offer.gpu_count) == (55.04, 8)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the API samples are not here")
def test_a_real_product_that_is_no_instance_is_passed_over() -> None:
    sample = json.loads((SAMPLES / "aws_get_products_real_ebs.json").read_text())
    result = book(*sample["PriceList"])
    assert result.offers == []
    assert [item.reason for item in result.excluded] == ["its price is missing"]


@pytest.mark.parametrize(
    "changed",
    [
        {"operatingSystem": "Windows"},
        {"tenancy": "Dedicated"},
        {"capacitystatus": "AllocatedCapacityReservation"},
        {"preInstalledSw": "SQL Std"},
        {"marketoption": "CapacityBlock"},
        {"regionCode": "us-west-2"},
    ],
)
def test_what_is_not_plain_linux_on_demand_gives_no_price(changed: dict[str, str]) -> None:
    other = json.loads(product("p5.48xlarge", "99.0"))
    other["product"]["attributes"] |= changed
    result = book(json.dumps(other))
    assert result.offers == []
    assert [item.reason for item in result.excluded] == ["its price is missing"]


def test_prices_of_zero_in_another_currency_or_unreadable_are_left_out() -> None:
    types = tuple(instance_type(f"p5.{n}xlarge", "H100", 8, 81920) for n in (1, 2, 3))
    result = book(
        product("p5.1xlarge", "0.0000000000"),
        product("p5.2xlarge", "400.0", currency="CNY"),
        product("p5.3xlarge", "a lot"),
        types=types,
    )
    assert result.offers == []
    assert {item.instance_type: item.reason for item in result.excluded} == {
        "p5.1xlarge": "its price is zero",
        "p5.2xlarge": "its price is in CNY, not in US dollars",
        "p5.3xlarge": "its price is missing",
    }


def test_of_two_prices_the_higher_is_taken_and_said() -> None:
    result = book(product("p5.48xlarge", "55.04"), product("p5.48xlarge", "60.0"))
    assert [offer.usd_per_hour for offer in result.offers] == [60.0]
    assert result.notes == [
        "aws/us-east-1 p5.48xlarge has 2 on-demand prices (55.04, 60 $/h); the highest is used"
    ]


def test_a_type_that_no_zone_offers_is_no_offer() -> None:
    assert book(product("p5.48xlarge", "55.04"), offerings=[]).offers == []


def test_shares_of_a_gpu_are_left_out() -> None:
    """As AWS describes it: Count 0, one logical GPU of an eighth."""
    share = instance_type("g6f.large", "L4", 0, 2861, LogicalGpuCount=1, GpuPartitionSize=0.125)
    result = book(product("g6f.large", "0.2"), types=(share,))
    assert result.offers == []
    assert "share" in result.excluded[0].reason


def test_gpus_of_other_makers_are_no_offers() -> None:
    radeon = instance_type("g4ad.xlarge", "Radeon Pro V520", 1, 8192, Manufacturer="AMD")
    assert book(product("g4ad.xlarge", "0.4"), types=(radeon,)).offers == []


@pytest.mark.parametrize(
    ("reported", "mib", "name"),
    [
        ("L4", 22888, "L4"),
        ("A10G", 22888, "A10G"),
        ("L40S", 45776, "L40S"),
        ("A100", 40960, "A100-40GB"),
        ("A100", 81920, "A100-80GB"),
        ("H100", 81920, "H100"),
        ("H200", 144384, "H200"),
        ("V100", 16384, "V100-16GB"),
        ("RTX PRO Server 6000", 98304, "RTX-PRO-6000"),
        ("X900 Ultra", 98304, "X900-ULTRA"),
    ],
)
def test_gpu_names_as_aws_reports_them(reported: str, mib: int, name: str) -> None:
    assert gpu_name(reported, mib / 1024) == name


def test_vcpu_quotas_cover_their_families() -> None:
    result = book(
        product("p5.48xlarge", "55.04"),
        product("g6.xlarge", "0.8"),
        types=(P5, G6),
        quotas={"L-DB2E81BA": 64.0, "L-417A185B": 0.0},
    )
    assert {quota.name: (quota.limit, quota.instance_types) for quota in result.quotas} == {
        "Running On-Demand G and VT instances (L-DB2E81BA)": (64.0, ["g6.xlarge"]),
        "Running On-Demand P instances (L-417A185B)": (0.0, ["p5.48xlarge"]),
    }
