"""What is paid besides the GPU pools: gateway, load balancers, NAT and disks, at list prices."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from melange_cloud.documents import Document, load_json
from melange_cloud.plan import HOURS_PER_MONTH, Extra, Plan
from melange_cloud.planning.machines import volume_gib
from melange_cloud.planning.sites import Routing, Site, default_routing, not_provisionable, sites
from melange_cloud.prices.offer import Offer

GATEWAY_MACHINES = 2
VOLUME_THROUGHPUT = 250
"""MiB/s of an AWS root volume; the module's default."""

Usd = Annotated[float, Field(gt=0)]


class Gateway(Document):
    """A gateway machine."""

    instance_type: str
    usd_per_hour: Usd


class CloudExtras(Document):
    """List prices of one cloud, US dollars."""

    region: str = Field(description="where the prices are from; used for all regions")
    gateway: Gateway
    balancer_usd_per_hour: Usd = Field(
        description="one load balancer; on gcp, all of up to five addresses"
    )
    more_balancers_usd_per_hour: float = Field(description="on gcp, each address above five")
    nat_usd_per_hour: Usd = Field(description="one NAT gateway; on gcp, the most one costs")
    nat_usd_per_hour_machine: float = Field(
        description="on gcp, for each machine, up to nat_usd_per_hour"
    )
    address_usd_per_hour: Usd = Field(description="one public IPv4 address")
    disk_usd_per_gib_month: Usd
    throughput_usd_per_mib_month: float = Field(description="on aws, for each MiB/s above 125")
    sources: list[str]


class ExtrasBook(Document):
    """The data file."""

    schema_: Literal["melange-cloud/extras/v1"] = Field(alias="schema")
    as_of: str
    aws: CloudExtras
    gcp: CloudExtras


@cache
def extras_book() -> ExtrasBook:
    """The list prices that ship with the tool."""
    path = Path(__file__).parent / "data" / "extras.json"
    return load_json(path, ExtrasBook, "list of extras")


def extras(plan: Plan, routing: Routing | None = None) -> list[Extra]:
    """What the rendered infrastructure costs by the hour besides the pools, traffic left out.

    Empty for a plan that cannot be rendered.
    """
    if not plan.pools or not_provisionable(plan.pools):
        return []
    routing = routing or default_routing(plan)
    return [line for site in sites(plan) for line in _of_site(plan, site, routing)]


def gateway_type(provider: str) -> str:
    """Instance type of the gateway's machines."""
    return _prices(provider).gateway.instance_type


def hourly_beside(offer: Offer, model: str) -> float:
    """USD per hour of the disk and public address of a machine outside any pool."""
    prices = _prices(offer.provider)
    return _disk_usd_per_hour(prices, model) + prices.address_usd_per_hour


def extras_note() -> str:
    """The note that every plan with extras carries."""
    book = extras_book()
    return (
        f"extras are published list prices of {book.as_of} in {book.aws.region} and "
        f"{book.gcp.region}, used for other regions too; traffic and other charges by use are "
        "left out"
    )


def _prices(provider: str) -> CloudExtras:
    book = extras_book()
    return book.aws if provider == "aws" else book.gcp


def _of_site(plan: Plan, site: Site, routing: Routing) -> list[Extra]:
    prices = _prices(site.provider)
    gateway = routing == "size" and site.home
    machines = sum(pool.count for pool in site.pools) + (GATEWAY_MACHINES if gateway else 0)
    found = []
    if gateway:
        each = prices.gateway
        found.append(
            _extra("gateway", site, GATEWAY_MACHINES, each.usd_per_hour, each.instance_type)
        )
    found += [
        _balancers(site, prices, routing),
        _nat(site, prices, machines),
        _disks(plan, site, prices),
    ]
    return found


def _balancers(site: Site, prices: CloudExtras, routing: Routing) -> Extra:
    """On AWS, one load balancer for the pools and one in front of the gateway. On GCP, one address
    for each pool and one for the gateway; up to five cost the same as one. A site without the
    gateway has public addresses."""
    gateway = routing == "size" and site.home
    if site.provider == "aws":
        count = 2 if gateway else 1
        usd = count * prices.balancer_usd_per_hour
    else:
        count = 1 if routing == "weighted" else len(site.pools) + gateway
        usd = prices.balancer_usd_per_hour
        usd += max(count - 5, 0) * prices.more_balancers_usd_per_hour
    if not site.home:
        # AWS puts an address in each of two zones or more
        usd += (2 if site.provider == "aws" else count) * prices.address_usd_per_hour
    return _extra("load balancer", site, count, usd / count)


def _nat(site: Site, prices: CloudExtras, machines: int) -> Extra:
    usd = prices.nat_usd_per_hour
    if prices.nat_usd_per_hour_machine:
        usd = min(usd, machines * prices.nat_usd_per_hour_machine)
    return _extra("NAT", site, 1, usd + prices.address_usd_per_hour)


def _disks(plan: Plan, site: Site, prices: CloudExtras) -> Extra:
    count = sum(pool.count for pool in site.pools)
    return _extra("disk", site, count, _disk_usd_per_hour(prices, plan.service.model))


def _disk_usd_per_hour(prices: CloudExtras, model: str) -> float:
    monthly = volume_gib(model) * prices.disk_usd_per_gib_month
    monthly += (VOLUME_THROUGHPUT - 125) * prices.throughput_usd_per_mib_month
    return monthly / HOURS_PER_MONTH


def _extra(what: str, site: Site, count: int, usd_each: float, instance_type: str = "") -> Extra:
    return Extra(
        what=what,
        provider=site.provider,
        region=site.region,
        instance_type=instance_type,
        count=count,
        usd_per_hour=round(count * usd_each, 6),
    )
