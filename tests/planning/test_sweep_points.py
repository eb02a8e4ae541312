"""The points of a sweep: each is the plan at its rate and TPOT."""

from __future__ import annotations

import pytest
from small_services import inputs, service

from melange_cloud.planning.planner import make_plan
from melange_cloud.planning.sweep import sweep_of, sweep_points


def test_each_point_is_the_plan_at_its_rate_and_tpot() -> None:
    asked = service(limits={"max_regions": 2})
    points = list(sweep_points(inputs(asked), [2, 8], [100, 20]))
    assert [(p.tpot_ms, p.rate) for p in points] == [(100, 2), (100, 8), (20, 2), (20, 8)]
    plan = make_plan(inputs(asked)).plan
    assert points[1].cost == plan.cost
    assert points[1].pools == plan.pools
    assert points[1].baselines == plan.baselines
    assert points[0].cost is not None
    assert points[0].cost.usd_per_hour <= plan.cost.usd_per_hour


def test_a_point_without_a_fleet_says_why_and_the_rest_go_on() -> None:
    points = list(sweep_points(inputs(), [2], [20, 100]))
    assert [p.feasible for p in points] == [False, True]
    assert points[0].cost is None
    assert any("the SLO is missed" in why for why in points[0].why)


def test_headroom_is_kept_at_every_rate() -> None:
    [point] = sweep_points(inputs(service(headroom=1.0)), [4], [100])
    [same] = sweep_points(inputs(), [8], [100])
    assert point.rate == 4
    assert point.cost == same.cost


@pytest.mark.parametrize("rates", [[1, 2, 4, 8, 16]])
def test_cost_never_falls_with_the_rate(rates: list[float]) -> None:
    costs = [p.cost.usd_per_hour for p in sweep_points(inputs(), rates, [100]) if p.cost]
    assert costs == sorted(costs)
    assert len(costs) == len(rates)


def test_the_document_notes_what_any_point_rests_on() -> None:
    points = list(sweep_points(inputs(), [1, 8], [100]))
    document = sweep_of(inputs(), points)
    assert document.points == points
    assert any("2026-01-02" in note for note in document.notes)
