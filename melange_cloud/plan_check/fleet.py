"""Pools that are offers of the plan's own, run whole replicas, and stay within its limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from melange_cloud.errors import Problem
from melange_cloud.plan import OfferInput, Plan, Pool, pool_id
from melange_cloud.plan_check.numbers import MONEY, figure, near
from melange_cloud.planning.compose import filters_of, offer_name
from melange_cloud.prices.select import passes


def fleet_problems(plan: Plan) -> Iterator[Problem]:
    """What of the pools disagrees with the plan's offers, and with the limits of its service."""
    offers = {offer.key: offer for offer in plan.inputs.offers}
    for at, pool in enumerate(plan.pools):
        yield from _pool_problems(f"pools[{at}]", pool, offers.get(pool.key))
    yield from _offer_problems(plan)
    yield from _limit_problems(plan)
    yield from _extra_problems(plan)


def _pool_problems(where: str, pool: Pool, offer: OfferInput | None) -> Iterator[Problem]:
    wanted = pool_id(pool.key, pool.tensor_parallel)
    if pool.id != wanted:
        yield Problem(f"{where}.id", f'is "{pool.id}", but its offer makes it "{wanted}"')
    replicas = pool.gpus_per_instance // pool.tensor_parallel
    if pool.replicas_per_instance != replicas:
        fit = f"{pool.gpus_per_instance} GPUs hold {replicas} of {pool.tensor_parallel} each"
        what = f"is {pool.replicas_per_instance}, but {fit}"
        yield Problem(f"{where}.replicas_per_instance", what)
    cost = pool.count * pool.usd_per_hour_each
    if not near(pool.usd_per_hour, cost, MONEY * (pool.count + 1)):
        what = f"{pool.count} x {figure(pool.usd_per_hour_each)} is {figure(cost)}"
        yield Problem(f"{where}.usd_per_hour", f"is {figure(pool.usd_per_hour)}, but {what}")
    if offer is None:
        yield Problem(where, f"{pool.key} is not among the plan's own offers")
        return
    if (offer.gpu, offer.gpu_count) != (pool.gpu, pool.gpus_per_instance):
        own = f"{offer.gpu_count} x {offer.gpu}"
        yield Problem(where, f"its GPUs differ from those of the plan's offer, {own}")
    if not near(offer.usd_per_hour, pool.usd_per_hour_each, MONEY):
        what = f"is {figure(pool.usd_per_hour_each)}, but the plan's offer costs"
        yield Problem(f"{where}.usd_per_hour_each", f"{what} {figure(offer.usd_per_hour)}")


def _offer_problems(plan: Plan) -> Iterator[Problem]:
    """What the plan says may be bought must be what its service asks for."""
    wanted = filters_of(plan.service)
    for at, offer in enumerate(plan.inputs.offers):
        if not passes(offer, **wanted):
            what = f"{offer.key} ({offer.gpu}) is not what service.offers admits"
            yield Problem(f"inputs.offers[{at}]", what)


def _limit_problems(plan: Plan) -> Iterator[Problem]:
    asked, solved = plan.service.limits, plan.inputs.limits
    for name in ("max_regions", "survive"):
        pair: tuple[Any, Any] = getattr(solved, name), getattr(asked, name)
        if pair[0] != pair[1]:
            what = f"is {pair[0]}, but service.limits.{name} is {pair[1]}"
            yield Problem(f"inputs.limits.{name}", what)
    places = {(pool.provider, pool.region) for pool in plan.pools}
    if len(places) > asked.max_regions:
        what = f"are in {len(places)} regions; service.limits.max_regions is {asked.max_regions}"
        yield Problem("pools", what)
    instances = sum(pool.count for pool in plan.pools)
    if asked.survive and instances <= asked.survive:
        yield Problem("pools", "have 1 instance, whose loss service.limits.survive says to survive")
    caps = [(cap.name, cap.limit, cap.weights) for cap in solved.caps]
    caps += [
        (
            f"service.limits.instances {name}",
            float(limit),
            {offer_name(pool): 1.0 for pool in plan.pools if pool.instance_type == name},
        )
        for name, limit in asked.instances.items()
    ]
    caps += [
        (
            f"service.limits.gpus {name}",
            float(limit),
            {offer_name(pool): float(pool.gpus_per_instance) for pool in plan.pools
             if pool.gpu == name},
        )
        for name, limit in asked.gpus.items()
    ]  # fmt: skip
    for name, limit, weights in caps:
        used = sum(weights.get(offer_name(pool), 0.0) * pool.count for pool in plan.pools)
        if not used <= limit + 1e-6 * max(1.0, abs(limit)):
            yield Problem("pools", f"take {figure(used)} of {name}, which is {figure(limit)}")


def _extra_problems(plan: Plan) -> Iterator[Problem]:
    """Extras are of the places of the fleet, and each machine there has one disk."""
    machines: dict[tuple[str, str], int] = {}
    for pool in plan.pools:
        place = pool.provider, pool.region
        machines[place] = machines.get(place, 0) + pool.count
    for at, extra in enumerate(plan.extras):
        where = f"extras[{at}]"
        here = machines.get((extra.provider, extra.region))
        if here is None:
            what = f"{extra.provider}/{extra.region} has no pool of the fleet"
            yield Problem(where, what)
        elif extra.what == "disk" and extra.count != here:
            what = f"is {extra.count}, but there are {here} instances in {extra.region}"
            yield Problem(f"{where}.count", what)
