"""The best that a fleet can do where none can serve everything: the programme made elastic."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pulp

from melange_cloud.allocation.cheapest import cheapest_cost
from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import build
from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.reduce import undominated_columns
from melange_cloud.allocation.solver import run
from melange_cloud.errors import OutsideError

SLACK = 1e-9
"""Requests/s by which the unserved rate may grow while the cost is minimised."""


@dataclass(frozen=True)
class Elastic:
    """The cheapest of the fleets that leave as little as possible unserved."""

    unserved_rate: float
    """Requests/s that nobody serves."""
    usd_per_hour: float


def least_unserved(problem: Problem, *, time_limit: float | Deadline | None = None) -> Elastic:
    """The least rate that must go unserved, then the cheapest fleet that serves the rest.

    Raises OutsideError when ``time_limit`` (seconds) ends first.
    """
    deadline = Deadline.of(time_limit)
    lost = set(problem.unservable)
    rest = _without(problem, lost)
    unserved = math.fsum(problem.rates[b] for b in lost)
    if not rest.rates:
        return Elastic(unserved, 0.0)
    cost = cheapest_cost(rest, time_limit=deadline)
    if cost is not None:
        return Elastic(unserved, cost)
    return _relaxed(rest, unserved, deadline)


def _without(problem: Problem, buckets: set[int]) -> Problem:
    """The same problem without the demand of some buckets."""
    kept = [b for b in range(len(problem.rates)) if b not in buckets]
    return replace(
        problem,
        rates=tuple(problem.rates[b] for b in kept),
        throughputs=tuple(tuple(row[b] for b in kept) for row in problem.throughputs),
    )


def _relaxed(problem: Problem, unserved: float, deadline: Deadline) -> Elastic:
    reduced = replace(problem.restricted(undominated_columns(problem)), slices=None)
    model = build(reduced, reduced.max_regions, elastic=True)
    missed = sum(rate * share for rate, share in zip(reduced.rates, model.unserved, strict=True))
    model.lp.setObjective(missed)
    least = _optimum(model.lp, deadline)
    model.lp += missed <= least + SLACK
    model.lp.setObjective(model.cost)
    return Elastic(unserved + max(0.0, least), _optimum(model.lp, deadline))


def _optimum(lp: pulp.LpProblem, deadline: Deadline) -> float:
    ended = run(lp, deadline)
    if ended.status != "optimal":
        raise OutsideError(
            "the time limit ended before the least unserved rate was proven",
            hint="give a longer --time-limit, or fewer offers (--region, --gpu)",
        )
    return ended.objective
