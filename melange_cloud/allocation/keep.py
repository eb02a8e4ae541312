"""Staying close to what runs: the fewest instance changes within a tolerance of the cheapest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pulp

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import Model, build
from melange_cloud.allocation.problem import SAME_COST, Problem
from melange_cloud.allocation.reduce import lower_bound, undominated_columns
from melange_cloud.allocation.shares import Levelled, level_shares
from melange_cloud.allocation.solve import (
    OVERLOAD,
    TIGHTEN,
    Solution,
    break_ties,
    fleet_cost,
    rounded_counts,
    solve,
)
from melange_cloud.allocation.solver import SolverName, run

ROUNDING = 1e-9
"""USD/h by which a sum of prices may differ from the same sum in another order."""


@dataclass(frozen=True)
class Kept:
    """A fleet close to the one that runs."""

    solution: Solution
    """``lower_bound`` is that of the cheapest fleet."""
    cheapest_usd_per_hour: float
    changes: int
    """Instances of the columns to start or to stop: the sum of abs(count - running)."""


def keep(
    problem: Problem,
    running: Sequence[int],
    tolerance: float,
    *,
    time_limit: float | Deadline | None = None,
    solver: SolverName | None = None,
) -> Kept | None:
    """The fleet with the fewest changes against ``running`` (instances of each column) among
    those that cost at most (1 + ``tolerance``) times the cheapest; None when there is none.

    Of fleets with as few changes the cheapest is taken, then ties are broken as in `solve`. What
    runs stays as it is whenever it still serves everything within the tolerance.
    """
    deadline = Deadline.of(time_limit)
    cheapest = solve(problem, time_limit=deadline, solver=solver)
    if cheapest is None:
        return None
    limit = (1 + tolerance) * cheapest.usd_per_hour + ROUNDING
    search = _Search(replace(problem, running=tuple(running)), limit, deadline, solver)
    counts, shares = search.closest(cheapest)
    if max(shares.utilization.values(), default=0.0) > 1 + OVERLOAD:
        # as in `solve`: ask again with so much more load that nothing is overloaded
        rates = tuple(rate * (1 + TIGHTEN) for rate in problem.rates)
        search.problem = replace(search.problem, rates=rates)
        counts, _ = search.closest(cheapest)
        shares = level_shares(problem, counts, deadline)
    solution = Solution(
        cheapest.status if search.proven else "feasible",
        counts,
        shares.by_bucket,
        shares.utilization,
        fleet_cost(problem, counts),
        cheapest.lower_bound,
        cheapest.seconds + search.seconds,
    )
    return Kept(solution, cheapest.usd_per_hour, _changes(counts, running))


@dataclass
class _Candidate:
    columns: list[int]
    model: Model
    changes: pulp.LpAffineExpression
    least: int


class _Search:
    """The fewest changes over the regions that may be used."""

    def __init__(
        self, problem: Problem, limit: float, deadline: Deadline, solver: SolverName | None
    ) -> None:
        self.problem, self.limit = problem, limit
        self.deadline, self.solver = deadline, solver
        self.proven = True
        self.seconds = 0.0

    def closest(self, cheapest: Solution) -> tuple[tuple[int, ...], Levelled]:
        """Counts of the whole problem; those of the cheapest fleet when a time limit ends the
        search."""
        running = self.problem.running
        if fleet_cost(self.problem, running) <= self.limit and self._serves(running):
            return running, level_shares(self.problem, running, self.deadline)
        best = _changes(cheapest.counts, running)
        candidates: list[_Candidate] = []
        for candidate in self._candidates():
            if self.deadline.passed:
                self.proven = False
                break
            if candidate.least <= best and self._fewest(candidate, best):
                best = candidate.least
                candidates.append(candidate)
        fleets = [
            self._finish(candidate) for candidate in candidates if candidate.least == best
        ] or [cheapest.counts]
        counts = min(fleets, key=self._rank)
        return counts, level_shares(self.problem, counts, self.deadline)

    def _serves(self, counts: Sequence[int]) -> bool:
        """Whether these counts keep to every limit and serve everything."""
        problem = self.problem
        regions = {c.region for c, n in zip(problem.columns, counts, strict=True) if n}
        if problem.unservable or len(regions) > problem.max_regions:
            return False
        model = build(problem)
        for variable, count in zip(model.counts, counts, strict=True):
            variable.lowBound = variable.upBound = count
        return run(model.lp, self.deadline, self.solver).status == "optimal"

    def _candidates(self) -> Iterator[_Candidate]:
        """Programmes with the number of changes as objective.

        Where only one region may be used, there is one programme for each region. Regions with
        running instances come first, since any other would replace every instance.
        """
        problem = self.problem
        kept = undominated_columns(problem)
        whole = problem.restricted(kept)
        if problem.max_regions > 1 or len(whole.regions) == 1:
            yield self._candidate(kept, problem.max_regions)
            return
        runs = {c.region for c, n in zip(problem.columns, problem.running, strict=True) if n}
        for region in sorted(whole.regions, key=lambda name: name not in runs):
            if lower_bound(whole, {region}) <= self.limit:
                columns = [j for j in kept if problem.columns[j].region == region]
                if not problem.restricted(columns).unservable:
                    yield self._candidate(columns, 1)

    def _candidate(self, columns: list[int], max_regions: int) -> _Candidate:
        model = build(self.problem.restricted(columns), max_regions)
        running = [self.problem.running[j] for j in columns]
        stopped = sum(self.problem.running) - sum(running)
        changes = pulp.LpAffineExpression(constant=stopped)
        for j, (count, runs) in enumerate(zip(model.counts, running, strict=True)):
            if not runs:
                changes += count
                continue
            change = model.lp.add_variable(f"change_{j}", lowBound=0)
            model.lp += change >= count - runs
            model.lp += change >= runs - count
            changes += change
        model.lp += model.cost <= self.limit, "tolerance"
        model.lp.setObjective(changes)
        # instances elsewhere must all be stopped, and at least one be started instead
        return _Candidate(columns, model, changes, stopped + (not any(running)))

    def _fewest(self, candidate: _Candidate, best: int) -> bool:
        """Solve for changes; whether they are as few as the fewest so far."""
        lp = candidate.model.lp
        lp += candidate.changes <= best + 0.5, "cutoff"
        ended = run(lp, self.deadline, self.solver)
        if ended.status == "infeasible":
            return False
        self.proven &= ended.status == "optimal"
        if ended.status == "unknown":
            return False
        counts = rounded_counts(candidate.model)
        candidate.least = _changes(self._of_all(candidate, counts), self.problem.running)
        return candidate.least <= best

    def _finish(self, candidate: _Candidate) -> tuple[int, ...]:
        """The cheapest fleet with that few changes; ties are broken as in `solve`."""
        model = candidate.model
        fewest = rounded_counts(model)
        model.lp += candidate.changes <= candidate.least + 0.5, "fewest"
        model.lp.setObjective(model.cost)
        ended = run(model.lp, self.deadline, self.solver)
        self.proven &= ended.status == "optimal"
        if ended.status not in ("optimal", "feasible"):
            return self._of_all(candidate, fewest)
        break_ties(model, self.deadline, self.solver)
        return self._of_all(candidate, rounded_counts(model))

    def _of_all(self, candidate: _Candidate, counts: Sequence[int]) -> tuple[int, ...]:
        whole = [0] * len(self.problem.columns)
        for j, count in zip(candidate.columns, counts, strict=True):
            whole[j] = count
        return tuple(whole)

    def _rank(self, counts: tuple[int, ...]) -> tuple[float, int, tuple[int, ...]]:
        cents = round(fleet_cost(self.problem, counts) / SAME_COST)
        return cents, sum(counts), tuple(-count for count in counts)


def _changes(counts: Sequence[int], running: Sequence[int]) -> int:
    return sum(abs(count - runs) for count, runs in zip(counts, running, strict=True))
