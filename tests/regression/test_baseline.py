"""Plans that cannot be a baseline are refused, and it is said why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checked_services import inputs, plan

from melange_cloud.errors import InvalidInput
from melange_cloud.plan_check import verify
from melange_cloud.planning.planner import make_plan
from melange_cloud.regression.baseline import load_baseline, prices_carry, same_service

SERVICE = Path("service.yaml")
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(plan(gpus=["A10G", "H100"]).to_json())
    return path


def edit(path: Path, change: Edit) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_plan_as_written_is_a_baseline(plan_file: Path) -> None:
    assert load_baseline(plan_file, SERVICE) == plan(gpus=["A10G", "H100"])


def test_a_missing_one_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        load_baseline(tmp_path / "plan.json", SERVICE)
    assert "there is no baseline" in raised.value.message
    assert "melange-cloud plan service.yaml --out" in str(raised.value.hint)


def test_a_file_that_is_no_plan_is_not_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("name: chat\n")
    with pytest.raises(InvalidInput) as raised:
        load_baseline(path, path)
    assert raised.value.hint == "give the committed plan with --baseline, such as plan.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("{", "not valid JSON"),
        ("[]", "a mapping of keys to values was expected"),
        ('{"schema": "melange-cloud/plan/v2"}', '"melange-cloud/plan/v1" was expected'),
        ('{"schema": "melange-cloud/prices/v1"}', '"melange-cloud/plan/v1" was expected'),
        ('{"schema": "melange-cloud/plan/v1"}', "pools: is required"),
    ],
)
def test_an_unreadable_one_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(InvalidInput) as raised:
        load_baseline(path, SERVICE)
    assert said in raised.value.message
    assert "--update" in str(raised.value.hint)


def test_one_edited_by_hand_is_refused_and_how_to_renew_it_is_said(plan_file: Path) -> None:
    edit(plan_file, lambda p: p["pools"][0].update(count=80))
    with pytest.raises(InvalidInput, match="is not a valid plan") as raised:
        load_baseline(plan_file, SERVICE)
    assert "pools[0].usd_per_hour" in raised.value.message
    assert "--update" in str(raised.value.hint)


def test_consistent_prices_that_are_not_the_plans_own_are_refused(plan_file: Path) -> None:
    """The sum agrees, but the machine never had that price."""

    def cheaper(data: dict[str, Any]) -> None:
        pool = data["pools"][0]
        saved = pool["usd_per_hour"] - 0.1 * pool["count"]
        pool.update(usd_per_hour_each=0.1, usd_per_hour=0.1 * pool["count"])
        total = data["cost"]["usd_per_hour"] - saved
        data["cost"].update(
            usd_per_hour=total, usd_per_month=730 * total, lower_bound_usd_per_hour=0.0
        )

    edit(plan_file, cheaper)
    with pytest.raises(InvalidInput, match="the plan's offer costs"):
        load_baseline(plan_file, SERVICE)


def test_the_plan_of_another_service_is_refused_but_another_model_is_a_change() -> None:
    made = plan()
    same_service(made, "small", Path("plan.json"))
    with pytest.raises(InvalidInput, match='is the plan of service "small", not of "other"'):
        same_service(made, "other", Path("plan.json"))


def test_prices_in_a_file_must_have_what_the_baseline_uses() -> None:
    made = plan(gpus=["A10G"])
    used = {pool.instance_type for pool in made.pools}
    now = inputs(without=tuple(used))
    service = now.service.model_copy(update={"prices": "prices.lock.json"})
    locked = type(now)(service, now.histogram, now.profiles, now.book, now.offers)
    with pytest.raises(InvalidInput) as raised:
        prices_carry(made, locked)
    for name in used:
        assert f"aws/us-east-1 {name} on-demand is in the baseline's fleet" in raised.value.message
    assert "prices refresh --lock" in str(raised.value.hint)


def test_offers_no_longer_wanted_or_withdrawn_by_a_cloud_may_be_missing() -> None:
    made = plan(gpus=["A10G"])
    used = tuple(pool.instance_type for pool in made.pools)
    for now, prices in (
        (inputs(without=used), "bundled"),
        (inputs(without=used, gpus=["H100"]), "prices.lock.json"),
        (inputs(without=used, regions=["us-central1"]), "prices.lock.json"),
    ):
        service = now.service.model_copy(update={"prices": prices})
        prices_carry(made, type(now)(service, now.histogram, now.profiles, now.book, now.offers))


def test_a_plan_that_was_kept_to_another_is_a_baseline() -> None:
    kept = make_plan(inputs(dearer=1.015), keep=plan(rate=20.5), tolerance=0.5).plan
    assert kept.kept is not None
    verify(kept, "plan.json")
