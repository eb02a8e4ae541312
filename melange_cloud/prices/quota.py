"""Quotas of the account: how much of a family of instances may run in a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from melange_cloud.documents import Document

if TYPE_CHECKING:
    from melange_cloud.prices.book import PriceBook
    from melange_cloud.prices.offer import Offer, OfferKey

Unit = Literal["vcpus", "gpus"]


class Quota(Document):
    """At most ``limit`` vCPUs, or GPUs, in use at once by these instance types in a region.

    ``used`` is what already runs, where the source knows it. It is told, not taken off the limit:
    part of it may be the very fleet that is planned anew.
    """

    name: str = Field(description="the quota as its console calls it, with its code")
    provider: str
    region: str | None = Field(description="null: all regions of the provider together")
    purchase: Literal["on-demand", "spot"] = "on-demand"
    unit: Unit
    limit: Annotated[float, Field(ge=0)]
    used: Annotated[float, Field(ge=0)] | None = Field(None, description="in use now, if known")
    instance_types: list[str] = Field(description="the types it covers")


@dataclass(frozen=True)
class QuotaGroup:
    """A cap for the programme: the sum of weight x instances over these offers <= ``limit``.

    ``weights`` are vCPUs or GPUs an instance, by offer key.
    """

    name: str
    limit: float
    weights: dict[OfferKey, float]


def quota_groups(book: PriceBook, offers: Sequence[Offer] | None = None) -> list[QuotaGroup]:
    """The caps that the book's quotas put on ``offers`` (default: all of its offers).

    A quota that covers none of them gives none.
    """
    groups = []
    for quota in book.quotas:
        types = set(quota.instance_types)
        weights = {
            offer.key: _weight(offer, quota.unit)
            for offer in (book.offers if offers is None else offers)
            if (offer.provider, offer.purchase) == (quota.provider, quota.purchase)
            and quota.region in (None, offer.region)
            and offer.instance_type in types
        }
        if weights:
            place = f"{quota.provider}/{quota.region}" if quota.region else quota.provider
            in_use = f", {quota.used:g} in use now" if quota.used else ""
            name = f"{quota.name} in {place} ({quota.unit}{in_use})"
            groups.append(QuotaGroup(name, quota.limit, weights))
    return groups


def _weight(offer: Offer, unit: Unit) -> float:
    """vCPUs or GPUs of one instance. Every source of quotas knows the vCPUs of what it sells."""
    return float(offer.gpu_count if unit == "gpus" else offer.vcpus or 0)
