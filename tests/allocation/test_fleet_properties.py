"""What must hold of the cheapest fleet of every small problem."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from independent import assert_sound, serves, within_limits
from small_problems import problems

from melange_cloud.allocation.baselines import baselines
from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.allocation.solve import Solution, solve

EPS = 1e-6

few = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def cost(problem: Problem) -> float:
    """USD/h of the cheapest fleet; inf where there is none."""
    solution = solve(problem)
    return float("inf") if solution is None else solution.usd_per_hour


def solved(problem: Problem) -> Solution:
    solution = solve(problem)
    assume(solution is not None)
    assert solution is not None
    return solution


@few
@given(problems())
def test_every_answer_is_sound(problem: Problem) -> None:
    solution = solved(problem)
    assert solution.status == "optimal"
    assert_sound(problem, solution)
    assert serves(problem, solution.counts)


@few
@given(problems(), st.data())
def test_more_demand_never_costs_less(problem: Problem, data: st.DataObject) -> None:
    more = tuple(rate * data.draw(st.sampled_from([1.0, 1.3, 4.0])) for rate in problem.rates)
    assert cost(replace(problem, rates=more)) >= cost(problem) - EPS


@few
@given(problems(), st.data())
def test_one_more_bucket_never_costs_less(problem: Problem, data: st.DataObject) -> None:
    row = [data.draw(st.sampled_from([0.0, 0.7, 2.0])) for _ in problem.throughputs]
    wider = replace(
        problem,
        rates=(*problem.rates, 0.5),
        throughputs=tuple((*r, t) for r, t in zip(problem.throughputs, row, strict=True)),
    )
    assert cost(wider) >= cost(problem) - EPS


@few
@given(problems(), st.data())
def test_a_tighter_slo_never_costs_less(problem: Problem, data: st.DataObject) -> None:
    slower = tuple(
        tuple(t * data.draw(st.sampled_from([0.0, 0.6, 1.0, 1.0])) for t in row)
        for row in problem.throughputs
    )
    assert cost(replace(problem, throughputs=slower)) >= cost(problem) - EPS


@few
@given(problems(), st.data())
def test_one_more_offer_never_costs_more(problem: Problem, data: st.DataObject) -> None:
    configuration = data.draw(st.integers(0, len(problem.throughputs) - 1))
    region = data.draw(st.sampled_from(["east", "west", "north"]))
    price = data.draw(st.sampled_from([0.9, 1.0, 2.5, 9.0]))
    extra = Column("extra", configuration, data.draw(st.sampled_from([1, 2, 8])), price, region)
    assert cost(replace(problem, columns=(*problem.columns, extra))) <= cost(problem) + EPS


@few
@given(problems())
def test_more_regions_never_cost_more(problem: Problem) -> None:
    north = tuple(replace(column, region="north") for column in problem.columns[::2])
    copied = replace(problem, columns=(*problem.columns, *north))
    costs = [cost(replace(copied, max_regions=n)) for n in (1, 2, 3, 4)]
    assert costs[0] >= costs[1] - EPS >= costs[2] - 2 * EPS
    assert costs[2] == pytest.approx(costs[3])
    assert costs[0] <= cost(replace(problem, max_regions=1)) + EPS


@few
@given(problems(), st.data())
def test_caps_only_raise_the_cost(problem: Problem, data: st.DataObject) -> None:
    capped = data.draw(st.sets(st.integers(0, len(problem.columns) - 1), min_size=1))
    cap = Cap("one more", float(data.draw(st.integers(0, 3))), dict.fromkeys(sorted(capped), 1.0))
    with_it = replace(problem, caps=(*problem.caps, cap))
    assert cost(with_it) >= cost(problem) - EPS
    solution = solve(with_it)
    if solution is not None:
        assert within_limits(with_it, solution.counts)


@few
@given(problems())
def test_surviving_a_loss_never_costs_less_and_does_survive(problem: Problem) -> None:
    surviving = replace(problem, survive=1)
    assert cost(surviving) >= cost(replace(problem, survive=0)) - EPS
    solution = solved(surviving)
    assert serves(surviving, solution.counts)  # checks the loss of each kind of instance


@few
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_columns_and_regions_is_nothing_to_the_cost(
    problem: Problem, rng: random.Random
) -> None:
    order = list(range(len(problem.columns)))
    rng.shuffle(order)
    assert cost(problem.restricted(order)) == pytest.approx(cost(problem), abs=EPS)


@few
@given(problems())
def test_the_same_problem_gives_the_same_answer(problem: Problem) -> None:
    first, second = solve(problem), solve(replace(problem))
    if first is None or second is None:
        assert first is second
    else:
        assert repr(replace(first, seconds=0.0)) == repr(replace(second, seconds=0.0))


@few
@given(problems())
def test_one_region_costs_what_the_best_of_each_alone_does(problem: Problem) -> None:
    one = replace(problem, max_regions=1)
    alone = [
        cost(one.restricted([j for j, c in enumerate(one.columns) if c.region == region]))
        for region in one.regions
    ]
    assert cost(one) == pytest.approx(min(alone), abs=EPS)


@few
@given(problems())
def test_no_single_type_fleet_is_cheaper(problem: Problem) -> None:
    columns = tuple(replace(c, gpu=f"GPU {c.configuration}") for c in problem.columns)
    mixed = replace(problem, columns=columns)
    best = cost(mixed)
    for gpu, of_type in baselines(mixed).items():
        assert of_type is not None
        alone, found = of_type.problem, of_type.fleet
        assert {column.gpu for column in alone.columns} == {gpu}
        if found is not None:
            assert found.usd_per_hour >= best - EPS
            assert_sound(alone, found)


@settings(few, max_examples=12)
@given(problems())
@example(  # CBC's preprocessing cut off the optimum
    Problem(
        (0.5, 0.5, 0.5),
        ((0.7, 0.7, 1.0),),
        tuple(Column(f"o{j}", 0, 1, usd, "east") for j, usd in enumerate((1.1, 1.1, 1.0))),
        caps=(Cap("cap", 1.0, {2: 1.0}),),
        survive=1,
    )
)
@example(  # CBC without its preprocessing crashed on a region that cannot beat the other
    Problem(
        (0.5, 0.5),
        ((0.7, 0.0), (0.0, 1.0)),
        tuple(
            Column(f"o{j}", configuration, 1, usd, region)
            for j, (configuration, usd, region) in enumerate(
                ((1, 1.0, "west"), (1, 2.5, "east"), (0, 1.0, "east"), (0, 1.0, "west"))
            )
        ),
        max_regions=1,
    )
)
def test_cbc_finds_the_same_cost(problem: Problem) -> None:
    by_cbc = solve(problem, solver="cbc")
    assert (by_cbc is None) == (solve(problem) is None)
    if by_cbc is not None:
        assert_sound(problem, by_cbc)
        assert serves(problem, by_cbc.counts)
        assert by_cbc.usd_per_hour == pytest.approx(cost(problem), abs=EPS)
