"""The cheapest cost alone, for many problems that share their rates and throughputs.

Whether capacities serve everything is a linear programme in the shares x. By its duality they do
when, for all weights w >= 0 of the configurations,

    sum_c w_c capacity_c  >=  sum_b min_c w_c r_b / T(c,b)

(Benders' cuts). So the programme over the counts y alone, with the few w that matter, has the
same cheapest cost as the whole one of docs/formulation.md. The w depend on rates and throughputs
only: found once, they hold for every price, offer and limit. Where a loss must be survived, the
same w hold for the capacity that is left.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

from melange_cloud.allocation.deadline import Deadline, GivenUp, run_highs
from melange_cloud.allocation.problem import SAME_COST, Problem
from melange_cloud.allocation.reduce import lower_bound, undominated_columns, undominated_regions
from melange_cloud.allocation.shares import capacities
from melange_cloud.allocation.solve import solve
from melange_cloud.allocation.solver import FEASIBILITY, WHOLE_FEASIBILITY, default_solver
from melange_cloud.errors import OutsideError

Cut = tuple[tuple[float, ...], float]
"""Weights of the configurations' replicas, and what they must sum to at least."""


class Coverage:
    """Which replicas serve all of some rates: the cuts found so far, and a search for the next."""

    def __init__(self, problem: Problem) -> None:
        self.cuts: list[Cut] = []
        self._loads = [
            {
                c: problem.load(c, b)
                for c in range(len(problem.throughputs))
                if problem.throughputs[c][b] > 0
            }
            for b in range(len(problem.rates))
        ]
        self._configurations = len(problem.throughputs)
        self._lp: Any = None

    def missing(self, replicas: Sequence[float], deadline: Deadline | None = None) -> Cut | None:
        """A cut that these numbers of replicas violate; None when they serve everything.

        Raises OutsideError when the deadline passes first.
        """
        if self._lp is None:
            self._lp = self._overload()
        for c, count in enumerate(replicas):
            self._lp.changeRowBounds(c, -math.inf, float(count))
        _optimise(self._lp, Deadline.of(deadline))
        duals = self._lp.getSolution().row_dual
        weights = tuple(max(0.0, -duals[c]) for c in range(self._configurations))
        needed = math.fsum(min(weights[c] * x for c, x in loads.items()) for loads in self._loads)
        if needed - sum(w * n for w, n in zip(weights, replicas, strict=True)) <= FEASIBILITY:
            return None
        self.cuts.append((weights, needed))
        return weights, needed

    def _overload(self) -> Any:
        """One row for each configuration: load - overload <= replicas. One for each bucket: its
        shares sum to 1. The duals of the least overload are the weights."""
        lp = _highs(FEASIBILITY)
        rows: list[dict[int, float]] = []
        for c in range(self._configurations):
            lp.addVar(0.0, math.inf)
            lp.changeColCost(c, 1.0)
            rows.append({c: -1.0})
        served = []
        for loads in self._loads:
            shares = {c: lp.getNumCol() + place for place, c in enumerate(loads)}
            lp.addVars(len(shares), [0.0] * len(shares), [math.inf] * len(shares))
            for c, share in shares.items():
                rows[c][share] = loads[c]
            served.append(dict.fromkeys(shares.values(), 1.0))
        for row in rows:
            _add_row(lp, -math.inf, row, 0.0)
        for row in served:
            _add_row(lp, 1.0, row, 1.0)
        return lp


def cheapest_cost(
    problem: Problem,
    coverage: Coverage | None = None,
    *,
    time_limit: float | Deadline | None = None,
) -> float | None:
    """USD/h of the cheapest fleet, as `solve` finds it; None when there is none.

    ``coverage`` is that of an earlier problem with the same rates and throughputs.
    Raises OutsideError when ``time_limit`` (seconds) ends before the proof.
    """
    if problem.unservable:
        return None
    deadline = Deadline.of(time_limit)
    if default_solver() != "highs":
        found = solve(problem, time_limit=deadline)
        return None if found is None else found.usd_per_hour
    coverage = coverage or Coverage(problem)
    best = math.inf
    for bound, part, max_regions in _parts(problem):
        if bound > best + SAME_COST:
            break
        if not part.unservable:
            best = min(best, _cheapest(part, coverage, max_regions, deadline))
    return None if best == math.inf else best


def _parts(problem: Problem) -> Iterator[tuple[float, Problem, int | None]]:
    """(lower bound, problem, regions to choose): each region alone where only one may be used."""
    reduced = problem.restricted(undominated_columns(problem))
    if problem.max_regions >= len(reduced.regions):
        yield 0.0, reduced, None
    elif problem.max_regions > 1:
        yield 0.0, reduced, problem.max_regions
    else:
        by_bound = sorted(
            (lower_bound(reduced, {region}), region) for region in undominated_regions(reduced)
        )
        for bound, region in by_bound:
            columns = [j for j, column in enumerate(reduced.columns) if column.region == region]
            yield bound, reduced.restricted(columns), None


