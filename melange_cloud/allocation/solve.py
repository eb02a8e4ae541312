"""From a problem to its cheapest fleet: proven, and the same one every time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pulp

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import Model, build
from melange_cloud.allocation.problem import SAME_COST, Problem
from melange_cloud.allocation.reduce import (
    lower_bound,
    obvious_cost,
    undominated_columns,
    undominated_regions,
)
from melange_cloud.allocation.shares import Levelled, Shares, level_shares, sliced_shares
from melange_cloud.allocation.solver import SolverName, run
from melange_cloud.errors import OutsideError

OVERLOAD = 1e-8
"""Utilisation above 1 that counts as rounding, not as overload. It is several times a solver's
tolerance; otherwise a fleet whose replicas are exactly full would be called overloaded."""
TIGHTEN = 1e-6
"""Factor by which loads grow when a solver's tolerance let a replica be overloaded."""
EXACT_WEIGHT = 1e5
"""Largest weight of one aim over another in one objective; above it, each aim takes a pass."""


@dataclass(frozen=True)
class Solution:
    """The cheapest fleet of a problem."""

    status: Literal["optimal", "feasible"]
    """optimal: proven cheapest; feasible: the time limit ended the proof."""
    counts: tuple[int, ...]
    """Whole instances of each column, in the order of the problem's columns."""
    shares: Shares
    """For each bucket, configuration -> share of its requests; the shares of a bucket sum to 1."""
    utilization: dict[int, float]
    """Configuration -> share of its replicas that is busy; only configurations that run."""
    usd_per_hour: float
    """Cost of the fleet."""
    lower_bound: float
    """USD/h that no fleet is cheaper than; equal to the cost when the status is optimal."""
    seconds: float
    """Wall time of all optimisation passes."""


def solve(
    problem: Problem,
    *,
    time_limit: float | Deadline | None = None,
    solver: SolverName | None = None,
) -> Solution | None:
    """Find the cheapest fleet that serves every bucket; None when no fleet does.

    Of fleets with the same cost (within SAME_COST) the one with the fewest instances is taken,
    then the one with the fewest kinds of column, then the one with the earliest columns.
    ``time_limit`` is in seconds, or shared with other solves. ``solver`` is ``highs`` or ``cbc``;
    by default HiGHS, or CBC where highspy is not installed.

    Raises OutsideError when the time limit ends before any fleet is found.
    """
    start = time.perf_counter()
    if not problem.rates:
        return Solution("optimal", (0,) * len(problem.columns), [], {}, 0.0, 0.0, 0.0)
    deadline = Deadline.of(time_limit)
    search = _Search(problem, deadline, solver)
    found = search.best()
    if found is None:
        return None
    counts, shares = found.counts, found.shares()
    if max(shares.utilization.values()) > 1 + OVERLOAD:
        # the solver's tolerance was used up: ask again with that much more load
        tight = replace(problem, rates=tuple(rate * (1 + TIGHTEN) for rate in problem.rates))
        found = _Search(tight, deadline, solver).best()
        if found is None:
            return None
        counts = found.counts
        shares = (
            level_shares(problem, counts, deadline) if problem.slices is None else found.shares()
        )
    cost = fleet_cost(problem, counts)
    return Solution(
        "optimal" if found.proven else "feasible",
        counts,
        shares.by_bucket,
        shares.utilization,
        cost,
        cost if found.proven else min(cost, max(found.bound, lower_bound(problem))),
        time.perf_counter() - start,
    )


@dataclass
class _Fleet:
    """A fleet of the whole problem, by original column."""

    problem: Problem
    counts: tuple[int, ...]
    cost: float
    proven: bool
    bound: float
    sliced: Model | None
    deadline: Deadline

    def shares(self) -> Levelled:
        if self.sliced is not None:
            return sliced_shares(self.sliced)
        return level_shares(self.problem, self.counts, self.deadline)

    def rank(self) -> tuple[int, int, tuple[int, ...]]:
        """What tells fleets of the same cost apart; the least is taken."""
        kinds = sum(1 for count in self.counts if count)
        return sum(self.counts), kinds, tuple(-count for count in self.counts)


