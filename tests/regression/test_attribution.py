"""Dividing a change of cost among its causes."""

from __future__ import annotations

import json
from itertools import combinations, permutations
from math import factorial
from pathlib import Path
from typing import Any

import pytest
from checked_services import inputs, plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from melange_cloud.plan import Plan
from melange_cloud.planning.curves import profile_input, profile_of
from melange_cloud.planning.inputs import load_inputs
from melange_cloud.planning.planner import make_plan
from melange_cloud.profiles.throughput import Slo, Throughputs
from melange_cloud.regression.attribution import apportion, attribute, shapley
from melange_cloud.regression.situation import CAUSES
from melange_cloud.service import load_service

ROOT = Path(__file__).parents[2]
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CHANGES: dict[str, dict[str, list[Any]]] = {
    "workload": {"rate": [20.0, 27.0, 9.0], "headroom": [0.0, 0.2]},
    "slo": {"tpot_ms": [80.0, 60.0, 95.0, 40.0], "ttft_ms": [None, 90.0]},
    "model": {"slower": [1.0, 1.3], "max_model_len": [None, 1200]},
    "prices": {"dearer": [1.0, 1.2, 0.9]},
    "offers": {
        "gpus": [None, ["L4", "H100"]],
        "limits": [{}, {"survive": 1}, {"gpus": {"H100": 2}}],
    },
}


