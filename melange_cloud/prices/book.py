"""The PriceBook document: offers, where their prices come from, and what was left out and why."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any, Literal

from pydantic import Field

from melange_cloud import documents
from melange_cloud.documents import Document
from melange_cloud.prices.offer import Offer, Purchase
from melange_cloud.prices.quota import Quota

OLD_AFTER_DAYS = 30
"""Prices older than this are used with a warning."""

ALWAYS_WRITTEN = (
    "provider",
    "region",
    "instance_type",
    "gpu",
    "gpu_count",
    "usd_per_hour",
    "purchase",
    "as_of",
)
"""Fields every listed offer shows; the others are written where they are known."""


class Exclusion(Document):
    """Something a source lists that is no offer, and why."""

    provider: str
    region: str
    instance_type: str
    purchase: Purchase = "on-demand"
    reason: str


class PriceBook(Document):
    """Offers of one source, in the order of provider, region, instance type, purchase."""

    schema_: Literal["melange-cloud/prices/v1"] = Field("melange-cloud/prices/v1", alias="schema")
    source: str = Field("file", description="bundled, live, gpuhunt or the name of a file")
    sources: dict[str, str] = Field(
        default_factory=dict, description="key used by offers -> where the prices were read"
    )
    notes: list[str] = Field(default_factory=list, description="what a reader must know")
    quotas: list[Quota] = Field(default_factory=list, description="limits of this account")
    offers: list[Offer]
    excluded: list[Exclusion] = Field(default_factory=list)

    def digest(self) -> str:
        """``sha256:…`` of the offers and quotas: equal when every price and limit is."""
        return documents.digest(
            {
                "offers": [_offer_line(offer) for offer in self.offers],
                "quotas": [quota.model_dump(mode="json") for quota in self.quotas],
            }
        )

    def to_json(self) -> str:
        """The document as its file holds it: one offer a line, so that a diff reads well."""
        data = self.model_dump(mode="json")
        data["offers"] = [_offer_line(offer) for offer in self.offers]
        return _one_item_a_line({key: data[key] for key in data if data[key] or key == "offers"})


def listed_json(offers: Iterable[Offer]) -> str:
    """The document that ``prices list --format json`` prints: what every listed offer shows."""
    shown = set(ALWAYS_WRITTEN)
    return _one_item_a_line(
        {
            "schema": "melange-cloud/prices/v1",
            "offers": [offer.model_dump(mode="json", include=shown) for offer in offers],
        }
    )


def oldest(offers: Iterable[Offer]) -> str | None:
    """The oldest date among ``offers``, an ISO date; None when none carries one."""
    return min((offer.as_of for offer in offers if offer.as_of), default=None)


def age_warning(as_of: str | None, today: date) -> str | None:
    """Words about prices older than 30 days or dated in the future; None for others, and where no
    date is known."""
    if as_of is None:
        return None
    days = (today - date.fromisoformat(as_of)).days
    if days < -1:  # a day ahead is today elsewhere
        return f"the prices used are dated {as_of}, which is in the future; check their as_of"
    if days <= OLD_AFTER_DAYS:
        return None
    return f"the oldest price used is of {as_of}, {days} days ago; refresh with --prices live"


def excluded_summary(excluded: Iterable[Exclusion]) -> list[str]:
    """One sentence a reason, with how many offers it keeps out and some of their names."""
    by_reason: dict[str, list[Exclusion]] = {}
    for item in excluded:
        by_reason.setdefault(item.reason, []).append(item)
    return [f"left out {_some(items)}: {reason}" for reason, items in by_reason.items()]


def _some(items: list[Exclusion], shown: int = 4) -> str:
    names = list(dict.fromkeys(f"{item.provider} {item.instance_type}" for item in items))
    more = f" and {len(names) - shown} more types" if len(names) > shown else ""
    offers = "1 offer" if len(items) == 1 else f"{len(items)} offers"
    return f"{offers} ({', '.join(names[:shown])}{more})"


def _offer_line(offer: Offer) -> dict[str, Any]:
    data = offer.model_dump(mode="json")
    return {
        key: value
        for key, value in data.items()
        if key in ALWAYS_WRITTEN or value not in (None, [])
    }


def _one_item_a_line(data: dict[str, Any]) -> str:
    parts = [f"  {json.dumps(key)}: {_items(value)}" for key, value in data.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _items(value: Any) -> str:
    if isinstance(value, list) and value:
        lines = [f"    {_json(item)}" for item in value]
        return "[\n" + ",\n".join(lines) + "\n  ]"
    if isinstance(value, dict) and value:
        lines = [f"    {_json(key)}: {_json(item)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n  }"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
