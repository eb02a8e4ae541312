"""Leaving out columns and regions never changes the answer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from independent import serves, within_limits
from small_problems import problems

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import build
from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.allocation.reduce import (
    lower_bound,
    obvious_cost,
    undominated_columns,
    undominated_regions,
)
from melange_cloud.allocation.solve import solve
from melange_cloud.allocation.solver import run

few = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def unreduced_cost(problem: Problem) -> float:
    """USD/h of the whole programme with its choice of regions, nothing left out."""
    if problem.unservable:
        return float("inf")
    return run(build(problem, problem.max_regions).lp, Deadline(None)).objective


@few
@given(problems(columns=7))
def test_the_cost_is_that_of_the_whole_programme(problem: Problem) -> None:
    solution = solve(problem)
    found = float("inf") if solution is None else solution.usd_per_hour
    assert found == pytest.approx(unreduced_cost(problem), abs=1e-6)


@settings(few, max_examples=40)
@given(problems(columns=3))
def test_nothing_is_cheaper_by_enumeration(problem: Problem) -> None:
    solution = solve(problem)
    # where there is none, no fleet up to some cost may serve
    found = 20.0 if solution is None else solution.usd_per_hour
    most = [int(found / column.usd_per_hour) for column in problem.columns]
    assume(math.prod(m + 1 for m in most) <= 3000)
    for counts in _all_counts(most):
        spent = sum(n * c.usd_per_hour for n, c in zip(counts, problem.columns, strict=True))
        if spent < found - 1e-6 and within_limits(problem, counts):
            assert not serves(problem, counts), (counts, spent, solution)


@few
@given(problems())
def test_bounds_enclose_the_cost(problem: Problem) -> None:
    solution = solve(problem)
    assume(solution is not None)
    assert solution is not None
    assert lower_bound(problem) <= solution.usd_per_hour + 1e-9
    assert obvious_cost(problem) >= solution.usd_per_hour - 1e-9


def test_a_budget_does_not_change_the_cost() -> None:
    # a bucket that would take ten million replicas of the second configuration
    problem = Problem(
        (1.0, 1000.0), ((1.0, 0.9), (50.0, 1e-4)), (Column("a", 0, 8, 8.0), Column("b", 1, 1, 0.02))
    )
    plain = run(build(problem).lp, Deadline(None)).objective
    scaled = run(build(problem, budget=obvious_cost(problem)).lp, Deadline(None)).objective
    assert scaled == pytest.approx(plain)


def offers(*columns: tuple[int, float], region: str = "") -> tuple[Column, ...]:
    """Columns of one configuration: (replicas, USD/h)."""
    return tuple(
        Column(f"{region}{j}", 0, k, price, region) for j, (k, price) in enumerate(columns)
    )


def problem_with(*columns: Column, caps: tuple[Cap, ...] = (), survive: int = 0) -> Problem:
    return Problem((4.0,), ((1.0,),), columns, caps, survive=survive)


def test_a_dearer_offer_of_the_same_is_left_out() -> None:
    assert undominated_columns(problem_with(*offers((1, 1.1), (1, 1.0), (1, 1.0)))) == [1]


def test_a_large_instance_dearer_than_its_parts_is_left_out() -> None:
    assert undominated_columns(problem_with(*offers((8, 8.1), (1, 1.0)))) == [1]
    assert undominated_columns(problem_with(*offers((8, 8.0), (1, 1.0)))) == [0, 1]  # fewer
    assert undominated_columns(problem_with(*offers((8, 8.1), (3, 3.0)))) == [0, 1]  # 3 x 3 > 8


def test_with_a_loss_to_survive_a_larger_instance_stands_in_for_nothing() -> None:
    columns = offers((1, 1.0), (2, 0.9))
    assert undominated_columns(problem_with(*columns)) == [1]
    assert undominated_columns(problem_with(*columns, survive=1)) == [0, 1]


def test_a_cap_on_the_cheaper_offer_keeps_the_other() -> None:
    columns = offers((1, 1.0), (1, 1.1))
    assert undominated_columns(problem_with(*columns, caps=(Cap("cap", 2, {0: 1.0}),))) == [0, 1]
    both = Cap("cap", 2, {0: 1.0, 1: 1.0})
    assert undominated_columns(problem_with(*columns, caps=(both,))) == [0]


def test_a_region_dearer_throughout_is_left_out() -> None:
    east = offers((1, 1.1), (8, 7.0), region="east")
    cheaper = offers((1, 1.0), (8, 6.9), region="west")
    assert undominated_regions(problem_with(*east, *cheaper)) == ["west"]
    mixed = offers((1, 1.0), (8, 7.1), region="west")
    assert undominated_regions(problem_with(*east, *mixed)) == ["east", "west"]


def test_of_equal_regions_the_first_stays() -> None:
    columns = (*offers((1, 1.0), region="east"), *offers((1, 1.0), region="west"))
    assert undominated_regions(problem_with(*columns)) == ["east"]


@few
@given(problems(columns=7), st.booleans())
def test_one_of_the_columns_and_regions_always_stays(problem: Problem, anywhere: bool) -> None:
    if anywhere:
        problem = replace(problem, max_regions=9)
    kept = undominated_columns(problem)
    assert kept == sorted(set(kept))
    configurations = {problem.columns[j].configuration for j in kept}
    assert configurations == set(problem.offered)
    assert set(undominated_regions(problem)) <= set(problem.regions)
    assert undominated_regions(problem)


def _all_counts(most: list[int]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for largest in most:
        found = [(*counts, n) for counts in found for n in range(largest + 1)]
    return found
