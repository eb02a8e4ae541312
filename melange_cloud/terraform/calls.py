"""The module calls of a root module: which modules a plan needs, and with which arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from melange_cloud.gateway.routing import overall_shares
from melange_cloud.plan import Plan, Pool
from melange_cloud.planning.extras import GATEWAY_MACHINES, VOLUME_THROUGHPUT, gateway_type
from melange_cloud.planning.machines import (
    engine_args,
    load_seconds,
    max_model_len,
    volume_gib,
)
from melange_cloud.planning.sites import Routing, Site
from melange_cloud.terraform.call import Call, alias, call_name, location, network, tags
from melange_cloud.terraform.names import identifier, pool_name
from melange_cloud.terraform.quoting import Expression, hcl

LISTENERS = range(10_000, 30_000)
"""Ports of an AWS balancer's listeners: a pool keeps its port when others come and go."""

MAX_WEIGHT = 999
"""AWS's largest; Google's is 1000."""


def calls(
    plan: Plan, sites: Sequence[Site], routing: Routing, gateway_files: Sequence[str]
) -> list[Call]:
    """All module calls, and so all that will be made."""
    found: list[Call] = []
    home = next(site for site in sites if site.home)
    for site in sites:
        found += _of_site(plan, site, home, routing)
    if routing == "size":
        found.append(_gateway(sites, home, gateway_files))
    return found


def site_network(site: Site) -> Call:
    """A site's network; also to refer to its outputs."""
    marks = _marks(site) if site.provider == "aws" else tags(site)
    return network(site, (pool.instance_type for pool in site.pools), marks)


def balancer(site: Site) -> Call:
    """A site's balancer by name alone, to refer to its outputs."""
    return Call(call_name("balancer", site), f"{site.provider}-balancer", {}, alias(site))


def pool_call(pool: Pool) -> Call:
    """A pool by name alone, to refer to its outputs."""
    return Call(identifier("pool", pool.id), f"{pool.provider}-pool", {})


def _of_site(plan: Plan, site: Site, home: Site, routing: Routing) -> list[Call]:
    found = [site_network(site)]
    ports = _listener_ports(site)
    if site.provider == "aws":
        found.append(_aws_balancer(plan, site, home, routing, sorted(ports.values())))
        found += [_aws_pool(plan, pool, site, routing, ports[pool.id]) for pool in site.pools]
    else:
        if routing == "weighted":
            found.append(_gcp_balancer(plan, site))
        found += [_gcp_pool(plan, pool, site, home, routing) for pool in site.pools]
    return found


def _aws_balancer(
    plan: Plan, site: Site, home: Site, routing: Routing, ports: Sequence[int]
) -> Call:
    net = site_network(site)
    arguments: dict[str, object] = {
        "name": Expression("local.name"),
        "vpc_id": net.output("vpc_id"),
        "subnet_ids": net.output("private_subnet_ids" if site.home else "public_subnet_ids"),
        "internal": site.home,
        **_marks(site),
    }
    if routing == "weighted":
        arguments |= {
            "ports": [Expression('var.certificate == "" ? 80 : 443')],
            "weighted_port": Expression('var.certificate == "" ? 80 : 443'),
            "certificate_arn": Expression("var.certificate"),
            "client_cidrs": Expression(
                f"length(var.allowed_cidrs) > 0 ? var.allowed_cidrs : [{net.output('vpc_cidr')}]"
            ),
            "weights": _weights(plan, "target_group_arn"),
        }
    elif site.home:
        arguments |= {
            "ports": list(ports),
            "client_security_groups": {
                "gateway": Expression("module.gateway.security_group_id"),
            },
        }
    else:
        arguments |= {"ports": list(ports), "client_cidrs": _addresses_of(home)}
    made = balancer(site)
    return Call(made.name, made.module, arguments, made.alias)


def _gcp_balancer(plan: Plan, site: Site) -> Call:
    net = site_network(site)
    arguments = {
        **location(site),
        "name": Expression("local.name"),
        "network": net.output("network"),
        "subnetwork": net.output("subnetwork"),
        "port": Expression('var.certificate == "" ? 80 : 443'),
        "certificate": Expression("var.certificate"),
        "weights": _weights(plan, "backend_service"),
        **_marks(site),
    }
    made = balancer(site)
    return Call(made.name, made.module, arguments)


def _weights(plan: Plan, target: str) -> dict[str, object]:
    shares = overall_shares(plan)
    largest = max(shares.values())
    return {
        pool.id: {
            target: pool_call(pool).output(target),
            "weight": round(shares[pool.id] / largest * MAX_WEIGHT),
        }
        for pool in plan.pools
    }


def _aws_pool(plan: Plan, pool: Pool, site: Site, routing: Routing, port: int) -> Call:
    net = site_network(site)
    key = hcl(site.region)
    arguments = {
        "name": pool_name(plan.service.name, pool.id, pool.instance_type),
        "instance_type": pool.instance_type,
        **_of_pool(plan, pool),
        "listener_port": port,
        "volume_throughput": VOLUME_THROUGHPUT,
        "vpc_id": net.output("vpc_id"),
        "subnet_ids": net.output("private_subnet_ids"),
        "load_balancer": balancer(site).output("load_balancer"),
        "listener": routing == "size",
        "ami": Expression(f'lookup(var.aws_ami, {key}, "")'),
        "alarm_actions": _alarm_actions(site),
        "session_manager": Expression("var.aws_session_manager"),
        **_secrets(site, routing),
        **_marks(site),
    }
    if not site.home:
        arguments["certificate_arn"] = _remote(site, "certificate")
    return Call(pool_call(pool).name, "aws-pool", arguments, alias(site))


