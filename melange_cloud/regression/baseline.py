"""The committed plan: read, and refused when it cannot be what a later plan is compared with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from melange_cloud.errors import InvalidDocument, InvalidInput, Problem
from melange_cloud.names import shorten
from melange_cloud.paths import is_there
from melange_cloud.plan import HOURS_PER_MONTH, OfferInput, Plan, load_plan
from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.keeping import pool_key
from melange_cloud.prices.sources import SOURCES
from melange_cloud.reading import STANDARD_INPUT, name_of, word_for
from melange_cloud.regression.situation import offer_key
from melange_cloud.service import ServiceOffers

ROUNDED = 1e-6
"""USD/h: the last decimal of the money in a plan."""


def load_baseline(path: Path, service: Path) -> Plan:
    """The plan in a file, checked by `verify`.

    Raises InvalidInput when the file does not exist, with how to make it, and InvalidDocument for
    a plan of another schema version or one whose figures do not agree.
    """
    if path != STANDARD_INPUT and not is_there(path):
        made = f"melange-cloud plan {word_for(service)} --out {path}"
        raise InvalidInput(
            f"{path} does not exist, so there is no baseline to compare with",
            hint=f"make one with `{made}` and commit it",
        )
    try:
        plan = load_plan(path)
        verify(plan, name_of(path))
    except InvalidInput as error:
        error.hint = error.hint or _instead_of(path, service)
        raise
    return plan


def _instead_of(path: Path, service: Path) -> str | None:
    """What to do about a baseline that is no plan: only what may have been one is written anew."""
    if path == STANDARD_INPUT:
        return None
    if path.suffix != ".json":
        return "give the committed plan with --baseline, such as plan.json"
    anew = f"melange-cloud check {word_for(service)} --baseline {path} --update"
    return f"write a new one with `{anew}`"


def load_running(path: Path) -> Plan:
    """The plan of the fleet that runs, for `--keep`. Raises InvalidInput as `verify` does."""
    plan = load_plan(path)
    verify(plan, name_of(path))
    return plan


def verify(plan: Plan, name: str) -> None:
    """Raise InvalidDocument when the plan's figures do not agree, as after an edit by hand."""
    problems = [*_pool_problems(plan), *_cost_problems(plan), *_demand_problems(plan)]
    if problems:
        raise InvalidDocument(name, "plan", problems)


def same_service(plan: Plan, name: str, path: Path) -> None:
    """Raise InvalidInput when the plan is of a service of another name.

    The model may differ: a change of model is a change of the service.
    """
    if plan.service.name != name:
        raise InvalidInput(
            f'{name_of(path)} is the plan of service "{shorten(plan.service.name)}", '
            f'not of "{shorten(name)}"',
            hint="give this service's plan with --baseline; if the service was renamed, write a "
            "new plan with --update",
        )


def prices_carry(plan: Plan, inputs: Inputs) -> None:
    """Raise InvalidInput when a file of prices lacks an offer that the plan uses.

    An offer that the service no longer wants may be missing. Where the prices do not come from a
    file, a missing offer was withdrawn by the cloud, which is a cause of change like others.
    """
    if inputs.service.prices in SOURCES:
        return
    known = {offer.key for offer in inputs.book.offers}
    used = {pool_key(pool)[0] for pool in plan.pools}
    missing = [
        offer_key(offer)
        for offer in plan.inputs.offers
        if offer_key(offer) in used - known and _wanted(offer, inputs.service.offers)
    ]
    if missing:
        lines = [f"{key} is in the baseline's fleet, but not in these prices" for key in missing]
        raise InvalidInput(
            "\n  ".join([f"{inputs.service.prices} cannot price the baseline:", *lines]),
            hint="renew the prices (`melange-cloud prices refresh --lock FILE`), or accept a plan "
            "without these offers with --update",
        )


def _wanted(offer: OfferInput, wanted: ServiceOffers) -> bool:
    places = {offer.region, f"{offer.provider}/{offer.region}"}
    return (
        (not wanted.providers or offer.provider in wanted.providers)
        and (not wanted.regions or bool(places & set(wanted.regions)))
        and (not wanted.gpus or offer.gpu in wanted.gpus)
        and offer.purchase in wanted.purchase
    )


def _pool_problems(plan: Plan) -> Iterator[Problem]:
    offers = {offer_key(offer): offer for offer in plan.inputs.offers}
    for at, pool in enumerate(plan.pools):
        where = f"pools[{at}]"
        cost = pool.count * pool.usd_per_hour_each
        if pool.count < 1:
            yield Problem(f"{where}.count", f"must be above 0, but is {pool.count}")
        if abs(pool.usd_per_hour - cost) > ROUNDED * (pool.count + 1):
            what = f"is {pool.usd_per_hour:.6g}, but {pool.count} x {pool.usd_per_hour_each:.6g}"
            yield Problem(f"{where}.usd_per_hour", f"{what} is {cost:.6g}")
        offer = offers.get(pool_key(pool)[0])
        if offer is None:
            yield Problem(where, f"{pool.instance_type} is not among the plan's own offers")
        elif (offer.gpu, offer.gpu_count) != (pool.gpu, pool.gpus_per_instance):
            yield Problem(where, f"its GPUs differ from those of the plan's offer, {offer.gpu}")
        elif abs(offer.usd_per_hour - pool.usd_per_hour_each) > ROUNDED:
            what = f"is {pool.usd_per_hour_each:.6g}, but the plan's offer costs"
            yield Problem(f"{where}.usd_per_hour_each", f"{what} {offer.usd_per_hour:.6g}")
    keys = [pool_key(pool) for pool in plan.pools]
    if len(set(keys)) < len(keys):
        yield Problem("pools", "the same pool appears twice")


def _cost_problems(plan: Plan) -> Iterator[Problem]:
    cost = plan.cost
    whole = math.fsum(pool.count * pool.usd_per_hour_each for pool in plan.pools)
    if abs(cost.usd_per_hour - whole) > ROUNDED * (len(plan.pools) + 1):
        what = f"is {cost.usd_per_hour:.6g}, but the pools cost {whole:.6g} together"
        yield Problem("cost.usd_per_hour", what)
    month = cost.usd_per_hour * HOURS_PER_MONTH
    if abs(cost.usd_per_month - month) > 0.01:
        what = f"is {cost.usd_per_month:.2f}, but {HOURS_PER_MONTH} hours cost {month:.2f}"
        yield Problem("cost.usd_per_month", what)
    if cost.lower_bound_usd_per_hour > cost.usd_per_hour + ROUNDED:
        yield Problem("cost.lower_bound_usd_per_hour", "is above cost.usd_per_hour")


def _demand_problems(plan: Plan) -> Iterator[Problem]:
    asked = plan.service.workload.rate * (1 + plan.service.headroom)
    planned = math.fsum(line.rate for line in plan.assignment)
    if abs(planned - asked) > 1e-6 * asked:
        what = f"the rates sum to {planned:.6g} requests/s, but the service asks for {asked:.6g}"
        yield Problem("assignment", what)
