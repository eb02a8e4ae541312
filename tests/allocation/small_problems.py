"""Small problems for property tests, and every fleet of one by enumeration."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pulp
from hypothesis import strategies as st

from melange_cloud.allocation.model import build
from melange_cloud.allocation.problem import Cap, Column, Problem

rate = st.sampled_from([0.5, 1.0, 2.0, 3.3])
throughput = st.sampled_from([0.0, 0.7, 1.0, 2.0, 5.1])
price = st.sampled_from([1.0, 1.1, 2.5, 4.0, 7.9])


@st.composite
def problems(draw: st.DrawFn, *, caps: bool = True, columns: int = 4) -> Problem:
    """Up to 3 buckets, 3 configurations and ``columns`` columns in 2 regions; may be infeasible."""
    buckets = draw(st.integers(1, 3))
    configurations = draw(st.integers(1, 3))
    offers = [
        Column(
            f"o{j}",
            draw(st.integers(0, configurations - 1)),
            draw(st.sampled_from([1, 1, 2, 4])),
            draw(price),
            draw(st.sampled_from(["east", "west"])),
        )
        for j in range(draw(st.integers(1, columns)))
    ]
    limits = []
    if caps and draw(st.booleans()):
        weights = {j: 1.0 for j in range(len(offers)) if draw(st.booleans())}
        limits = [Cap("cap", float(draw(st.integers(0, 4))), weights)] if weights else []
    return Problem(
        tuple(draw(rate) for _ in range(buckets)),
        tuple(tuple(draw(throughput) for _ in range(buckets)) for _ in range(configurations)),
        tuple(offers),
        tuple(limits),
        max_regions=draw(st.sampled_from([1, 2])),
        survive=draw(st.sampled_from([0, 0, 1])),
    )


def fleets(problem: Problem, most: int) -> Iterator[tuple[float, tuple[int, ...]]]:
    """(cost, counts) of every fleet that serves all, with at most ``most`` of each column."""
    for counts in product(range(most + 1), repeat=len(problem.columns)):
        regions = {c.region for c, n in zip(problem.columns, counts, strict=True) if n}
        if len(regions) <= problem.max_regions and serves(problem, counts):
            yield (
                sum(n * c.usd_per_hour for c, n in zip(problem.columns, counts, strict=True)),
                counts,
            )


def serves(problem: Problem, counts: tuple[int, ...]) -> bool:
    """Whether shares exist for these counts: the programme with the counts fixed."""
    if problem.unservable:
        return False
    model = build(problem)
    for variable, count in zip(model.counts, counts, strict=True):
        variable.lowBound = variable.upBound = count
    model.lp.solve(pulp.HiGHS(msg=False))
    return bool(model.lp.status == pulp.LpStatusOptimal)
