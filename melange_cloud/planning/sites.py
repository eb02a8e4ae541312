"""The sites of a fleet: the regions of clouds that it is in, each with its pools."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from melange_cloud.errors import InvalidInput
from melange_cloud.gateway.routing import depends_on_size
from melange_cloud.names import shorten
from melange_cloud.plan import Plan, Pool
from melange_cloud.prices.offer import provisionable

Routing = Literal["size", "weighted"]

MAX_WEIGHTED_POOLS = 5
"""Most target groups that one AWS listener splits requests among."""

_CLOUDS = {"aws": "AWS", "gcp": "Google Cloud"}

_REGIONS = {
    "aws": re.compile(r"[a-z]{2,3}(-[a-z]+)+-[0-9]+"),
    "gcp": re.compile(r"[a-z]+-[a-z]+[0-9]+"),
}


@dataclass(frozen=True)
class Place:
    """One region of one cloud."""

    provider: str
    region: str
    home: bool
    """Whether the root module's default provider configuration is for this place."""

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.region}"


@dataclass(frozen=True)
class Site(Place):
    """A place of a fleet. Home is where the gateway runs: the site whose pools cost most."""

    pools: tuple[Pool, ...]


def sites(plan: Plan) -> list[Site]:
    """The fleet's sites in the order of their names, one of them home."""
    by_place: dict[tuple[str, str], list[Pool]] = {}
    for pool in plan.pools:
        by_place.setdefault((pool.provider, pool.region), []).append(pool)
    cost = {place: sum(p.usd_per_hour for p in pools) for place, pools in by_place.items()}
    home = min(by_place, key=lambda place: (-cost[place], place), default=None)
    return [Site(*place, place == home, tuple(by_place[place])) for place in sorted(by_place)]


def not_provisionable(pools: Sequence[Pool]) -> list[str]:
    """The pools that no Terraform can be rendered for, ``provider/region instance type``, and
    why."""
    return [
        shorten(f"{pool.provider}/{pool.region} {pool.instance_type}", 120) + f" ({why})"
        for pool in pools
        if (why := why_not_rendered(pool)) is not None
    ]


class Buyable(Protocol):
    """What says which machine it is, and where."""

    @property
    def provider(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def instance_type(self) -> str: ...


def can_be_rendered(offer: Buyable) -> bool:
    """Whether there is Terraform for its machine, and its region is named as its cloud does."""
    return why_not_rendered(offer) is None


def why_not_rendered(offer: Buyable) -> str | None:
    """Why no Terraform can be rendered for a machine; None where it can."""
    if offer.provider not in _CLOUDS:
        return f"{shorten(offer.provider)} is neither aws nor gcp"
    if not provisionable(offer.provider, offer.instance_type):
        return "its GPUs are no part of the machine type"
    if _REGIONS[offer.provider].fullmatch(offer.region) is None:
        return f"{shorten(offer.region)} is not the name of a region of {_CLOUDS[offer.provider]}"
    return None


def default_routing(plan: Plan) -> Routing:
    """``weighted`` where the shares are the same for all sizes and one balancer reaches all pools,
    otherwise ``size``."""
    if depends_on_size(plan) or len(sites(plan)) > 1 or len(plan.pools) > MAX_WEIGHTED_POOLS:
        return "size"
    return "weighted"


def check_routing(plan: Plan, routing: Routing) -> None:
    """Raise InvalidInput when ``routing`` is by weight and one balancer cannot reach all pools."""
    if routing == "size":
        return
    places = [site.name for site in sites(plan)]
    if len(places) > 1:
        raise InvalidInput(
            f"--routing weighted is not possible: no load balancer spans {' and '.join(places)}",
            hint="leave --routing out: the gateway reaches pools in several regions",
        )
    if len(plan.pools) > MAX_WEIGHTED_POOLS:
        raise InvalidInput(
            f"--routing weighted is not possible: a load balancer splits among at most "
            f"{MAX_WEIGHTED_POOLS} pools, and the plan has {len(plan.pools)}",
            hint="leave --routing out: the gateway reaches more pools",
        )
