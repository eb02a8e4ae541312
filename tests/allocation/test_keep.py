"""Staying close to the fleet that runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_problems import fleets, problems

from melange_cloud.allocation.keep import keep
from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.allocation.solve import solve

MIX = Problem(
    rates=(3.0, 1.2, 0.4),
    throughputs=((0.37, 0.21, 0.0), (2.0, 1.4, 0.5), (3.1, 2.9, 1.1)),
    columns=(
        Column("a10g", 0, 1, 1.01, "east"),
        Column("a10g-4", 0, 4, 5.67, "east"),
        Column("a100", 1, 1, 3.67, "east"),
        Column("a100-8", 1, 8, 27.45, "east"),
        Column("h100", 2, 1, 6.88, "east"),
        Column("a10g-west", 0, 1, 1.05, "west"),
        Column("a100-west", 1, 1, 3.5, "west"),
    ),
)


def repriced(problem: Problem, seed: int, most: float) -> Problem:
    """Each price moved by up to ``most`` up or down."""
    random = Random(seed)
    moved = [
        replace(column, usd_per_hour=column.usd_per_hour * (1 + random.uniform(-most, most)))
        for column in problem.columns
    ]
    return replace(problem, columns=tuple(moved))


def changes(counts: tuple[int, ...], running: tuple[int, ...]) -> int:
    return sum(abs(a - b) for a, b in zip(counts, running, strict=True))


@pytest.mark.parametrize("seed", range(200))
def test_small_price_changes_never_replace_machines(seed: int) -> None:
    running = solve(MIX)
    assert running is not None
    problem = repriced(MIX, seed, 0.01)
    kept = keep(problem, running.counts, 0.02)
    cheapest = solve(problem)
    assert kept is not None
    assert cheapest is not None
    cost = sum(
        count * column.usd_per_hour
        for count, column in zip(running.counts, problem.columns, strict=True)
    )
    assert kept.cheapest_usd_per_hour == cheapest.usd_per_hour
    assert kept.solution.usd_per_hour <= 1.02 * cheapest.usd_per_hour + 1e-9
    if cost <= 1.02 * cheapest.usd_per_hour:
        assert kept.solution.counts == running.counts
        assert kept.changes == 0


def test_those_price_changes_would_replace_machines_without_keep() -> None:
    """The test above says something: the cheapest fleet is another for many of its prices."""
    found = {solve(repriced(MIX, seed, 0.01)).counts for seed in range(40)}  # type: ignore[union-attr]
    assert len(found) > 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    problems(columns=3),
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
    st.sampled_from([0.0, 0.02, 0.3, 1.0]),
)
def test_no_other_fleet_within_the_tolerance_is_closer(
    problem: Problem, runs: list[int], tolerance: float
) -> None:
    running = tuple(runs[: len(problem.columns)])
    kept = keep(problem, running, tolerance)
    every = list(fleets(problem, 7))
    if kept is None:
        assert not every
        return
    solution = kept.solution
    limit = (1 + tolerance) * kept.cheapest_usd_per_hour + 1e-6
    assert solution.usd_per_hour <= limit
    assert kept.changes == changes(solution.counts, running)
    within = [(changes(counts, running), cost) for cost, counts in every if cost <= limit]
    if within:
        fewest, cost = min(within)
        assert kept.changes <= fewest
        if kept.changes == fewest:
            assert solution.usd_per_hour <= cost + 1e-6
    assert all(use <= 1 + 1e-6 for use in solution.utilization.values())


def test_more_tolerance_never_changes_more() -> None:
    running = (4, 1, 0, 0, 1, 2, 0)
    found = [keep(MIX, running, tolerance) for tolerance in (0.0, 0.02, 0.1, 0.3, 1.0, 4.0)]
    assert all(a.changes >= b.changes for a, b in pairwise(found))  # type: ignore[union-attr]
    assert found[-1].solution.counts != found[0].solution.counts  # type: ignore[union-attr]


def test_a_larger_instance_that_runs_is_not_split_into_smaller_ones() -> None:
    """Four of one GPU for one of four is cheaper by a cent, and five changes."""
    problem = Problem((4.0,), ((1.0,),), (Column("one", 0, 1, 1.0), Column("four", 0, 4, 4.01)))
    cheapest = solve(problem)
    kept = keep(problem, (0, 1), 0.02)
    assert cheapest is not None
    assert kept is not None
    assert cheapest.counts == (4, 0)
    assert kept.solution.counts == (0, 1)


def test_a_dominated_instance_that_runs_stays() -> None:
    problem = Problem((4.0,), ((1.0,),), (Column("x", 0, 1, 1.0), Column("y", 0, 1, 1.01)))
    kept = keep(problem, (0, 4), 0.02)
    assert kept is not None
    assert kept.solution.counts == (0, 4)
    grown = keep(replace(problem, rates=(5.0,)), (0, 4), 0.02)
    assert grown is not None
    assert grown.solution.counts == (1, 4), "one more, of the cheaper kind"
    assert grown.changes == 1


def test_a_running_region_is_left_only_when_it_must_be() -> None:
    problem = Problem(
        (2.0,),
        ((1.0,),),
        (Column("e", 0, 1, 1.05, "east"), Column("w", 0, 1, 1.0, "west")),
    )
    stays, leaves = keep(problem, (2, 0), 0.06), keep(problem, (2, 0), 0.04)
    assert stays is not None
    assert stays.solution.counts == (2, 0)
    assert leaves is not None
    assert leaves.solution.counts == (0, 2)
    assert leaves.changes == 4


def test_caps_hold_also_for_what_runs() -> None:
    problem = Problem(
        (2.0,),
        ((1.0,),),
        (Column("x", 0, 1, 1.0), Column("y", 0, 1, 1.0)),
        (Cap("x", 1.0, {0: 1.0}),),
    )
    kept = keep(problem, (2, 0), 0.5)
    assert kept is not None
    assert kept.solution.counts == (1, 1)