@st.composite
def situations(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Cause -> what it is in one plan."""
    return {
        cause: {name: draw(st.sampled_from(values)) for name, values in options.items()}
        for cause, options in CHANGES.items()
    }


def planned(situation: dict[str, dict[str, Any]]) -> Plan | None:
    from melange_cloud.errors import Infeasible

    given = {name: value for options in situation.values() for name, value in options.items()}
    try:
        return plan(**given)
    except Infeasible:
        return None


@SLOW
@given(situations(), situations())
def test_the_causes_sum_to_the_change_and_what_did_not_change_gets_nothing(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> None:
    old, new = planned(before), planned(after)
    if old is None or new is None:
        return
    found = attribute(old, new)
    change = new.cost.usd_per_hour - old.cost.usd_per_hour
    assert sum(found.parts.values()) == pytest.approx(change, abs=1e-9)
    for cause in CAUSES:
        if before[cause] == after[cause]:
            assert found.parts[cause] == 0
            assert cause not in found.changed
    assert found.parts["tool"] == 0, "the same version solves the old inputs to the same cost"
    assert found.parts["choice"] == 0
    assert found.solved <= 32


@SLOW
@given(situations(), situations())
def test_the_way_back_has_the_opposite_causes(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> None:
    """An order-free division does not depend on which side came first."""
    old, new = planned(before), planned(after)
    if old is None or new is None:
        return
    there, back = attribute(old, new), attribute(new, old)
    assert there.changed == back.changed
    for cause in CAUSES:
        assert there.parts[cause] == pytest.approx(-back.parts[cause], abs=1e-5)


costs = st.floats(0, 100, allow_nan=False)


@given(st.lists(costs, min_size=32, max_size=32), st.permutations(CAUSES))
def test_the_order_of_the_causes_does_not_matter(values: list[float], order: list[Any]) -> None:
    subsets = [c for size in range(6) for c in combinations(CAUSES, size)]
    game = dict(zip(subsets, values, strict=True))
    one, other = shapley(CAUSES, game.__getitem__), shapley(order, game.__getitem__)
    mean = dict.fromkeys(CAUSES, 0.0)
    for turn in permutations(CAUSES):
        for place, cause in enumerate(turn):
            first = tuple(c for c in CAUSES if c in turn[:place])
            then = tuple(c for c in CAUSES if c in turn[: place + 1])
            mean[cause] += (game[then] - game[first]) / factorial(5)
    for cause in CAUSES:
        assert one[cause] == pytest.approx(other[cause], abs=1e-9)
        assert one[cause] == pytest.approx(mean[cause], abs=1e-9)
    assert sum(one.values()) == pytest.approx(game[CAUSES] - game[()], abs=1e-9)


@given(st.lists(st.floats(-1e4, 1e4, allow_nan=False) | st.just(0.0), min_size=1, max_size=7))
def test_rounded_parts_sum_to_the_rounded_total(parts: list[float]) -> None:
    parts = [0.0 if abs(part) < 1e-3 else part for part in parts]
    total = sum(parts)
    rounded = apportion(parts, total, 2)
    assert sum(rounded) == pytest.approx(round(total, 2), abs=0.0101)
    assert round(sum(rounded) * 100) == round(total * 100)
    for part, shown in zip(parts, rounded, strict=True):
        assert abs(part - shown) <= 0.02
        assert shown == 0 or part != 0


def test_each_cause_alone_is_the_whole_change() -> None:
    old = plan()
    for cause, change in {
        "workload": {"rate": 31.0},
        "slo": {"tpot_ms": 60.0},
        "model": {"slower": 1.4},
        "prices": {"dearer": 1.1},
        "offers": {"gpus": ["H100"]},
    }.items():
        new = plan(**change)
        found = attribute(old, new)
        assert found.changed == (cause,)
        assert found.parts[cause] == pytest.approx(
            new.cost.usd_per_hour - old.cost.usd_per_hour, abs=1e-6
        )
        assert found.parts[cause] > 0
        assert found.solved == 2


def test_an_old_plan_priced_today_shows_what_the_tool_changed() -> None:
    old, new = plan(), plan(rate=31.0)
    recorded = old.cost.model_copy(update={"usd_per_hour": old.cost.usd_per_hour + 1.5})
    found = attribute(old.model_copy(update={"cost": recorded}), new)
    assert found.parts["tool"] == pytest.approx(-1.5)
    assert found.parts["workload"] == pytest.approx(new.cost.usd_per_hour - old.cost.usd_per_hour)


def test_a_combination_that_nothing_can_serve_is_costed_and_said() -> None:
    """Fast H100s were allowed together with the tight SLO; L4s alone cannot hold it."""
    old = plan(gpus=["L4"], regions=["us-east-1"])
    new = plan(tpot_ms=20.0, gpus=["H100"], regions=["us-east-1"])
    found = attribute(old, new)
    assert found.unserved
    assert {unserved.new for unserved in found.unserved} == {("slo",)}
    assert found.unserved[0].rate == pytest.approx(20.0)
    mean = max(old.cost.usd_per_hour, new.cost.usd_per_hour) / 20.0
    assert found.penalty == pytest.approx(10 * mean)
    assert sum(found.parts.values()) == pytest.approx(
        new.cost.usd_per_hour - old.cost.usd_per_hour, abs=1e-6
    )


def test_a_price_only_one_side_knows_did_not_change() -> None:
    """More offers are no change of prices, nor are offers that are gone."""
    few, many = plan(gpus=["L4", "A10G"]), plan(gpus=None, rate=60.0)
    for old, new in ((few, many), (many, few)):
        assert attribute(old, new).parts["prices"] == 0
        assert "prices" not in attribute(old, new).changed


def test_prices_of_offers_the_new_service_does_not_want_come_from_the_book() -> None:
    old, now = plan(), inputs(dearer=1.2, gpus=["L4"])
    book = {offer.key: offer.usd_per_hour for offer in now.book.offers}
    found = attribute(old, make_plan(now).plan, book)
    assert found.changed == ("prices", "offers")


def test_what_keep_costs_is_a_part_of_its_own() -> None:
    old = plan()
    now = inputs(dearer=1.015)
    kept = make_plan(now, keep=plan(rate=20.5), tolerance=0.5).plan
    assert kept.kept is not None
    found = attribute(old, kept)
    over = kept.cost.usd_per_hour - kept.kept.cheapest_usd_per_hour
    assert over > 0
    assert found.parts["choice"] == pytest.approx(over, abs=1e-6)
    back = attribute(kept, old)
    assert back.parts["choice"] == pytest.approx(-over, abs=1e-6)
    assert back.parts["tool"] == pytest.approx(0, abs=1e-6)


def test_a_plan_carries_profiles_that_give_the_same_throughput() -> None:
    """Also at other sizes and SLOs than its own: everything that an attribution asks."""
    loaded = load_inputs(load_service(ROOT / "examples" / "chat.yaml"), ROOT / "examples")
    for original in loaded.profiles:
        carried = profile_of(profile_input(original))
        for slo in (Slo(120), Slo(45, 300), Slo(70, 2000)):
            ours, theirs = Throughputs(original, slo), Throughputs(carried, slo)
            for size in ((25, 25), (90, 333), (1000, 100), (3000, 900), (9000, 500), (1, 1)):
                assert ours.at_size(*size) == theirs.at_size(*size)


def test_a_written_plan_is_compared_as_the_one_in_memory() -> None:
    old, new = plan(), plan(rate=31.0, tpot_ms=60.0, dearer=1.1)
    read = [Plan.model_validate(json.loads(made.to_json())) for made in (old, new)]
    assert attribute(*read) == attribute(old, new)


def test_all_causes_changed_in_one_region() -> None:
    """Each of the 32 combinations is solved once."""
    path = ROOT / "examples" / "one-region.yaml"
    before = load_inputs(load_service(path), path.parent)
    old = make_plan(before).plan
    service = load_service(path, {"rate": 17.0, "tpot_ms": 90.0, "gpu": ["L4", "A10G", "H100"]})
    after = load_inputs(service, path.parent, profile_folders=[])
    moved = tuple(
        offer.model_copy(update={"usd_per_hour": offer.usd_per_hour * 1.07})
        for offer in after.offers
    )
    slower = tuple(
        profile.model_copy(
            update={"points": [[*row[:3], row[3] * 0.9, *row[4:]] for row in profile.points]}  # type: ignore[operator]
        )
        for profile in after.profiles
    )
    new = make_plan(type(after)(service, after.histogram, slower, after.book, moved)).plan
    found = attribute(old, new)
    assert found.changed == CAUSES
    assert found.solved == 32
