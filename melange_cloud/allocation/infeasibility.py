"""Why no fleet serves everything: an elastic copy of the programme."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pulp

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import build
from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.reduce import undominated_columns
from melange_cloud.allocation.solver import run


@dataclass(frozen=True)
class Obstacles:
    """Why a problem has no fleet. ``caps`` and ``regions`` each name a change that by itself makes
    the problem feasible; of the ``buckets``, all must be made servable."""

    buckets: tuple[int, ...] = ()
    """Buckets that no offered configuration serves."""
    caps: tuple[tuple[int, float], ...] = ()
    """(index of the cap, the limit it would need); all of them must be raised together."""
    regions: int | None = None
    """The least ``max_regions`` that is enough."""
    cut_short: bool = False
    """Whether the time limit ended before all obstacles were looked for."""


def explain(problem: Problem, time_limit: float | Deadline | None = 30.0) -> Obstacles:
    """The obstacles of a problem that has no fleet."""
    if problem.unservable:
        return Obstacles(buckets=problem.unservable)
    deadline = Deadline.of(time_limit)
    caps, regions = _caps_to_raise(problem, deadline), _regions_needed(problem, deadline)
    return Obstacles(caps=caps, regions=regions, cut_short=deadline.passed)


def _caps_to_raise(problem: Problem, deadline: Deadline) -> tuple[tuple[int, float], ...]:
    """The least relative rise of the caps that allows a fleet; empty when no rise does."""
    if not problem.caps:
        return ()
    # A cap of 0 leaves a column's useful counts as they are, so these bounds hold here as well
    model = build(replace(problem, caps=(), slices=None), problem.max_regions)
    over = [
        model.lp.add_variable(f"over_{index}", lowBound=0) for index in range(len(problem.caps))
    ]
    for cap, rise in zip(problem.caps, over, strict=True):
        weighted = pulp.LpAffineExpression({model.counts[j]: w for j, w in cap.weights.items()})
        model.lp += weighted <= cap.limit + rise
    scale = [1 / max(1.0, cap.limit) for cap in problem.caps]
    model.lp.setObjective(pulp.lpSum(s * rise for s, rise in zip(scale, over, strict=True)))
    if run(model.lp, deadline).status not in ("optimal", "feasible"):
        return ()
    return tuple(
        (index, math.ceil(cap.limit + rise.varValue - 1e-6))
        for index, (cap, rise) in enumerate(zip(problem.caps, over, strict=True))
        if (rise.varValue or 0.0) > 1e-6
    )


def _regions_needed(problem: Problem, deadline: Deadline) -> int | None:
    """The least number of regions that can serve everything together; None when none can."""
    if problem.max_regions >= len(problem.regions):
        return None
    for allowed in range(problem.max_regions + 1, len(problem.regions) + 1):
        wider = replace(problem, max_regions=allowed, slices=None)
        reduced = wider.restricted(undominated_columns(wider))
        if run(build(reduced, allowed).lp, deadline).status in ("optimal", "feasible"):
            return allowed
        if deadline.passed:
            return None
    return None