class _Search:
    """Best fleet over the regions that may be used."""

    def __init__(self, problem: Problem, deadline: Deadline, solver: SolverName | None) -> None:
        self.problem, self.deadline, self.solver = problem, deadline, solver
        self.best_cost = math.inf
        self.proven = True
        self.bound = math.inf

    def best(self) -> _Fleet | None:
        """The cheapest, ties broken; None when no fleet serves everything."""
        if self.problem.unservable:
            return None
        kept = undominated_columns(self.problem)
        reduced = self.problem.restricted(kept)
        if reduced.max_regions < len(reduced.regions):
            regions = set(undominated_regions(reduced))
            kept = [j for j in kept if self.problem.columns[j].region in regions]
        candidates = [
            (columns, model) for columns, model in self._candidates(kept) if self._improves(model)
        ]
        if not candidates and not self.proven:
            raise OutsideError(
                "the time limit ended before any fleet was found",
                hint="give a longer --time-limit, or fewer offers (--region, --gpu)",
            )
        fleets = [
            self._finish(columns, model)
            for columns, model in candidates
            if _value(model) <= self.best_cost + SAME_COST
        ]
        return min(fleets, key=_Fleet.rank, default=None)

    def _candidates(self, kept: list[int]) -> Iterator[tuple[list[int], Model]]:
        """Programmes whose best answer is the answer, the most promising first.

        One region: each alone, as long as its lower bound can still win, which proves as much as
        one programme over all and is far faster. More: one programme with the choice of regions,
        after the best single region has shown what there is to beat.
        """
        problem = self.problem
        whole = problem.restricted(kept)
        if problem.max_regions >= len(whole.regions):
            yield kept, build(whole, budget=obvious_cost(whole))
            return
        by_bound = sorted(
            (lower_bound(whole, {region}), at, region) for at, region in enumerate(whole.regions)
        )
        for bound, _, region in by_bound:
            if bound > self.best_cost + SAME_COST:
                break
            if self.deadline.passed:  # neither this region nor any later one is looked at
                self.proven = False
                self.bound = min(self.bound, bound)
                break
            columns = [j for j in kept if problem.columns[j].region == region]
            alone = problem.restricted(columns)
            if not alone.unservable:
                yield columns, build(alone, budget=min(self.best_cost, obvious_cost(alone)))
        if problem.max_regions > 1:
            yield kept, build(whole, problem.max_regions, budget=self.best_cost)

    def _improves(self, model: Model) -> bool:
        """Solve for cost; whether it is as good as the best so far."""
        if self.best_cost < math.inf:
            model.lp += model.cost <= self.best_cost + SAME_COST, "cutoff"
        ended = run(model.lp, self.deadline, self.solver)
        if ended.status == "infeasible":
            return False
        self.proven &= ended.status == "optimal"
        self.bound = min(self.bound, ended.bound)
        if ended.status == "unknown":
            return False
        self.best_cost = min(self.best_cost, _value(model))
        return True

    def _finish(self, columns: list[int], model: Model) -> _Fleet:
        if model.problem.slices is None:
            break_ties(model, self.deadline, self.solver)
        counts = [0] * len(self.problem.columns)
        for j, count in zip(columns, rounded_counts(model), strict=True):
            counts[j] = count
        return _Fleet(
            self.problem,
            tuple(counts),
            fleet_cost(self.problem, counts),
            self.proven,
            self.bound,
            model if self.problem.slices is not None else None,
            self.deadline,
        )


def break_ties(model: Model, deadline: Deadline, solver: SolverName | None) -> None:
    """Among the cheapest: fewest instances, then fewest kinds, then the earliest columns.

    When the time limit ends a pass, the counts of the pass before stay.
    """
    columns = len(model.counts)
    if columns == 1:
        return  # its cost fixes its count
    model.lp += model.cost <= _value(model) + SAME_COST, "cheapest"
    few = pulp.lpSum(model.counts) * (columns + 1) + pulp.lpSum(model.used())
    early = pulp.lpSum(j * count for j, count in enumerate(model.counts))
    most = columns * sum(rounded_counts(model))  # early is less than this
    together = few * most + early
    for objective in [together] if most * most < EXACT_WEIGHT else [few, early]:
        before = [variable.varValue for variable in model.lp.variables()]
        model.lp.setObjective(objective)
        if run(model.lp, deadline, solver).status not in ("optimal", "feasible"):
            for variable, value in zip(model.lp.variables(), before, strict=True):
                variable.varValue = value
            return
        model.lp += objective <= round(pulp.value(objective)) + 0.5


def _value(model: Model) -> float:
    """Cost of the model's rounded counts."""
    return fleet_cost(model.problem, rounded_counts(model))


def rounded_counts(model: Model) -> list[int]:
    """Whole instances of a solved model, which come back as floats."""
    return [round(count.varValue or 0.0) for count in model.counts]


def fleet_cost(problem: Problem, counts: Sequence[int]) -> float:
    """USD/h of some counts."""
    return math.fsum(
        count * column.usd_per_hour
        for count, column in zip(counts, problem.columns, strict=True)
        if count
    )
