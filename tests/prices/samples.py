"""Bodies shaped as the clouds' APIs return them.

Figures marked real were published by the clouds; all others are made up for the test at hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "preInstalledSw": "NA",
    "marketoption": "OnDemand",
    "instanceFamily": "GPU instance",
    "licenseModel": "No License required",
    "operation": "RunInstances",
}


def product(
    instance_type: str, price: str, region: str = "us-east-1", currency: str = "USD", **changed: str
) -> str:
    """An element of GetProducts' PriceList: a JSON string, its price a string too."""
    sku = f"{instance_type}.{region}".upper()
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "appliesTo": [],
        "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
        "description": f"${price} per On Demand Linux {instance_type} Instance Hour",
        "pricePerUnit": {currency: price},
    }
    term = {
        "priceDimensions": {dimension["rateCode"]: dimension},
        "sku": sku,
        "effectiveDate": "2026-09-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    attributes = {**LINUX, "instanceType": instance_type, "regionCode": region, **changed}
    return json.dumps(
        {
            "product": {
                "productFamily": "Compute Instance",
                "attributes": attributes,
                "sku": sku,
            },
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
            "version": "20260901000000",
            "publicationDate": "2026-09-01T00:00:00Z",
        }
    )


def instance_type(
    name: str, gpu: str, count: int, gpu_mib: int, vcpus: int = 8, gib: int = 32, **gpu_fields: Any
) -> dict[str, Any]:
    """An element of DescribeInstanceTypes."""
    device = {
        "Name": gpu,
        "Manufacturer": "NVIDIA",
        "Count": count,
        "MemoryInfo": {"SizeInMiB": gpu_mib},
        **gpu_fields,
    }
    return {
        "InstanceType": name,
        "VCpuInfo": {"DefaultVCpus": vcpus},
        "MemoryInfo": {"SizeInMiB": gib * 1024},
        "GpuInfo": {"Gpus": [device], "TotalGpuMemoryInMiB": count * gpu_mib},
    }


def offering(name: str, zone: str) -> dict[str, Any]:
    """An element of DescribeInstanceTypeOfferings."""
    return {"InstanceType": name, "Location": zone, "LocationType": "availability-zone"}


AMERICAS = ("us-central1", "us-east1", "us-west1")


def sku(
    description: str,
    nanos: int,
    regions: Sequence[str] = AMERICAS,
    *,
    units: str = "0",
    unit: str = "h",
    usage_type: str = "OnDemand",
    currency: str = "USD",
    tiers: Sequence[tuple[float, int]] = (),
    sku_id: str = "",
) -> dict[str, Any]:
    """A Cloud Billing SKU: ``units`` is text, ``nanos`` a number. ``tiers``: (start, nanos)."""
    rates = tiers or ((0, nanos),)
    return {
        "name": f"services/6F81-5844-456A/skus/{sku_id or 'TEST'}",
        "skuId": sku_id or f"SYNTHETIC-{description[:20]}-{nanos}",
        "description": description,
        "category": {
            "serviceDisplayName": "Compute Engine",
            "resourceFamily": "Compute",
            "resourceGroup": "GPU",
            "usageType": usage_type,
        },
        "serviceRegions": list(regions),
        "pricingInfo": [
            {
                "summary": "",
                "pricingExpression": {
                    "usageUnit": unit,
                    "displayQuantity": 1,
                    "tieredRates": [
                        {
                            "startUsageAmount": start,
                            "unitPrice": {
                                "currencyCode": currency,
                                "units": units,
                                "nanos": rate,
                            },
                        }
                        for start, rate in rates
                    ],
                    "baseUnit": "s",
                },
                "currencyConversionRate": 1,
                "effectiveTime": "2026-03-24T10:52:50.681Z",
            }
        ],
        "serviceProviderName": "Google",
    }


A2_SKUS = [
    sku("A2 Instance Core running in Americas", 31611000, sku_id="2922-40C5-B19F"),
    sku("A2 Instance Ram running in Americas", 4237000, unit="GiBy.h", sku_id="2390-DCAF-DA38"),
    sku(
        "Nvidia Tesla A100 GPU running in Americas",
        933908000,
        units="2",
        sku_id="039F-D0DA-4055",
    ),
]
"""Real rates of A2 in the Americas (opencost/opencost, Apache-2.0): a2-highgpu-1g in us-central1
costs 12 x 0.031611 + 85 x 0.004237 + 2.933908 = 3.673385 $/h."""

SSD_SKU = sku("SSD backed Local Storage", 80000000, unit="GiBy.mo")
"""Real: 0.08 $ per GiB and month in the Americas."""


def a3_skus(
    host: str = "A3", gpu: str = "Nvidia H100 80GB GPU", total: float = 11.06125, **more: Any
) -> list[Any]:
    """SYNTHETIC unit rates that add up to a known list price, 11.06125 $/h for one GPU of an
    a3-highgpu in us-central1: 26 core + 234 ram + 1 gpu + 750 GiB local SSD at 0.08 / 730."""
    core, ram = 29_000_000, 2_500_000
    gpu_rate = round((total - 26 * 0.029 - 234 * 0.0025 - 750 * 0.08 / 730) * 1e9)
    return [
        sku(f"{host} Instance Core running in Americas", core, **more),
        sku(f"{host} Instance Ram running in Americas", ram, unit="GiBy.h", **more),
        sku(
            f"{gpu} running in Americas",
            gpu_rate % 10**9,
            units=str(gpu_rate // 10**9),
            **more,
        ),
    ]


def machine(
    name: str,
    accelerator: str,
    gpus: int,
    vcpus: int,
    gib: int,
    zone: str = "us-central1-a",
    **more: Any,
) -> dict[str, Any]:
    """A Compute Engine machine type in one zone."""
    return {
        "kind": "compute#machineType",
        "id": "1000",
        "name": name,
        "description": f"Accelerator Optimized: {gpus} GPU, {vcpus} vCPUs, {gib}GB RAM",
        "guestCpus": vcpus,
        "memoryMb": gib * 1024,
        "zone": zone,
        "accelerators": [{"guestAcceleratorType": accelerator, "guestAcceleratorCount": gpus}],
        **more,
    }


def region(name: str, zones: str = "ab", quotas: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A Compute Engine region."""
    base = "https://www.googleapis.com/compute/v1/projects/p"
    return {
        "name": name,
        "status": "UP",
        "zones": [f"{base}/zones/{name}-{zone}" for zone in zones],
        "quotas": list(quotas),
    }


def quota(metric: str, limit: float, usage: float = 0.0) -> dict[str, Any]:
    """A Compute Engine quota."""
    return {"metric": metric, "limit": limit, "usage": usage}
