"""A module call, and the call of the network that every root module has in each place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from melange_cloud.planning.sites import Place
from melange_cloud.terraform.names import identifier
from melange_cloud.terraform.quoting import Expression, hcl


@dataclass(frozen=True)
class Call:
    """One module block."""

    name: str
    module: str
    arguments: Mapping[str, object]
    alias: str | None = None
    """Provider configuration of an AWS region that is not the first."""

    def output(self, name: str) -> Expression:
        return Expression(f"module.{self.name}.{name}")


def network(
    place: Place, instance_types: Iterable[str], more: Mapping[str, object] | None = None
) -> Call:
    """A place's network with room for machines of some types; ``more`` are further arguments."""
    key = hcl(place.region)
    if place.provider == "aws":
        given = f"try(var.aws_networks[{key}]"
        arguments: dict[str, object] = {
            "name": Expression("local.name"),
            "instance_types": sorted(set(instance_types)),
            "vpc_id": Expression(f'{given}.vpc_id, "")'),
            "subnet_ids": Expression(f"{given}.subnet_ids, [])"),
            "public_subnet_ids": Expression(f"{given}.public_subnet_ids, [])"),
            "nat_addresses": Expression(f"{given}.nat_addresses, [])"),
        }
    else:
        given = f"try(var.gcp_networks[{key}]"
        arguments = {
            **location(place),
            # networks are global: two regions must not share a name
            "name": Expression(f'"${{local.name}}-{place.region}"'),
            "network": Expression(f'{given}.network, "")'),
            "subnetwork": Expression(f'{given}.subnetwork, "")'),
            "proxy_cidr": Expression(f'{given}.proxy_cidr, "10.129.0.0/23")'),
            "nat_addresses": Expression(f"{given}.nat_addresses, [])"),
        }
    name = call_name("network", place)
    return Call(name, f"{place.provider}-network", arguments | dict(more or {}), alias(place))


def location(place: Place) -> dict[str, object]:
    """Where a module of Google Cloud makes things."""
    return {"project": Expression("var.gcp_project"), "region": place.region}


def tags(place: Place) -> dict[str, object]:
    """The tags or labels of everything in a place, as its modules take them."""
    kind = "tags" if place.provider == "aws" else "labels"
    return {kind: Expression(f"local.{kind}")}


def call_name(kind: str, place: Place) -> str:
    """Name of a place's module block."""
    return identifier(kind, place.provider, place.region)


def alias(place: Place) -> str | None:
    """Name of the provider configuration for a place; None for the plain one."""
    return identifier(place.region) if place.provider == "aws" and not place.home else None
