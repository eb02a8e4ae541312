"""Checks of a fleet that use nothing of the package but the numbers of a problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.solve import Solution

TOLERANCE = 1e-6


def assert_sound(problem: Problem, solution: Solution) -> None:
    """What must hold of every answer, recomputed from its counts and shares."""
    cost = sum(
        n * column.usd_per_hour for n, column in zip(solution.counts, problem.columns, strict=True)
    )
    assert abs(solution.usd_per_hour - cost) <= 1e-9 * max(1.0, cost)
    assert 0 <= solution.lower_bound <= solution.usd_per_hour
    assert all(isinstance(n, int) and n >= 0 for n in solution.counts)
    assert len(solution.shares) == len(problem.rates)
    for shares in solution.shares:
        assert abs(sum(shares.values()) - 1) <= 1e-9
        assert all(share > 0 for share in shares.values())
    assert most_used(problem, solution.counts, solution.shares) <= 1 + TOLERANCE
    assert within_limits(problem, solution.counts)


def most_used(problem: Problem, counts: Sequence[int], shares: Sequence[dict[int, float]]) -> float:
    """The highest utilisation that the shares give; inf where nothing runs or can serve."""
    load: dict[int, float] = {}
    for b, by_configuration in enumerate(shares):
        for c, share in by_configuration.items():
            throughput = problem.throughputs[c][b]
            load[c] = load.get(c, 0.0) + (
                problem.rates[b] * share / throughput if throughput > 0 else np.inf
            )
    running = replicas(problem, counts)
    return max((x / running[c] if running[c] else np.inf for c, x in load.items()), default=0.0)


def replicas(problem: Problem, counts: Sequence[int]) -> list[int]:
    """Replicas of each configuration."""
    running = [0] * len(problem.throughputs)
    for n, column in zip(counts, problem.columns, strict=True):
        running[column.configuration] += n * column.replicas
    return running


def least_utilization(problem: Problem, running: Sequence[int]) -> float:
    """The least highest utilisation that any shares over these replicas can give, by scipy."""
    pairs = [
        (b, c)
        for b in range(len(problem.rates))
        for c, n in enumerate(running)
        if n and problem.throughputs[c][b] > 0
    ]
    if {b for b, _ in pairs} != set(range(len(problem.rates))):
        return float("inf")
    loads = np.zeros((len(running), len(pairs) + 1))
    served = np.zeros((len(problem.rates), len(pairs) + 1))
    loads[:, -1] = -1.0
    for at, (b, c) in enumerate(pairs):
        loads[c, at] = problem.rates[b] / problem.throughputs[c][b] / running[c]
        served[b, at] = 1.0
    least = linprog(
        np.eye(len(pairs) + 1)[-1],
        A_ub=loads,
        b_ub=np.zeros(len(running)),
        A_eq=served,
        b_eq=np.ones(len(problem.rates)),
        method="highs",
    )
    assert least.status == 0, least.message
    return float(least.fun)


def serves(problem: Problem, counts: Sequence[int]) -> bool:
    """Whether some shares serve everything with these counts, after any loss asked to survive."""
    fleets = [replicas(problem, counts)]
    if problem.survive:
        fleets += [
            replicas(problem, [n - (j == lost) for j, n in enumerate(counts)])
            for lost in range(len(counts))
            if counts[lost]
        ]
    return all(least_utilization(problem, running) <= 1 + TOLERANCE for running in fleets)


def within_limits(problem: Problem, counts: Sequence[int]) -> bool:
    """Whether the counts keep to the caps and to the number of regions."""
    regions = {column.region for n, column in zip(counts, problem.columns, strict=True) if n}
    return len(regions) <= problem.max_regions and all(
        sum(w * counts[j] for j, w in cap.weights.items()) <= cap.limit + 1e-9
        for cap in problem.caps
    )