def _gcp_pool(plan: Plan, pool: Pool, site: Site, home: Site, routing: Routing) -> Call:
    net = site_network(site)
    arguments = {
        **location(site),
        "name": pool_name(plan.service.name, pool.id, pool.instance_type),
        "machine_type": pool.instance_type,
        **_of_pool(plan, pool),
        "network": net.output("network"),
        "subnetwork": net.output("subnetwork"),
        "proxy_cidr": net.output("proxy_cidr"),
        "listener": routing == "size",
        "notification_channels": Expression("var.gcp_notification_channels"),
        **_secrets(site, routing),
        **_marks(site),
    }
    if not site.home:
        arguments |= {
            "internal": False,
            "certificate": _remote(site, "certificate"),
            "client_cidrs": _addresses_of(home),
        }
    return Call(pool_call(pool).name, "gcp-pool", arguments)


def _listener_ports(site: Site) -> dict[str, int]:
    """The port of each pool, derived from its id: another port would replace the listener."""
    ports: dict[str, int] = {}
    for pool in site.pools:
        digest = int(hashlib.sha256(pool.id.encode()).hexdigest(), 16)
        free = (LISTENERS[(digest + step) % len(LISTENERS)] for step in range(len(LISTENERS)))
        ports[pool.id] = next(port for port in free if port not in ports.values())
    return ports


def _of_pool(plan: Plan, pool: Pool) -> dict[str, object]:
    model = plan.service.model
    return {
        "machine_count": pool.count,
        "spot": pool.purchase == "spot",
        "model": Expression("local.model"),
        "tensor_parallel": pool.tensor_parallel,
        "data_parallel": pool.replicas_per_instance,
        "max_model_len": max_model_len(plan, pool),
        "vllm_image": Expression("local.vllm_image"),
        "vllm_args": _vllm_args(plan, pool),
        "volume_gib": volume_gib(model),
        "load_seconds": load_seconds(model),
    }


def _vllm_args(plan: Plan, pool: Pool) -> Expression:
    """The settings that the throughputs rest on; the user's come last and override them."""
    args = engine_args(plan, pool)
    return Expression(f"concat({hcl(args, 1)}, var.vllm_args)" if args else "var.vllm_args")


def _gateway(sites: Sequence[Site], home: Site, files: Sequence[str]) -> Call:
    net = site_network(home)
    # a network load balancer may not have the name of the pools' application load balancer
    name = Expression('"${local.name}-gateway"')
    backends = {
        pool.id: {
            "address": pool_call(pool).output("address"),
            "port": pool_call(pool).output("port"),
            "tls_hostname": "" if site.home else _remote(site, "hostname"),
        }
        for site in sites
        for pool in site.pools
    }
    arguments: dict[str, object] = {
        "name": name,
        "instance_type": gateway_type(home.provider),
        "machine_count": GATEWAY_MACHINES,
        "public": Expression("var.public"),
        "allowed_cidrs": Expression("var.allowed_cidrs"),
        "metrics_cidrs": Expression("var.metrics_cidrs"),
        "api_key_secret": Expression("var.api_key_secret"),
        "tls_secret": Expression("var.tls_secret"),
        "files": {name: Expression(f'file("${{path.module}}/gateway/{name}")') for name in files},
        "backends": backends,
        **_marks(home),
    }
    if home.provider == "aws":
        private, public = net.output("private_subnet_ids"), net.output("public_subnet_ids")
        arguments |= {
            "vpc_id": net.output("vpc_id"),
            "subnet_ids": private,
            "endpoint_subnet_ids": Expression(f"var.public ? {public} : {private}"),
            "alarm_actions": _alarm_actions(home),
            "session_manager": Expression("var.aws_session_manager"),
        }
    else:
        arguments |= {
            **location(home),
            "network": net.output("network"),
            "subnetwork": net.output("subnetwork"),
        }
    return Call("gateway", f"{home.provider}-gateway", arguments, alias(home))


def _secrets(site: Site, routing: Routing) -> dict[str, object]:
    """The secrets of a pool. vLLM checks the API key only where no gateway does."""
    found: dict[str, object] = {
        "hf_token_secret": Expression(f"var.{site.provider}_hf_token_secret")
    }
    if routing == "weighted":
        found["api_key_secret"] = Expression("var.api_key_secret")
    return found


def _marks(site: Site) -> dict[str, object]:
    return {"plan_digest": Expression("local.plan_digest"), **tags(site)}


def _alarm_actions(site: Site) -> Expression:
    return Expression(f"lookup(var.aws_alarm_actions, {hcl(site.region)}, [])")


def _remote(site: Site, what: str) -> Expression:
    return Expression(f"var.remote_sites[{hcl(site.name)}].{what}")


def _addresses_of(home: Site) -> Expression:
    return Expression(
        f'[for address in {site_network(home).output("nat_addresses")} : "${{address}}/32"]'
    )