def _cheapest(
    problem: Problem, coverage: Coverage, max_regions: int | None, deadline: Deadline
) -> float:
    """Cheapest counts under the cuts, and more cuts until they serve everything."""
    master = _Master(problem, max_regions)
    for cut in coverage.cuts:
        master.add(cut)
    seen: set[tuple[int, ...]] = set()
    while True:
        counts = master.cheapest(deadline)
        if counts is None:
            return math.inf
        found = [coverage.missing(left, deadline) for left in _left(problem, counts)]
        cuts = [cut for cut in found if cut is not None]
        if not cuts or counts in seen:  # seen: short by less than the solver can tell
            return math.fsum(
                count * column.usd_per_hour
                for count, column in zip(counts, problem.columns, strict=True)
            )
        seen.add(counts)
        for cut in cuts:
            master.add(cut)


def _left(problem: Problem, counts: Sequence[int]) -> list[list[int]]:
    """Replicas of each configuration; with ``survive``, after the largest loss in each."""
    running = capacities(problem, counts)
    whole = [running.get(c, 0) for c in range(len(problem.throughputs))]
    if not problem.survive:
        return [whole]
    losses = dict.fromkeys(problem.offered, 0)
    for column, count in zip(problem.columns, counts, strict=True):
        if count:
            c = column.configuration
            losses[c] = max(losses[c], column.replicas)
    return [
        [replicas - (loss if c == lost else 0) for c, replicas in enumerate(whole)]
        for lost, loss in losses.items()
    ]


class _Master:
    """The programme over the counts alone: cost, caps, regions, losses, and the cuts added."""

    def __init__(self, problem: Problem, max_regions: int | None) -> None:
        self._problem = problem
        self._milp = _highs(WHOLE_FEASIBILITY)
        for j, column in enumerate(problem.columns):
            self._whole(math.inf)
            self._milp.changeColCost(j, column.usd_per_hour)
        for cap in problem.caps:
            _add_row(self._milp, -math.inf, cap.weights, cap.limit)
        if max_regions is not None:
            self._limit_regions(max_regions)
        self._losses = self._add_losses() if problem.survive else {}

    def add(self, cut: Cut) -> None:
        """Ask that the replicas, or what any loss leaves of them, satisfy the cut."""
        weights, needed = cut
        row = {
            j: weights[column.configuration] * column.replicas
            for j, column in enumerate(self._problem.columns)
        }
        if not self._losses:
            _add_row(self._milp, needed, row, math.inf)
        for c, loss in self._losses.items():
            _add_row(self._milp, needed, row | {loss: -weights[c]}, math.inf)

    def cheapest(self, deadline: Deadline) -> tuple[int, ...] | None:
        """The cheapest counts; None when there are none."""
        if not _optimise(self._milp, deadline):
            return None
        values = self._milp.getSolution().col_value
        return tuple(round(values[j]) for j in range(len(self._problem.columns)))

    def _whole(self, upper: float) -> int:
        from highspy import HighsVarType

        index: int = self._milp.getNumCol()
        self._milp.addVar(0.0, upper)
        self._milp.changeColIntegrality(index, HighsVarType.kInteger)
        return index

    def _limit_regions(self, max_regions: int) -> None:
        chosen = {region: self._whole(1.0) for region in self._problem.regions}
        for j, column in enumerate(self._problem.columns):
            most = -float(self._problem.largest_counts[j])
            _add_row(self._milp, -math.inf, {j: 1.0, chosen[column.region]: most}, 0.0)
        _add_row(self._milp, -math.inf, dict.fromkeys(chosen.values(), 1.0), float(max_regions))

    def _add_losses(self) -> dict[int, int]:
        """Configuration -> variable of its largest loss: >= replicas where a column is used."""
        losses = {}
        for c in self._problem.offered:
            losses[c] = self._milp.getNumCol()
            self._milp.addVar(0.0, math.inf)
        for j, column in enumerate(self._problem.columns):
            used = self._whole(1.0)
            most = -float(self._problem.largest_counts[j])
            _add_row(self._milp, -math.inf, {j: 1.0, used: most}, 0.0)
            loss = {losses[column.configuration]: -1.0, used: float(column.replicas)}
            _add_row(self._milp, -math.inf, loss, 0.0)
        return losses


def _optimise(highs: Any, deadline: Deadline) -> bool:
    """Run HiGHS; whether its programme has a solution. Raises OutsideError when the deadline
    passes before the optimum is proven; the programme is of no use afterwards."""
    ended = ""
    if not deadline.passed:
        with contextlib.suppress(GivenUp):
            run_highs(highs, deadline)
            ended = highs.modelStatusToString(highs.getModelStatus())
    if ended not in ("Optimal", "Infeasible", "Primal infeasible or unbounded"):
        raise OutsideError(
            "the time limit ended before the cheapest cost was proven",
            hint="give a longer --time-limit, or fewer offers (--region, --gpu)",
        )
    return ended == "Optimal"


def _highs(tolerance: float) -> Any:
    import highspy

    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {
        "output_flag": False,
        "threads": 1,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 1e-9,
        "mip_feasibility_tolerance": tolerance,
        "primal_feasibility_tolerance": tolerance,
        "dual_feasibility_tolerance": FEASIBILITY,
        # it takes longer than all the rest of such small programmes
        "mip_heuristic_run_feasibility_jump": False,
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    return highs


def _add_row(highs: Any, low: float, row: Any, high: float) -> None:
    highs.addRow(low, high, len(row), list(row), list(row.values()))
