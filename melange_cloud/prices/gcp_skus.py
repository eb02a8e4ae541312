"""Unit rates from Cloud Billing SKUs: dollars per vCPU, GiB, GPU and GiB of local SSD, an hour.

Pure: SKUs come as the API's JSON (``units`` a string, ``nanos`` a number). The catalogue is full
of SKUs that look like on-demand prices and are none; every rule here stands for one such trap.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

SKUS_FILE = Path(__file__).parent / "data" / "gcp_skus.json"
HOURS_PER_MONTH = 730
"""What Google's price pages divide monthly rates by."""

GIB_PER_GB = Decimal(2**30) / Decimal(10**9)

Component = tuple[Literal["core", "ram", "gpu", "ssd"], str]
"""What a rate is for: the host's SKU stem, the accelerator type, or "" for local SSD."""

_PLACE = r"(?: (?:running )?in .+)?"
_PER_HOUR = {
    "h": Decimal(1),
    "GiBy.h": Decimal(1),
    "GBy.h": GIB_PER_GB,
    "GiBy.mo": Decimal(1) / HOURS_PER_MONTH,
}
"""Usage unit -> factor to a rate per hour (and GiB)."""


@dataclass(frozen=True)
class Rate:
    """Dollars per unit and hour, where the currency is USD."""

    amount: Decimal
    currency: str
    sku: str


@dataclass(frozen=True)
class RegionRates:
    """The on-demand rates in force in one region, and remarks about those that clashed."""

    rates: Mapping[Component, Rate]
    notes: list[str]


@cache
def sku_names() -> Mapping[str, Any]:
    """The data file that says how SKUs are named."""
    data: Mapping[str, Any] = json.loads(SKUS_FILE.read_text(encoding="utf-8"))
    return data


def is_relevant(description: str, usage_type: str) -> bool:
    """Whether a SKU can price part of a GPU machine: a cheap first look at a huge catalogue."""
    return usage_type == "OnDemand" and _component(description) is not None


def region_rates(skus: Iterable[Mapping[str, Any]], region: str) -> RegionRates:
    """The on-demand rates of ``region``: SKUs that name it in serviceRegions.

    The place in a description is no guide ("Americas" is not all of America). Where a broad and
    a regional SKU both apply, the higher is taken and a remark says so.
    """
    found: dict[Component, list[Rate]] = {}
    for sku in skus:
        if region not in sku.get("serviceRegions", ()):
            continue
        component = _component(sku.get("description", ""))
        if component is None or sku.get("category", {}).get("usageType") != "OnDemand":
            continue
        rate = _rate(sku)
        if rate is not None:
            found.setdefault(component, []).append(rate)
    notes: list[str] = []
    rates = {component: _highest(component, found[component], region, notes) for component in found}
    return RegionRates(rates, notes)


def _component(description: str) -> Component | None:
    """What the SKU prices, by its description; None for all that is no on-demand price."""
    lowered = description.casefold()
    if any(word in lowered for word in _refused()):
        return None
    for pattern, component in _patterns():
        if pattern.fullmatch(description):
            return component
    return None


@cache
def _refused() -> tuple[str, ...]:
    return tuple(word.casefold() for word in sku_names()["not_on_demand"])


@cache
def _patterns() -> list[tuple[re.Pattern[str], Component]]:
    names = sku_names()
    stems: list[tuple[str, Component]] = []
    for host in dict.fromkeys(names["hosts"].values()):
        stems += [(f"{host} Core", ("core", host)), (f"{host} Ram", ("ram", host))]
    for accelerator, descriptions in names["gpus"].items():
        stems += [(description, ("gpu", accelerator)) for description in descriptions]
    stems += [(description, ("ssd", "")) for description in names["local_ssd"]]
    return [(re.compile(re.escape(stem) + _PLACE, re.IGNORECASE), part) for stem, part in stems]


def _rate(sku: Mapping[str, Any]) -> Rate | None:
    """The rate of a SKU's latest pricing; None when it is 0, missing or in an unknown unit.

    Of tiered rates the highest: a first tier may be free, and a fleet lives beyond it.
    """
    pricing = sku.get("pricingInfo") or []
    if not pricing:
        return None
    latest = max(pricing, key=lambda info: info.get("effectiveTime", ""))
    expression = latest.get("pricingExpression", {})
    factor = _PER_HOUR.get(expression.get("usageUnit", ""))
    tiers = [tier.get("unitPrice", {}) for tier in expression.get("tieredRates", ())]
    unit_price: Mapping[str, Any] = max(tiers, key=_money, default={})
    if factor is None or not _money(unit_price):
        return None
    return Rate(
        _money(unit_price) * factor,
        unit_price.get("currencyCode") or "USD",
        sku.get("skuId", "without an id"),
    )


def _money(unit_price: Mapping[str, Any]) -> Decimal:
    """``units`` (a string of whole units) plus ``nanos`` (billionths)."""
    return Decimal(unit_price.get("units") or 0) + Decimal(unit_price.get("nanos") or 0) / 10**9


def _highest(component: Component, rates: list[Rate], region: str, notes: list[str]) -> Rate:
    """The highest rate in dollars; one in another currency only where there is no other."""
    dollars = [rate for rate in rates if rate.currency == "USD"]
    best = max(dollars or rates, key=lambda rate: (rate.amount, rate.sku))
    amounts = sorted({rate.amount for rate in dollars})
    if len(amounts) > 1:
        what = " ".join(filter(None, component))
        listed = ", ".join(f"{amount:f}" for amount in amounts)
        notes.append(
            f"gcp/{region} has {len(amounts)} rates for {what} ({listed} $/h); the highest is used "
            f"(SKU {best.sku})"
        )
    return best
