"""Running a PuLP model: HiGHS, with CBC where highspy is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pulp

from melange_cloud.allocation.deadline import Deadline, GivenUp, run_highs

SolverName = Literal["highs", "cbc"]

FEASIBILITY = 1e-9
"""Asked of the rows of linear programmes: the shares are judged by it."""
WHOLE_FEASIBILITY = 1e-7
"""Asked of programmes with whole counts. HiGHS's default of 1e-6 lets a replica be overloaded by
as much; at 1e-9, HiGHS 1.15 has called a fleet optimal that was not (a test holds the case)."""
SECOND_TRY = 1e-6
"""Asked when HiGHS gave up: with a million replicas, less is beyond double precision."""


@dataclass(frozen=True)
class Run:
    """How a solve ended. ``bound`` is a proven lower bound of the objective."""

    status: Literal["optimal", "feasible", "infeasible", "unknown"]
    objective: float
    bound: float


UNKNOWN = Run("unknown", float("inf"), 0.0)
"""Nothing was found, and nothing proven: costs are never negative."""


def run(lp: pulp.LpProblem, deadline: Deadline, name: SolverName | None = None) -> Run:
    """Solve to a gap of 0 and say what was proven: nothing once the deadline has passed.

    One thread, so that the same model gives the same answer.
    """
    if deadline.passed:
        return UNKNOWN
    if (name or default_solver()) == "highs":
        return _run_highs(lp, deadline)
    return _run_cbc(lp, deadline)


def default_solver() -> SolverName:
    """HiGHS where highspy can be imported, CBC (which PuLP brings) otherwise."""
    return "highs" if pulp.HiGHS().available() else "cbc"


class _Highs(pulp.HiGHS):  # type: ignore[misc]
    """PuLP's HiGHS, run so that the deadline and signals are kept."""

    def __init__(self, deadline: Deadline, **options: Any) -> None:
        super().__init__(msg=False, threads=1, gapRel=0, gapAbs=1e-9, **options)
        self.deadline = deadline

    def callSolver(self, lp: pulp.LpProblem) -> None:
        run_highs(lp.solverModel, self.deadline)


def _run_highs(lp: pulp.LpProblem, deadline: Deadline) -> Run:
    import highspy

    statuses = highspy.HighsModelStatus
    for tolerance in (WHOLE_FEASIBILITY if lp.isMIP() else FEASIBILITY, SECOND_TRY):
        solver = _Highs(
            deadline,
            mip_feasibility_tolerance=tolerance,
            primal_feasibility_tolerance=tolerance,
            # a heuristic that takes longer than all the rest of programmes as small as ours
            mip_heuristic_run_feasibility_jump=False,
        )
        try:
            lp.solve(solver)
        except GivenUp:
            return UNKNOWN
        highs: Any = lp.solverModel
        info, ended = highs.getInfo(), highs.getModelStatus()
        if ended not in (statuses.kSolveError, statuses.kUnknown):
            break
    if ended in (statuses.kInfeasible, statuses.kUnboundedOrInfeasible):
        return Run("infeasible", float("inf"), float("inf"))
    bound = info.mip_dual_bound if lp.isMIP() else info.objective_function_value
    if ended == statuses.kOptimal:
        return Run("optimal", info.objective_function_value, bound)
    if info.primal_solution_status == highspy.kSolutionStatusFeasible:
        return Run("feasible", info.objective_function_value, bound)
    return Run("unknown", float("inf"), bound)


def _run_cbc(lp: pulp.LpProblem, deadline: Deadline) -> Run:
    # With its preprocessing, CBC 2.10 has called a dearer fleet optimal; without it, it crashes
    # when tightening the bounds already shows that nothing is feasible. Tests hold both cases.
    for options in (["preprocess off"], []):
        solver = pulp.PULP_CBC_CMD(
            msg=False,
            threads=1,
            gapRel=0,
            gapAbs=1e-9,
            timeLimit=deadline.left,
            options=options,
        )
        try:
            lp.solve(solver)
            break
        except pulp.PulpSolverError:
            if not options:
                raise
    if lp.status == pulp.LpStatusInfeasible:
        return Run("infeasible", float("inf"), float("inf"))
    if lp.sol_status == pulp.LpSolutionOptimal:
        value = float(pulp.value(lp.objective))
        return Run("optimal", value, value)
    if lp.sol_status == pulp.LpSolutionIntegerFeasible:
        # CBC does not hand its bound to PuLP; costs are never negative
        return Run("feasible", float(pulp.value(lp.objective)), 0.0)
    return Run("unknown", float("inf"), 0.0)
