"""GCP prices composed from SKUs and machine types: pure, no network.

A machine's price is vCPUs x core + GiB x ram + GPUs x gpu + bundled local SSD GiB x its rate.
Shapes are those of the APIs' JSON: MachineType and Region of Compute Engine v1, Sku of Cloud
Billing v1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from melange_cloud.prices.book import Exclusion
from melange_cloud.prices.gcp_skus import Component, RegionRates, region_rates, sku_names
from melange_cloud.prices.gpu_names import gcp_gpu_name
from melange_cloud.prices.listing import Composed, Listing
from melange_cloud.prices.quota import Quota

GIB_PER_PARTITION = 375
"""A local SSD partition of an accelerator-optimised machine."""

NO_LIMIT = -1
"""What the API reports as the limit of a quota that is none."""


@dataclass(frozen=True)
class GcpRegion:
    """What the APIs returned for one region; ``skus`` may be the catalogue of all regions."""

    region: str
    machine_types: Sequence[Mapping[str, Any]]
    """Machine types of all its zones: one entry a zone and type."""
    skus: Sequence[Mapping[str, Any]]
    quotas: Sequence[Mapping[str, Any]] = ()
    """``quotas`` of the region."""


@dataclass(frozen=True)
class _Machine:
    name: str
    accelerator: str
    gpus: float
    vcpus: int
    memory_gib: float
    ssd_gib: int
    zones: tuple[str, ...]


def compose_gcp(data: GcpRegion, as_of: str) -> Composed:
    """Listings of a region's GPU machines, on-demand; ``as_of`` is the day of the fetch."""
    rates = region_rates(data.skus, data.region)
    machines = _machines(data.machine_types)
    listings: list[Listing] = []
    excluded: list[Exclusion] = []
    for machine in machines:
        price, currency, missing = _price(machine, rates)
        if missing:
            reason = f"the catalogue has no on-demand rate for its {missing} in this region"
            excluded.append(_exclusion(data.region, machine.name, reason))
        else:
            listings.append(_listing(data.region, machine, price, currency, as_of))
    quotas = [*_quotas(data, machines)]
    return Composed(listings, excluded, list(rates.notes), quotas)


def all_regions_quota(
    quotas: Iterable[Mapping[str, Any]], instance_types: Iterable[str]
) -> list[Quota]:
    """The project's cap on GPUs of all regions together, from ``quotas`` of a Project."""
    return [
        _quota(quota, None, sorted(set(instance_types)))
        for quota in quotas
        if quota.get("metric") == "GPUS_ALL_REGIONS" and quota.get("limit", 0) >= 0
    ]


def _machines(machine_types: Iterable[Mapping[str, Any]]) -> list[_Machine]:
    """Machine types with GPUs of their own, once each, with the zones that have them."""
    zones: dict[str, list[str]] = {}
    shapes: dict[str, Mapping[str, Any]] = {}
    for shape in machine_types:
        state = shape.get("deprecated", {}).get("state", "ACTIVE")
        if shape.get("accelerators") and state not in ("OBSOLETE", "DELETED"):
            shapes.setdefault(shape["name"], shape)
            zones.setdefault(shape["name"], []).append(shape["zone"].rsplit("/", 1)[-1])
    return [_machine(shapes[name], tuple(sorted(zones[name]))) for name in sorted(shapes)]


def _machine(shape: Mapping[str, Any], zones: tuple[str, ...]) -> _Machine:
    accelerator = shape["accelerators"][0]
    gpus = accelerator["guestAcceleratorCount"] * _share(shape.get("description", ""))
    return _Machine(
        name=shape["name"],
        accelerator=accelerator["guestAcceleratorType"],
        gpus=gpus,
        vcpus=shape["guestCpus"],
        memory_gib=shape["memoryMb"] / 1024,
        ssd_gib=_ssd_gib(shape, gpus),
        zones=zones,
    )


