"""Sums of money, bounds on them, and what the plan is compared with."""

from __future__ import annotations

from collections.abc import Iterator

from melange_cloud.errors import Problem
from melange_cloud.plan import HOURS_PER_MONTH, Baseline, Kept, Plan
from melange_cloud.plan_check.numbers import MONEY, figure, near

DEAREST = 1e12
"""USD/h that no fleet costs."""


def money_problems(plan: Plan) -> Iterator[Problem]:
    """Where the costs are not the sums and ratios of one another."""
    yield from _cost_problems(plan)
    if plan.kept is not None:
        yield from _kept_problems(plan, plan.kept)
    for at, line in enumerate(plan.baselines):
        yield from _baseline_problems(plan, f"baselines[{at}]", line)
    for at, extra in enumerate(plan.extras):
        if not extra.usd_per_hour <= DEAREST:
            yield Problem(f"extras[{at}].usd_per_hour", f"must be at most {DEAREST:g}")


def _cost_problems(plan: Plan) -> Iterator[Problem]:
    cost = plan.cost
    whole = sum(pool.count * pool.usd_per_hour_each for pool in plan.pools)
    if not whole <= DEAREST:
        yield Problem("pools", f"must cost at most {DEAREST:g} $/h together")
    if not near(cost.usd_per_hour, whole, MONEY * (len(plan.pools) + 1)):
        what = f"is {figure(cost.usd_per_hour)}, but the pools cost {figure(whole)} together"
        yield Problem("cost.usd_per_hour", what)
    month = cost.usd_per_hour * HOURS_PER_MONTH
    if not near(cost.usd_per_month, month, 0.01):
        what = f"is {figure(cost.usd_per_month)}, but {HOURS_PER_MONTH} hours cost {figure(month)}"
        yield Problem("cost.usd_per_month", what)
    bound = cost.lower_bound_usd_per_hour
    if bound > cost.usd_per_hour + MONEY:
        yield Problem("cost.lower_bound_usd_per_hour", "is above cost.usd_per_hour")
    cheapest = plan.kept.cheapest_usd_per_hour if plan.kept else cost.usd_per_hour
    if plan.status == "optimal" and not near(bound, cheapest, 2 * MONEY):
        what = f"is {figure(bound)}, but the cheapest fleet costs {figure(cheapest)}: status"
        yield Problem("cost.lower_bound_usd_per_hour", f'{what} cannot be "optimal"')


def _kept_problems(plan: Plan, kept: Kept) -> Iterator[Problem]:
    cost, cheapest = plan.cost.usd_per_hour, kept.cheapest_usd_per_hour
    most = cheapest * (1 + kept.tolerance)
    if not cheapest - 2 * MONEY <= cost <= most + 2 * MONEY + 1e-9 * most:
        what = f"is {figure(cheapest)} with a tolerance of {kept.tolerance:.2%}"
        where = "kept.cheapest_usd_per_hour"
        yield Problem(where, f"{what}, but the fleet costs {figure(cost)}")
    running = sum(pool.count for pool in plan.pools)
    if not 0 <= kept.kept <= running:
        yield Problem("kept.kept", f"is {kept.kept}, but the pools have {running} instances")
    if kept.changes < 0:
        yield Problem("kept.changes", f"must not be negative, but is {kept.changes}")


def _baseline_problems(plan: Plan, where: str, line: Baseline) -> Iterator[Problem]:
    if not line.feasible:
        if line.usd_per_hour is not None or line.saving is not None or line.counts:
            yield Problem(where, f"no fleet of {line.gpu} is feasible, so it has no cost")
        return
    cost = line.usd_per_hour
    if not cost or line.saving is None or line.why is not None:
        yield Problem(where, f"a fleet of {line.gpu} is feasible, so it has a cost and a saving")
        return
    saving = 1 - plan.cost.usd_per_hour / cost
    # both costs are rounded
    if not near(line.saving, saving, 1e-6 + 2 * MONEY * (1 + abs(saving)) / cost):
        what = f"1 - {figure(plan.cost.usd_per_hour)} / {figure(cost)} is {figure(saving)}"
        yield Problem(f"{where}.saving", f"is {figure(line.saving)}, but {what}")
    least = most = 0.0
    for name, count in line.counts.items():
        prices = [
            offer.usd_per_hour
            for offer in plan.inputs.offers
            if (offer.gpu, offer.instance_type) == (line.gpu, name)
        ]
        if not prices:
            what = f"the plan has no offer of {name} with {line.gpu}"
            yield Problem(f"{where}.counts", what)
            return
        # the same type may be in several regions, at several prices
        least, most = least + count * min(prices), most + count * max(prices)
    if not least - 2 * MONEY <= cost <= most * (1 + 1e-12) + 2 * MONEY:
        what = f"is {figure(cost)}, but its instances cost {figure(least)}"
        what += "" if most == least else f" to {figure(most)}"
        yield Problem(f"{where}.usd_per_hour", what)
