"""Single-type fleets: what a mix is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.solve import Solution, solve
from melange_cloud.allocation.solver import SolverName
from melange_cloud.errors import OutsideError


def single_type(problem: Problem, gpu: str) -> Problem:
    """The same problem with only one GPU type to buy."""
    return problem.restricted([j for j, column in enumerate(problem.columns) if column.gpu == gpu])


@dataclass(frozen=True)
class Alone:
    """A GPU type alone."""

    problem: Problem
    fleet: Solution | None
    """The cheapest, None when none can serve everything."""


def baselines(
    problem: Problem,
    *,
    time_limit: float | Deadline | None = None,
    solver: SolverName | None = None,
) -> dict[str, Alone | None]:
    """For each GPU type on offer, its cheapest fleet; None where the time limit ended before."""
    deadline = Deadline.of(time_limit)
    found: dict[str, Alone | None] = {}
    for gpu in sorted({column.gpu for column in problem.columns}):
        alone = single_type(problem, gpu)
        try:
            found[gpu] = Alone(alone, solve(alone, time_limit=deadline, solver=solver))
        except OutsideError:
            found[gpu] = None
    return found
