"""The cheapest cost alone, and what can be served where not everything can."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from small_problems import problems

from melange_cloud.allocation.cheapest import Coverage, cheapest_cost
from melange_cloud.allocation.elastic import least_unserved
from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.allocation.solve import solve

RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(problems(columns=8))
def test_it_is_the_cost_that_the_whole_programme_finds(problem: Problem) -> None:
    found = solve(problem)
    cost = cheapest_cost(problem)
    assert cost == (None if found is None else pytest.approx(found.usd_per_hour, abs=1e-6))


@RELAXED
@given(problems(columns=8), problems(columns=8))
def test_cuts_of_other_prices_and_offers_change_nothing(one: Problem, other: Problem) -> None:
    columns = tuple(
        replace(column, configuration=column.configuration % len(one.throughputs))
        for column in other.columns
    )
    moved = replace(one, columns=columns, caps=other.caps, survive=other.survive)
    shared = Coverage(one)
    first, second = cheapest_cost(one, shared), cheapest_cost(moved, shared)
    assert first == pytest.approx(cheapest_cost(one), abs=1e-6)
    assert second == pytest.approx(cheapest_cost(moved), abs=1e-6)
    assert cheapest_cost(one, shared) == pytest.approx(first, abs=1e-6)


@RELAXED
@given(problems(columns=5))
def test_what_can_be_served_leaves_nothing_unserved(problem: Problem) -> None:
    elastic = least_unserved(problem)
    found = solve(problem)
    if found is not None:
        assert elastic.unserved_rate == pytest.approx(0.0, abs=1e-6)
        assert elastic.usd_per_hour == pytest.approx(found.usd_per_hour, abs=1e-4)
    else:
        assert 1e-9 < elastic.unserved_rate <= sum(problem.rates) + 1e-9


A = Column("a", 0, 1, 1.0, "east")
B = Column("b", 1, 1, 3.0, "west")


@pytest.mark.parametrize(
    ("problem", "unserved", "cost"),
    [
        # two of a and four of b just serve the first bucket; the second takes more of b a request
        (
            Problem(
                (10.0, 5.0),
                ((1.0, 0.0), (2.0, 1.0)),
                (A, replace(B, region="east")),
                (Cap("a", 2.0, {0: 1.0}), Cap("b", 4.0, {1: 1.0})),
            ),
            5.0,
            14.0,
        ),
        # nobody serves the second bucket
        (Problem((10.0, 5.0), ((1.0, 0.0),), (A,)), 5.0, 10.0),
        # one region serves the first bucket, the other the second; one may be used
        (Problem((10.0, 5.0), ((1.0, 0.0), (0.0, 1.0)), (A, B)), 5.0, 10.0),
        # there is nothing to buy
        (Problem((10.0, 5.0), ((1.0, 0.0),), ()), 15.0, 0.0),
    ],
    ids=["caps", "bucket", "regions", "nothing"],
)
def test_the_least_possible_goes_unserved(problem: Problem, unserved: float, cost: float) -> None:
    found = least_unserved(problem)
    assert found.unserved_rate == pytest.approx(unserved)
    assert found.usd_per_hour == pytest.approx(cost)
