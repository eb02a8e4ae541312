"""From what a source lists to a price book: one judgement for every source.

A source hands over listings as it reads them, prices missing or odd included. What is no offer
is left out with the reason; it never becomes an offer at 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from pathlib import Path

from melange_cloud.names import canonical_gpu, gpus_meant
from melange_cloud.prices.book import Exclusion, PriceBook
from melange_cloud.prices.offer import Offer, OfferKey, Purchase
from melange_cloud.prices.quota import Quota

NOT_SOLD_FILE = Path(__file__).parent / "data" / "not_sold_on_demand.json"


@dataclass(frozen=True)
class Listing:
    """One line of a source. ``gpu_count`` may be a fraction, the price may be missing."""

    provider: str
    region: str
    instance_type: str
    gpu: str
    gpu_count: float
    usd_per_hour: float | None
    currency: str = "USD"
    purchase: Purchase = "on-demand"
    as_of: str | None = None
    vcpus: int | None = None
    memory_gib: float | None = None
    zones: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True)
class Composed:
    """What one region of a cloud lists, with remarks, limits, and what was found to be no offer."""

    listings: list[Listing]
    excluded: list[Exclusion] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)


def make_book(
    source: str,
    listings: Iterable[Listing],
    *,
    sources: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
    quotas: Iterable[Quota] = (),
    excluded: Iterable[Exclusion] = (),
    not_sold: Mapping[tuple[str, str], str] | None = None,
) -> PriceBook:
    """Judge, sort and settle ``listings``.

    ``not_sold`` (provider, type) -> reason: types with a list price that nobody can buy on
    demand; see `not_sold_on_demand`. Of two prices for the same thing the higher is taken.
    """
    offers: list[Offer] = []
    left_out = list(excluded)
    for listing in listings:
        reason = _objection(listing, not_sold or {})
        if reason is None:
            offers.append(_offer(listing))
        else:
            left_out.append(_exclusion(listing, reason))
    kept, remarks = settle(offers)
    return PriceBook(
        source=source,
        sources=dict(sources or {}),
        notes=[*notes, *remarks],
        quotas=sorted(quotas, key=lambda quota: (quota.provider, quota.region or "", quota.name)),
        offers=kept,
        excluded=_each_once(left_out),
    )


def merge_books(source: str, books: Iterable[PriceBook]) -> PriceBook:
    """One book of several, with each offer, remark and limit once.

    A limit on all regions together comes from each region with the types sold there: its types
    are put together.
    """
    parts = list(books)
    offers, remarks = settle(offer for book in parts for offer in book.offers)
    notes = [*(note for book in parts for note in book.notes), *remarks]
    quotas: dict[tuple[str, str, str], Quota] = {}
    for quota in (quota for book in parts for quota in book.quotas):
        key = (quota.provider, quota.region or "", quota.name)
        if key in quotas:
            types = sorted({*quota.instance_types, *quotas[key].instance_types})
            quota = quota.model_copy(update={"instance_types": types})
        quotas[key] = quota
    return PriceBook(
        source=source,
        sources={key: text for book in parts for key, text in sorted(book.sources.items())},
        notes=sorted(dict.fromkeys(notes)),
        quotas=[quotas[key] for key in sorted(quotas)],
        offers=offers,
        excluded=_each_once(item for book in parts for item in book.excluded),
    )


def settle(offers: Iterable[Offer]) -> tuple[list[Offer], list[str]]:
    """Offers in their order, each once; of two prices the higher, with a remark that says so."""
    by_key: dict[OfferKey, Offer] = {}
    seen: dict[OfferKey, set[float]] = {}
    for offer in offers:
        key = offer.key
        seen.setdefault(key, set()).add(offer.usd_per_hour)
        if key not in by_key or offer.usd_per_hour > by_key[key].usd_per_hour:
            by_key[key] = offer
    remarks = [
        f"{key} has {len(prices)} prices ({', '.join(f'{price:g}' for price in sorted(prices))} "
        "$/h); the highest is used"
        for key, prices in sorted(seen.items())
        if len(prices) > 1
    ]
    return [by_key[key] for key in sorted(by_key)], remarks


@cache
def not_sold_on_demand() -> Mapping[tuple[str, str], str]:
    """(provider, instance type) -> why its list price buys nothing on demand.

    One data file for the bundled snapshot, live prices and other catalogues.
    """
    data = json.loads(NOT_SOLD_FILE.read_text(encoding="utf-8"))
    return {
        (group["provider"], name): group["reason"]
        for group in data["groups"]
        for name in group["instance_types"]
    }


def _objection(listing: Listing, not_sold: Mapping[tuple[str, str], str]) -> str | None:
    """Why this listing is no offer, or None."""
    price = listing.usd_per_hour
    if len(gpus_meant(listing.gpu)) > 1:
        return f"its source does not say which {canonical_gpu(listing.gpu)} it has"
    if listing.gpu_count != int(listing.gpu_count):
        return "its GPU is a share of one; a replica needs whole GPUs"
    if listing.purchase == "on-demand":
        reason = not_sold.get((listing.provider, listing.instance_type))
        if reason is not None:
            return reason
    if price is None:
        return "its price is missing"
    if listing.currency != "USD":
        return f"its price is in {listing.currency}, not in US dollars"
    if not isfinite(price):
        return "its price is not a finite number"
    if price == 0:
        return "its price is zero"
    return "its price is negative" if price < 0 else None


def _offer(listing: Listing) -> Offer:
    return Offer(
        provider=listing.provider,
        region=listing.region,
        instance_type=listing.instance_type,
        gpu=canonical_gpu(listing.gpu),
        gpu_count=int(listing.gpu_count),
        usd_per_hour=float(listing.usd_per_hour or 0.0),  # 0 cannot pass: the model wants > 0
        purchase=listing.purchase,
        as_of=listing.as_of,
        vcpus=listing.vcpus,
        memory_gib=listing.memory_gib,
        zones=sorted(set(listing.zones)),
        source=listing.source,
    )


def _exclusion(listing: Listing, reason: str) -> Exclusion:
    return Exclusion(
        provider=listing.provider,
        region=listing.region,
        instance_type=listing.instance_type,
        purchase=listing.purchase,
        reason=reason,
    )


def _exclusion_order(item: Exclusion) -> tuple[str, ...]:
    return (item.provider, item.region, item.instance_type, item.purchase, item.reason)


def _each_once(items: Iterable[Exclusion]) -> list[Exclusion]:
    by_order = {_exclusion_order(item): item for item in items}
    return [by_order[order] for order in sorted(by_order)]
