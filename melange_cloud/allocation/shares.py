"""How requests are shared among the replicas of a given fleet."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pulp

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import Model
from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.solver import run
from melange_cloud.errors import OutsideError

Shares = list[dict[int, float]]
"""For each bucket, configuration -> share of its requests; sums to 1."""

DIGITS = 9
"""Significant digits of a share: decimals would be too few where a small share is a large load."""
GRACE_S = 5.0
"""Seconds for sharing after the time limit: a fleet without shares would be of no use."""
NOTHING = 1e-9
"""A share too small to route; it is added to the largest."""

Server = TypeVar("Server", bound=Hashable)


@dataclass(frozen=True)
class Levelled:
    """Shares and the utilisation they give."""

    by_bucket: Shares
    utilization: dict[int, float]


def level_shares(
    problem: Problem, counts: Sequence[int], deadline: Deadline | None = None
) -> Levelled:
    """Shares that make the highest utilisation as low as possible, then a fixed column order.

    A vertex of the cost programme would fill one pool and leave another idle, which is a bad way
    to route requests. The counts must be able to serve everything. This takes up to GRACE_S
    beyond the ``deadline``; OutsideError is raised when that is not enough.
    """
    within = Deadline.of(deadline).or_in(GRACE_S)
    capacity = capacities(problem, counts)
    running = sorted(capacity)
    if len(running) == 1:  # nothing to decide
        return _levelled(
            problem, {(b, running[0]): 1.0 for b in range(len(problem.rates))}, capacity
        )
    lp = pulp.LpProblem("shares", pulp.LpMinimize)
    highest = lp.add_variable("highest_utilization", lowBound=0)
    shares: dict[tuple[int, int], pulp.LpVariable] = {}
    for b in range(len(problem.rates)):
        servers = [c for c in running if problem.throughputs[c][b] > 0]
        for c in servers:
            shares[b, c] = lp.add_variable(f"x_{b}_{c}", lowBound=0)
        lp += pulp.lpSum(shares[b, c] for c in servers) == 1
    for c in running:
        load = pulp.lpSum(
            problem.load(c, b) / capacity[c] * share
            for (b, server), share in shares.items()
            if server == c
        )
        lp += load <= highest
    lp.setObjective(highest + 0)
    if run(lp, within).status != "optimal":
        raise OutsideError(
            "the time limit ended before the requests were shared among the fleet's instances",
            hint="give a longer --time-limit, or a workload with fewer sizes",
        )
    values = {at: share.varValue or 0.0 for at, share in shares.items()}
    lp += highest <= highest.varValue * (1 + 1e-9)
    order = {c: place for place, c in enumerate(running)}
    lp.setObjective(pulp.lpSum(order[c] * (1 + b) * x for (b, c), x in shares.items()))
    if run(lp, within).status == "optimal":
        values = {at: share.varValue or 0.0 for at, share in shares.items()}
    return _levelled(problem, values, capacity)


def rounded_shares(shares: Mapping[Server, float]) -> dict[Server, float]:
    """Shares of one bucket rounded to DIGITS, without negligible ones; they still sum to 1."""
    kept = {c: float(f"{x:.{DIGITS}g}") for c, x in shares.items() if x > NOTHING}
    largest = max(kept, key=lambda c: kept[c])
    kept[largest] = round(1 - sum(x for c, x in kept.items() if c != largest), 15)
    return kept


def sliced_shares(model: Model) -> Levelled:
    """The shares that follow from the slices of a solved sliced model."""
    counts = [round(count.varValue or 0.0) for count in model.counts]
    slices = model.problem.slices or 1
    # whole slices: the solver's 0.9999999 of one is its tolerance, not a load
    values = {
        at: round(float(pulp.value(share)) * slices) / slices for at, share in model.shares.items()
    }
    return _levelled(model.problem, values, capacities(model.problem, counts))


def capacities(problem: Problem, counts: Sequence[int]) -> dict[int, int]:
    """Configuration -> replicas that the counts run; only those that run any."""
    found: dict[int, int] = {}
    for column, count in zip(problem.columns, counts, strict=True):
        if count:
            c = column.configuration
            found[c] = found.get(c, 0) + count * column.replicas
    return found


def _levelled(
    problem: Problem, values: dict[tuple[int, int], float], capacity: dict[int, int]
) -> Levelled:
    by_bucket: Shares = [{} for _ in problem.rates]
    for (b, c), value in values.items():
        by_bucket[b][c] = value
    utilization = {
        c: sum(problem.load(c, b) * value for (b, server), value in values.items() if server == c)
        / replicas
        for c, replicas in capacity.items()
    }
    return Levelled([rounded_shares(shares) for shares in by_bucket], utilization)