def _share(description: str) -> float:
    """1, or the share of a GPU: a g4-standard-6 reports one GPU and "1/8 NVIDIA RTX PRO 6000"."""
    match = re.search(r"\b(\d+)/(\d+) (?:of )?(?:an? )?NVIDIA", description, re.IGNORECASE)
    return int(match[1]) / int(match[2]) if match and int(match[2]) else 1.0


def _ssd_gib(shape: Mapping[str, Any], gpus: float) -> int:
    """Bundled local SSD, GiB: as the API reports it, else what the series is known to bundle."""
    partitions = shape.get("bundledLocalSsds", {}).get("partitionCount", 0)
    if partitions:
        return int(partitions) * GIB_PER_PARTITION
    if "nolssd" in shape["name"]:
        return 0
    return int(gpus * sku_names()["local_ssd_gib_per_gpu"].get(_series(shape["name"]), 0))


def _series(name: str) -> str:
    """``a3-highgpu-8g`` -> ``a3-highgpu``."""
    return "-".join(name.split("-")[:2])


def _price(machine: _Machine, rates: RegionRates) -> tuple[float, str, str]:
    """(price, currency, what has no rate)."""
    host = sku_names()["hosts"].get(_series(machine.name), "")
    parts: list[tuple[str, Component, Decimal]] = [
        ("vCPUs", ("core", host), Decimal(machine.vcpus)),
        ("memory", ("ram", host), Decimal(machine.memory_gib)),
        ("GPU", ("gpu", machine.accelerator), Decimal(machine.gpus)),
        ("local SSD", ("ssd", ""), Decimal(machine.ssd_gib)),
    ]
    needed = [part for part in parts if part[2]]
    missing = [name for name, component, _ in needed if component not in rates.rates]
    if missing:
        return 0.0, "USD", " and ".join(missing)
    used = [(rates.rates[component], amount) for _, component, amount in needed]
    foreign = [rate.currency for rate, _ in used if rate.currency != "USD"]
    total = sum((rate.amount * amount for rate, amount in used), Decimal())
    return float(total), foreign[0] if foreign else "USD", ""


def _listing(region: str, machine: _Machine, price: float, currency: str, as_of: str) -> Listing:
    return Listing(
        provider="gcp",
        region=region,
        instance_type=machine.name,
        gpu=gcp_gpu_name(machine.accelerator),
        gpu_count=machine.gpus,
        usd_per_hour=price,
        currency=currency,
        as_of=as_of,
        vcpus=machine.vcpus,
        memory_gib=machine.memory_gib,
        zones=machine.zones,
        source="gcp-billing-catalogue",
    )


def _exclusion(region: str, name: str, reason: str) -> Exclusion:
    return Exclusion(provider="gcp", region=region, instance_type=name, reason=reason)


def _quotas(data: GcpRegion, machines: Iterable[_Machine]) -> Iterable[Quota]:
    """The region's GPU quotas: ``nvidia-tesla-a100`` counts against NVIDIA_A100_GPUS."""
    by_metric: dict[str, list[str]] = {}
    for machine in machines:
        metric = machine.accelerator.removeprefix("nvidia-").removeprefix("tesla-")
        if "a100" not in metric:
            metric = re.sub(r"-\d+gb$", "", metric)  # NVIDIA_H100_GPUS, but A100_80GB
        key = "NVIDIA_" + metric.upper().replace("-", "_") + "_GPUS"
        by_metric.setdefault(key, []).append(machine.name)
    for quota in data.quotas:
        covered = by_metric.get(quota.get("metric", ""))
        if covered and quota.get("limit", NO_LIMIT) > NO_LIMIT:
            yield _quota(quota, data.region, covered)


def _quota(quota: Mapping[str, Any], region: str | None, covered: list[str]) -> Quota:
    return Quota(
        name=quota["metric"],
        provider="gcp",
        region=region,
        unit="gpus",
        limit=float(quota["limit"]),
        used=float(quota.get("usage", 0)),
        instance_types=covered,
    )
