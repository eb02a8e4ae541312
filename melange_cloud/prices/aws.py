"""AWS prices composed from what its APIs return: pure, no network.

Shapes are those of the APIs: PriceList elements of pricing:GetProducts (each a JSON string),
InstanceTypes of ec2:DescribeInstanceTypes, InstanceTypeOfferings of
ec2:DescribeInstanceTypeOfferings, Quota of servicequotas:GetServiceQuota.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from melange_cloud.prices.gpu_names import gpu_name
from melange_cloud.prices.listing import Composed, Listing
from melange_cloud.prices.quota import Quota

QUOTAS = {
    "L-DB2E81BA": ("Running On-Demand G and VT instances", ("g", "vt")),
    "L-417A185B": ("Running On-Demand P instances", ("p",)),
}
"""Service Quotas code -> its name and the families it covers. Both count vCPUs."""


@dataclass(frozen=True)
class AwsRegion:
    """What the APIs returned for one region."""

    region: str
    price_list: Sequence[str]
    instance_types: Sequence[Mapping[str, Any]]
    offerings: Sequence[Mapping[str, Any]]
    quotas: Mapping[str, float] = field(default_factory=dict)
    """Service Quotas code -> vCPUs."""


@dataclass(frozen=True)
class _Price:
    amount: float | None
    currency: str


def compose_aws(data: AwsRegion, as_of: str) -> Composed:
    """Listings of a region's GPU instances: on-demand, Linux, shared tenancy.

    A type without an offering is sold in no zone of the region and is left out; one without a
    price keeps a listing without a price, so that its exclusion is said. ``as_of`` is the day
    the prices were fetched: the Price List gives those in force.
    """
    prices, notes = _prices(data)
    zones: dict[str, list[str]] = {}
    for offering in data.offerings:
        zones.setdefault(offering["InstanceType"], []).append(offering["Location"])
    listings = [
        _listing(data.region, described, prices.get(described["InstanceType"]), zones, as_of)
        for described in data.instance_types
        if _is_nvidia(described) and described["InstanceType"] in zones
    ]
    return Composed(listings=listings, notes=notes, quotas=_quotas(data, zones))


def _is_nvidia(described: Mapping[str, Any]) -> bool:
    gpus = described.get("GpuInfo", {}).get("Gpus", [])
    return bool(gpus) and gpus[0].get("Manufacturer", "NVIDIA").upper() == "NVIDIA"


def _listing(
    region: str,
    described: Mapping[str, Any],
    price: _Price | None,
    zones: Mapping[str, Sequence[str]],
    as_of: str,
) -> Listing:
    name = described["InstanceType"]
    gpu = described["GpuInfo"]["Gpus"][0]
    return Listing(
        provider="aws",
        region=region,
        instance_type=name,
        gpu=gpu_name(gpu["Name"], gpu["MemoryInfo"]["SizeInMiB"] / 1024),
        gpu_count=_gpu_count(gpu),
        usd_per_hour=price.amount if price else None,
        currency=price.currency if price else "USD",
        as_of=as_of,
        vcpus=described["VCpuInfo"]["DefaultVCpus"],
        memory_gib=described["MemoryInfo"]["SizeInMiB"] / 1024,
        zones=tuple(zones[name]),
        source="aws-price-list",
    )


def _gpu_count(gpu: Mapping[str, Any]) -> float:
    """GPUs of an instance; a g6f has 0 of them by ``Count`` and a share by its partition size."""
    share = gpu.get("GpuPartitionSize", 1)
    return float(gpu["Count"] if share == 1 else gpu.get("LogicalGpuCount", 1) * share)


def _prices(data: AwsRegion) -> tuple[dict[str, _Price], list[str]]:
    """Instance type -> its price; of several the higher, with a remark that says so."""
    found: dict[str, list[_Price]] = {}
    for element in data.price_list:
        product = json.loads(element)
        attributes = product.get("product", {}).get("attributes", {})
        if _is_plain_on_demand(attributes, data.region):
            found.setdefault(attributes["instanceType"], []).extend(_hourly(product))
    notes = []
    best: dict[str, _Price] = {}
    for name, prices in sorted(found.items()):
        dollars = sorted({p.amount for p in prices if p.currency == "USD" and p.amount is not None})
        if dollars:
            best[name] = _Price(dollars[-1], "USD")
        elif prices:
            best[name] = prices[0]
        if len(dollars) > 1:
            notes.append(
                f"aws/{data.region} {name} has {len(dollars)} on-demand prices "
                f"({', '.join(f'{price:g}' for price in dollars)} $/h); the highest is used"
            )
    return best, notes


def _is_plain_on_demand(attributes: Mapping[str, str], region: str) -> bool:
    """Whether a product is a Linux instance bought on demand, without a licence or a reservation.

    GetProducts filters by the same attributes; a price book must not depend on it.
    """
    wanted = {
        "regionCode": region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "capacitystatus": "Used",
        "preInstalledSw": "NA",
        "marketoption": "OnDemand",
    }
    return "instanceType" in attributes and all(
        attributes.get(key, value) == value for key, value in wanted.items()
    )


def _hourly(product: Mapping[str, Any]) -> list[_Price]:
    """The hourly rates of a product's on-demand terms."""
    prices = []
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            if dimension.get("unit") != "Hrs":
                continue
            by_currency = dimension.get("pricePerUnit", {})
            if "USD" in by_currency:
                prices.append(_Price(_number(by_currency["USD"]), "USD"))
            else:
                prices += [_Price(_number(text), code) for code, text in by_currency.items()]
    return prices


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _quotas(data: AwsRegion, zones: Mapping[str, Sequence[str]]) -> list[Quota]:
    quotas = []
    for code, limit in data.quotas.items():
        name, families = QUOTAS[code]
        covered = sorted(
            described["InstanceType"]
            for described in data.instance_types
            if described["InstanceType"] in zones
            and described["InstanceType"].startswith(families)
            and "GpuInfo" in described
        )
        quotas.append(
            Quota(
                name=f"{name} ({code})",
                provider="aws",
                region=data.region,
                unit="vcpus",
                limit=limit,
                instance_types=covered,
            )
        )
    return quotas
