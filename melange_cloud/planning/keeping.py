"""Planning close to a fleet that runs: which of its instances are kept, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.keep import keep
from melange_cloud.allocation.solve import Solution
from melange_cloud.plan import Kept, Plan, Pool
from melange_cloud.planning.compose import Composition
from melange_cloud.prices.offer import OfferKey

Running = tuple[OfferKey, int]
"""What tells pools apart: an offer, and the tensor parallel degree that runs on it."""


@dataclass(frozen=True)
class KeptPlan:
    """The fleet closest to a plan's, and what a reader must know of it."""

    solution: Solution
    kept: Kept
    notes: list[str]


def pool_key(pool: Pool) -> Running:
    """The offer of a pool, and its tensor parallel degree."""
    return pool.key, pool.tensor_parallel


def keep_to(
    composition: Composition,
    plan: Plan,
    tolerance: float,
    time_limit: float | Deadline | None = None,
) -> KeptPlan | None:
    """The fleet closest to that of ``plan`` within ``tolerance``; None when nothing can serve."""
    columns = {
        (
            composition.offers[offer].key,
            composition.profiles[column.configuration].tensor_parallel,
        ): j
        for j, (column, offer) in enumerate(
            zip(composition.problem.columns, composition.column_offers, strict=True)
        )
    }
    running = [0] * len(columns)
    gone = []
    for pool in plan.pools:
        place = columns.get(pool_key(pool))
        if place is None:
            gone.append(pool)
        else:
            running[place] = pool.count
    found = keep(composition.problem, running, tolerance, time_limit=time_limit)
    if found is None:
        return None
    kept = Kept(
        plan=plan.digest,
        tolerance=tolerance,
        cheapest_usd_per_hour=round(found.cheapest_usd_per_hour, 6),
        kept=sum(map(min, found.solution.counts, running)),
        changes=found.changes + sum(pool.count for pool in gone),
    )
    return KeptPlan(found.solution, kept, [_said(kept, found.solution), *map(_gone, gone)])


def _said(kept: Kept, solution: Solution) -> str:
    over = solution.usd_per_hour - kept.cheapest_usd_per_hour
    cost = (
        f"{over:,.2f} $/h ({over / kept.cheapest_usd_per_hour:.1%}) over the cheapest fleet"
        if over > 0.005
        else "no more than the cheapest fleet"
    )
    stay = "1 running instance stays" if kept.kept == 1 else f"{kept.kept} running instances stay"
    changes = {0: "nothing changes", 1: "1 is started or stopped"}.get(
        kept.changes, f"{kept.changes} are started or stopped"
    )
    within = f"which is within the tolerance of {100 * kept.tolerance:g}%"
    return f"{stay}, {changes}; this costs {cost}, {within}"


def _gone(pool: Pool) -> str:
    return (
        f"{pool.count} x {pool.instance_type} in {pool.region} cannot be kept: the instance is no "
        "longer on offer, or no profile runs on it"
    )
