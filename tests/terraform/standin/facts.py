"""What the stand-in knows of the clouds beyond their schemas."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

VALUES: dict[str, dict[str, set[str]]] = {
    "aws_lb": {"load_balancer_type": {"application", "network", "gateway"}},
    "aws_lb_target_group": {
        "load_balancing_algorithm_type": {
            "round_robin", "least_outstanding_requests", "weighted_random",
        },
        "protocol": {"GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"},
    },
    "aws_autoscaling_group": {"health_check_type": {"EC2", "ELB"}},
    "aws_security_group_rule": {"type": {"ingress", "egress"}},
    "google_compute_region_backend_service": {
        "load_balancing_scheme": {"EXTERNAL", "EXTERNAL_MANAGED", "INTERNAL", "INTERNAL_MANAGED"},
        "locality_lb_policy": {
            "ROUND_ROBIN", "LEAST_REQUEST", "RING_HASH", "RANDOM", "ORIGINAL_DESTINATION",
            "MAGLEV", "WEIGHTED_MAGLEV", "WEIGHTED_ROUND_ROBIN",
        },
    },
    "google_compute_region_instance_group_manager": {
        "distribution_policy_target_shape": {"ANY", "BALANCED", "EVEN", "ANY_SINGLE_ZONE"},
    },
    "google_compute_subnetwork": {
        "purpose": {
            "PRIVATE", "REGIONAL_MANAGED_PROXY", "GLOBAL_MANAGED_PROXY",
            "PRIVATE_SERVICE_CONNECT", "PEER_MIGRATION", "PRIVATE_NAT",
        },
        "role": {"ACTIVE", "BACKUP"},
    },
}  # fmt: skip
"""Values that the providers' documentation admits, by resource and argument."""

REPLACING: dict[str, set[str]] = {
    "aws_launch_template": {"name"},
    "aws_autoscaling_group": {"name"},
    "aws_lb": {"name", "internal", "load_balancer_type"},
    "aws_lb_target_group": {"name", "port", "protocol", "vpc_id"},
    "aws_security_group": {"name", "description", "vpc_id"},
    "aws_subnet": {"cidr_block", "availability_zone", "vpc_id"},
    "aws_vpc": {"cidr_block"},
    "google_compute_region_instance_template": {
        "machine_type", "disk", "labels", "metadata", "network_interface", "scheduling",
    },
    "google_compute_region_instance_group_manager": {"name", "base_instance_name"},
    "google_compute_forwarding_rule": {"ip_address", "port_range", "network", "subnetwork"},
}  # fmt: skip
"""Arguments whose change makes a new resource, as documented; a part only."""

ZONES = {
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
    "us-central1": "abcf",
}


DESCRIPTIONS = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*")
"""EC2's characters for the descriptions of security groups and their rules."""


def wrong_values(kind: str, config: dict[str, Any]) -> list[str]:
    """Arguments that no cloud takes."""
    description = config.get("description")
    if (
        kind.startswith("aws_security_group")
        and isinstance(description, str)
        and not DESCRIPTIONS.fullmatch(description)
    ):
        return [f'"description" has characters that EC2 does not admit: {description}']
    return [
        f'expected {name} to be one of {sorted(known)}, got "{config[name]}"'
        for name, known in VALUES.get(kind, {}).items()
        if isinstance(config.get(name), str) and config[name] not in known
    ]


def replacing(kind: str) -> set[str]:
    return REPLACING.get(kind, set())


def named(kind: str, state: dict[str, Any], unknown: object, seed: str) -> dict[str, Any]:
    """A generated name begins with the prefix that was asked for."""
    if state.get("name") == unknown:
        prefix = state.get("name_prefix")
        start = prefix if isinstance(prefix, str) else "terraform-"
        return state | {"name": start + hashlib.sha256(seed.encode()).hexdigest()[:8]}
    return state


def bumped(
    kind: str, prior: dict[str, Any] | None, state: dict[str, Any], unknown: object
) -> dict[str, Any]:
    """A changed launch template has a new version, which is known only afterwards."""
    if kind != "aws_launch_template" or prior is None:
        return state
    same = all(
        prior.get(name) == value
        for name, value in state.items()
        if name not in {"tags", "tags_all", "latest_version", "default_version"}
    )
    return state if same else state | {"latest_version": unknown, "default_version": unknown}


class World:
    """What one run of the provider has been told and has made."""

    def __init__(self) -> None:
        self.region = "us-east-1"
        self.zone_of_subnet: dict[str, str] = {}

    def configure(self, config: dict[str, Any]) -> None:
        if isinstance(config.get("region"), str):
            self.region = config["region"]

    def saw(self, kind: str, state: dict[str, Any] | None) -> None:
        """Remember what data sources are asked for later."""
        if kind == "aws_subnet" and state and isinstance(state.get("id"), str):
            self.zone_of_subnet[state["id"]] = state["availability_zone"]

    def data(self, kind: str, config: dict[str, Any]) -> dict[str, Any]:
        """What a data source answers; what is not here is made up."""
        names = self._zones(self.region)
        answers: dict[str, dict[str, Any]] = {
            "aws_availability_zones": {"names": names},
            "aws_region": {"id": self.region, "name": self.region, "region": self.region},
            "aws_partition": {"id": "aws", "partition": "aws", "dns_suffix": "amazonaws.com"},
            "aws_caller_identity": {"account_id": "123456789012"},
            "aws_iam_policy_document": {"json": _policy(config)},
            "aws_ssm_parameter": {"value": "ami-0123456789abcdef0"},
            "aws_vpc": {"cidr_block": "10.9.0.0/16"},
        }
        if kind == "aws_subnet":
            return config | {"availability_zone": self.zone_of_subnet.get(config["id"], names[0])}
        if kind == "aws_ec2_instance_type_offerings":
            # three zones sell everything but what is made to be rare
            asked = {item["name"]: item["values"] for item in config["filter"]}
            zone = names.index(asked["location"][0])
            sold = [t for t in asked["instance-type"] if zone < (1 if t.startswith("p5") else 3)]
            return config | {
                "instance_types": sold,
                "locations": asked["location"] * len(sold),
                "location_types": ["availability-zone"] * len(sold),
            }
        if kind == "google_compute_zones":
            return config | {"names": self._zones(config["region"])}
        if kind == "google_compute_machine_types":
            sold = not config["zone"].endswith("-f")
            return config | {"machine_types": [{}] if sold else []}
        return config | answers.get(kind, {})

    def value(self, kind: str, name: str, of: Any, seed: str) -> Any:
        """Something of the type, always the same for the same resource."""
        digest = hashlib.sha256(f"{kind}.{name}.{seed}".encode()).hexdigest()[:12]
        if name in {"ip_address", "public_ip", "address"}:
            return f"203.0.113.{int(digest[:2], 16)}"
        if name == "dns_name":
            return f"{digest}.{self.region}.elb.amazonaws.com"
        if of == "string":
            if name.endswith("arn"):
                return f"arn:aws:standin:{self.region}:123456789012:{kind}/{digest}"
            return f"{name}-{digest}"
        if isinstance(of, str):
            return {"number": 1, "bool": False}.get(of)
        return {} if of[0] == "map" else None if of[0] == "object" else []

    @staticmethod
    def _zones(region: str) -> list[str]:
        dash = "-" if region[-2].isalpha() else ""
        return [f"{region}{dash}{letter}" for letter in ZONES.get(region, "abc")]


def _policy(config: dict[str, Any]) -> str:
    statements = [
        {"Action": statement["actions"], "Resource": statement["resources"]}
        for statement in config.get("statement") or []
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
