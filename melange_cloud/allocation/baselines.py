"""Single-type fleets: what a mix is compared with."""

from __future__ import annotations

from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.solve import Solution, solve
from melange_cloud.allocation.solver import SolverName


def single_type(problem: Problem, gpu: str) -> Problem:
    """The same problem with only one GPU type to buy."""
    return problem.restricted([j for j, column in enumerate(problem.columns) if column.gpu == gpu])


def baselines(
    problem: Problem, *, time_limit: float | None = None, solver: SolverName | None = None
) -> dict[str, tuple[Problem, Solution | None]]:
    """For each GPU type on offer, the problem with it alone and its cheapest fleet, if any."""
    found = {}
    for gpu in sorted({column.gpu for column in problem.columns}):
        alone = single_type(problem, gpu)
        found[gpu] = alone, solve(alone, time_limit=time_limit, solver=solver)
    return found
