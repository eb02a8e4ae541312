"""Why there is no fleet: in numbers that can be checked."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from small_problems import problems

from melange_cloud.allocation.infeasibility import Obstacles, explain
from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.allocation.solve import solve

OFTEN_FEASIBLE = [HealthCheck.filter_too_much, HealthCheck.too_slow]

# Four requests/s of a size that both serve, one of a size that only the second does
TWO_KINDS = Problem(
    (4.0, 1.0),
    ((1.0, 0.0), (2.0, 0.5)),
    (Column("small", 0, 1, 1.0, "east"), Column("large", 1, 1, 3.0, "east")),
)


def with_cap(limit: float, weights: dict[int, float]) -> Problem:
    return replace(TWO_KINDS, caps=(Cap("cap", limit, weights),))


def test_a_bucket_that_nothing_serves() -> None:
    problem = replace(TWO_KINDS, throughputs=((1.0, 0.0), (2.0, 0.0)))
    assert solve(problem) is None
    assert explain(problem) == Obstacles(buckets=(1,))


def test_a_configuration_that_is_not_offered_serves_nothing() -> None:
    problem = TWO_KINDS.restricted([0])
    assert solve(problem) is None
    assert explain(problem) == Obstacles(buckets=(1,))


def test_a_cap_too_low_and_what_it_would_have_to_be() -> None:
    problem = with_cap(1.0, {1: 1.0})
    assert solve(problem) is None
    assert explain(problem) == Obstacles(caps=((0, 2.0),))


def test_a_cap_in_gpus_is_raised_by_whole_instances() -> None:
    # 2 instances of 8 GPUs each are needed, 10.5 GPUs allowed
    problem = with_cap(10.5, {1: 8.0})
    assert explain(problem).caps == ((0, 16.0),)
    assert solve(with_cap(16.0, {1: 8.0})) is not None
    assert solve(with_cap(15.0, {1: 8.0})) is None


def test_a_cap_of_zero() -> None:
    assert explain(with_cap(0.0, {0: 1.0, 1: 1.0})).caps == ((0, 4.0),)


def test_two_caps_are_raised_together() -> None:
    problem = replace(TWO_KINDS, caps=(Cap("small", 1.0, {0: 1.0}), Cap("large", 1.0, {1: 1.0})))
    raised = dict(explain(problem).caps)
    assert 1 in raised
    limits = [raised.get(index, cap.limit) for index, cap in enumerate(problem.caps)]
    caps = tuple(replace(c, limit=limit) for c, limit in zip(problem.caps, limits, strict=True))
    assert solve(replace(problem, caps=caps)) is not None


def test_a_loss_to_survive_needs_more_of_a_cap() -> None:
    problem = replace(with_cap(2.0, {1: 1.0}), survive=1)
    assert explain(problem).caps == ((0, 3.0),)


def test_regions_that_serve_only_together() -> None:
    columns = (TWO_KINDS.columns[0], replace(TWO_KINDS.columns[1], region="west"))
    problem = replace(TWO_KINDS, throughputs=((1.0, 0.0), (0.0, 0.5)), columns=columns)
    assert solve(problem) is None
    assert explain(problem) == Obstacles(regions=2)
    assert solve(replace(problem, max_regions=2)) is not None


@settings(max_examples=30, deadline=None, suppress_health_check=OFTEN_FEASIBLE)
@given(problems(caps=False), st.integers(1, 3), st.data())
def test_the_least_rise_of_a_cap_and_no_less(
    problem: Problem, weight: int, data: st.DataObject
) -> None:
    whole = solve(problem)
    assume(whole is not None)
    columns = data.draw(st.sets(st.integers(0, len(problem.columns) - 1), min_size=1))
    weights = dict.fromkeys(sorted(columns), float(weight))
    limit = data.draw(st.integers(0, 2))

    def capped(at: float) -> Problem:
        return replace(problem, caps=(Cap("cap", at, weights),))

    assume(solve(capped(limit)) is None)
    [(index, needed)] = explain(capped(limit)).caps
    assert index == 0
    assert needed == int(needed) > limit
    assert solve(capped(needed)) is not None
    assert solve(capped(needed - 1)) is None


@settings(max_examples=30, deadline=None, suppress_health_check=OFTEN_FEASIBLE)
@given(problems())
def test_whatever_is_named_helps(problem: Problem) -> None:
    assume(solve(problem) is None)
    obstacles = explain(problem)
    if obstacles.buckets:
        for b in obstacles.buckets:
            assert all(problem.throughputs[c][b] == 0 for c in problem.offered)
        return
    if obstacles.caps:
        raised = dict(obstacles.caps)
        caps = tuple(replace(c, limit=raised.get(i, c.limit)) for i, c in enumerate(problem.caps))
        assert solve(replace(problem, caps=caps)) is not None
    if obstacles.regions is not None:
        assert obstacles.regions > problem.max_regions
        assert solve(replace(problem, max_regions=obstacles.regions)) is not None
        assert solve(replace(problem, max_regions=obstacles.regions - 1)) is None
