"""Every reader of a plan refuses one whose figures disagree, and says which."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.documents import digest
from melange_cloud.errors import InvalidDocument
from melange_cloud.plan import Plan, load_plan
from melange_cloud.plan_check import verify
from melange_cloud.planning.planner import make_plan

sys.path.insert(0, str(Path(__file__).parents[1] / "planning"))
from small_services import OFFERS, PROFILES, bundled, inputs, service

Edit = Callable[[dict[str, Any]], object]
ROOT = Path(__file__).parents[2]


@cache
def text() -> str:
    """A plan of two pools in two regions, with a limit and a headroom."""
    asked = service(
        headroom=0.1,
        offers={"gpus": ["A10G"]},
        limits={"max_regions": 2, "instances": {"g5.xlarge": 9}, "gpus": {"A10G": 40}},
    )
    offers = tuple(offer for offer in OFFERS if offer.gpu == "A10G")
    return make_plan(inputs(asked, offers=offers, profiles=PROFILES[:2])).plan.to_json()


def data() -> dict[str, Any]:
    """The document without its digest, as somebody who edits it on purpose leaves it."""
    found: dict[str, Any] = json.loads(text())
    assert len(found["pools"]) > 1
    del found["digest"]
    return found


def problems(document: dict[str, Any]) -> str:
    """What is said of it; empty where it is accepted."""
    try:
        verify(Plan.model_validate(document), "plan.json", document)
    except InvalidDocument as error:
        return str(error)
    return ""


def pool(**changes: Any) -> Edit:
    return lambda plan: plan["pools"][0].update(changes)


def repriced(plan: dict[str, Any]) -> None:
    """Sums put right after the fleet was changed, as a careful editor does."""
    for each in plan["pools"]:
        each["usd_per_hour"] = round(each["count"] * each["usd_per_hour_each"], 6)
    total = round(sum(each["usd_per_hour"] for each in plan["pools"]), 6)
    plan["cost"].update(usd_per_hour=total, usd_per_month=round(total * 730, 2))
    plan["cost"].update(lower_bound_usd_per_hour=total)
    for line in plan["baselines"]:
        line["saving"] = line["saving"] and round(1 - total / line["usd_per_hour"], 6)


def then_repriced(change: Edit) -> Edit:
    return lambda plan: (change(plan), repriced(plan))


EDITS: dict[str, tuple[Edit, str]] = {
    "count": (pool(count=80), "pools[0].usd_per_hour: is "),
    "count, repriced": (then_repriced(pool(count=80)), "pools[0].utilization: is "),
    "fewer, repriced": (
        then_repriced(lambda p: p["pools"][-1].update(count=1)),
        "its requests keep ",
    ),
    "none": (pool(count=0), "pools[0].count: must be above 0, but is 0"),
    "negative": (pool(count=-3), "pools[0].count: must be above 0, but is -3"),
    "huge": (pool(count=10**30), "pools[0].count: must be at most 1,000,000,000"),
    "beyond floats": (pool(count=10**400), "a number of more than 12 digits"),
    "tensor parallel": (pool(tensor_parallel=0), "pools[0].tensor_parallel: must be above 0"),
    "too parallel": (pool(tensor_parallel=8), "pools[0].replicas_per_instance: is "),
    "replicas": (pool(replicas_per_instance=3), "pools[0].replicas_per_instance: is 3, but "),
    "each": (pool(usd_per_hour_each=0.5), "pools[0].usd_per_hour_each: is 0.5, but the plan's"),
    "pool": (pool(usd_per_hour=0.01), "pools[0].usd_per_hour: is 0.01, but "),
    "machine": (pool(instance_type="t2.micro"), "t2.micro on-demand is not among the plan's own"),
    "region": (pool(region="us-east-99"), "aws/us-east-99 g5"),
    "gpu": (pool(gpu="T4"), "its GPUs differ"),
    "gpus": (pool(gpus_per_instance=2), "its GPUs differ"),
    "id": (pool(id="aws-x"), 'pools[0].id: is "aws-x", but its offer makes it "aws-us-'),
    "idle": (pool(utilization=0.0), "pools[0].utilization: is 0, but its requests keep "),
    "twice": (lambda p: p["pools"].append(p["pools"][0]), "appears twice"),
    "dropped": (lambda p: p["pools"].pop(), "is no pool of the plan"),
    "no pools": (lambda p: p.update(pools=[]), "pools: has no pool"),
    "total": (lambda p: p["cost"].update(usd_per_hour=0.01), "cost.usd_per_hour: is 0.01, but the"),
    "month": (lambda p: p["cost"].update(usd_per_month=1.0), "cost.usd_per_month: is 1, but 730"),
    "bound above": (lambda p: p["cost"].update(lower_bound_usd_per_hour=1e3), "is above cost.usd"),
    "bound below": (lambda p: p["cost"].update(lower_bound_usd_per_hour=0.0), 'be "optimal"'),
    "rate": (lambda p: p["service"]["workload"].update(rate=1.0), "the service asks for 1.1"),
    "headroom": (lambda p: p["service"].update(headroom=0.0), "the service asks for 8"),
    "sizes": (
        lambda p: p["service"]["workload"]["sizes"].update(shares=[[0.5], [0.5]]),
        "assignment[0].rate: is 6.6, but the service has 4.4 of these sizes",
    ),
    "demand": (lambda p: p["assignment"][0].update(rate=0.5), "the rates sum to "),
    "no demand": (lambda p: p.update(assignment=[]), "assignment: is empty"),
    "range": (lambda p: p["assignment"][0].update(input_tokens=[5]), "two rising numbers"),
    "falling": (lambda p: p["assignment"][0].update(input_tokens=[9, 5]), "two rising numbers"),
    "shares": (lambda p: p["assignment"][1].update(shares=halved(p)), "shares: sum to 0.5"),
    "no shares": (lambda p: p["assignment"][1].update(shares={}), "shares: sum to 0, but"),
    "stranger": (lambda p: p["assignment"][1].update(shares={"x": 1.0}), '"x" is no pool'),
    "cannot": (
        lambda p: [row.update(rates=[0.0, 0.0]) for row in p["inputs"]["throughput"]],
        "where its throughput is 0",
    ),
    "slower": (
        lambda p: [row.update(rates=[0.1, 0.1]) for row in p["inputs"]["throughput"]],
        "replicas, but its requests keep ",
    ),
    "no throughput": (
        lambda p: p["inputs"].update(throughput=[]),
        "the plan has no throughput of A10G with tensor_parallel",
    ),
    "rates": (lambda p: p["inputs"]["throughput"][0].update(rates=[1.0]), "has 1 rates for the 2"),
    "offers": (lambda p: p["inputs"].update(offers=[]), "is not among the plan's own offers"),
    "not wanted": (
        lambda p: p["service"]["offers"].update(regions=["us-east-1"]),
        "is not what service.offers admits",
    ),
    "regions": (lambda p: p["service"]["limits"].update(max_regions=1), "are in 2 regions"),
    "survive": (lambda p: p["service"]["limits"].update(survive=1), "inputs.limits.survive: is 0"),
    "limit": (
        lambda p: p["service"]["limits"].update(instances={"g5.xlarge": 1}),
        "of service.limits.instances g5.xlarge, which is 1",
    ),
    "cap": (
        lambda p: p["inputs"]["limits"]["caps"][1].update(limit=1.0),
        "of limits.gpus A10G, which is 1",
    ),
    "saving": (lambda p: p["baselines"][0].update(saving=0.99), "baselines[0].saving: is 0.99"),
    "dearer alone": (
        lambda p: p["baselines"][0].update(
            usd_per_hour=99.0, saving=round(1 - p["cost"]["usd_per_hour"] / 99, 6)
        ),
        "baselines[0].usd_per_hour: is 99, but its instances cost",
    ),
    "no cost": (lambda p: p["baselines"][0].update(usd_per_hour=None), "it has a cost"),
    "disks": (lambda p: disk(p).update(count=99), "count: is 99, but there are "),
    "elsewhere": (lambda p: disk(p).update(region="eu-west-9"), "has no pool of the fleet"),
    "profile": (
        lambda p: p["inputs"]["profiles"][0]["sizes"].append([1, 2]),
        "each of its sizes must have two token counts",
    ),
    "columns": (lambda p: p["inputs"]["profiles"][0].update(columns=[]), "each of its sizes"),
}


def halved(plan: dict[str, Any]) -> dict[str, float]:
    return {name: share / 2 for name, share in plan["assignment"][1]["shares"].items()}


def disk(plan: dict[str, Any]) -> dict[str, Any]:
    return next(extra for extra in plan["extras"] if extra["what"] == "disk")


def test_the_plan_itself_is_accepted() -> None:
    assert problems(data()) == ""


@pytest.mark.parametrize("name", EDITS)
def test_one_edited_by_hand_is_refused(name: str) -> None:
    change, said = EDITS[name]
    document = data()
    change(document)
    assert said in problems(document)


def figures(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where numbers stand."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from figures(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from figures(inner, (*path, at))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def scaled(document: dict[str, Any], path: tuple[Any, ...], factor: float) -> dict[str, Any]:
    """A copy in which one number is another."""
    changed = copy.deepcopy(document)
    part: Any = changed
    for key in path[:-1]:
        part = part[key]
    old = part[path[-1]]
    part[path[-1]] = type(old)(old * factor) if type(old) is float else round(old * factor)
    return changed


DECIDED = [
    path
    for path in figures(data())
    if path[0] in ("pools", "cost", "assignment") or path[:2] == ("service", "workload")
]


@given(st.sampled_from(DECIDED), st.sampled_from([0.0, 0.5, 1.01, 3.0, -1.0, 1e6, 1e300]))
def test_no_figure_of_the_fleet_can_be_another(path: tuple[Any, ...], factor: float) -> None:
    """Each follows from others: without a digest, and with nothing else put right."""
    document = data()
    changed = scaled(document, path, factor)
    if changed == document:
        return
    try:
        Plan.model_validate(changed)
    except ValueError:
        return
    assert problems(changed)


@settings(max_examples=60)
@given(st.sampled_from(list(figures(json.loads(text())))))
def test_any_edit_at_all_shows_in_the_digest(path: tuple[Any, ...]) -> None:
    changed = scaled(json.loads(text()), path, 1.01)
    if changed != json.loads(text()):
        try:
            Plan.model_validate(changed)
        except ValueError:
            return
        assert "digest: is sha256:" in problems(changed)


def test_a_digest_that_was_put_right_is_no_signature(tmp_path: Path) -> None:
    """Who edits a note can reckon the digest again; the file says no more than that it agrees."""
    document = data() | {"notes": ["edited"]}
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document | {"digest": digest(document)}))
    assert load_plan(path).notes == ["edited"]


def test_a_plan_without_a_digest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data()))
    assert load_plan(path).to_json() == text()


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "plans").glob("*.json")), ids=str)
def test_the_committed_plans_are_accepted(path: Path) -> None:
    load_plan(path)


SERVICES: list[dict[str, Any]] = [
    {},
    {
        "model": "meta-llama/Llama-3.1-8B",
        "workload": {"rate": 40, "sizes": "long-document"},
        "limits": {"max_regions": 3},
    },
    {"limits": {"survive": 1, "gpus": {"A100-80GB": 1}}, "headroom": 0.3},
    {"workload": {"rate": 0.001, "sizes": "arena"}, "offers": {"regions": ["us-central1"]}},
]


@pytest.mark.parametrize("fields", SERVICES, ids=range(len(SERVICES)))
@pytest.mark.parametrize("how", ["plain", "sliced", "kept"])
def test_every_plan_that_is_made_is_accepted(fields: dict[str, Any], how: str) -> None:
    asked = bundled(**fields)
    plan = make_plan(asked, slices=4 if how == "sliced" else None).plan
    if how == "kept":
        less = asked.service.model_dump() | {"headroom": asked.service.headroom + 0.02}
        plan = make_plan(bundled(**less), keep=plan, tolerance=0.1).plan
    verify(plan, "plan.json", json.loads(plan.to_json()))


READERS = [["render"], ["compare", "plan.json"], ["check", "service.yaml", "--baseline"]]
READERS += [["plan", "service.yaml", "--keep"]]


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
@pytest.mark.parametrize("name", ["count", "none", "machine", "region", "tensor parallel"])
def test_every_command_refuses_it(
    words: list[str], name: str, melange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(text())
    Path("service.yaml").write_text(
        "name: small\nmodel: meta-llama/Llama-2-7b-hf\nslo: {tpot_ms: 100}\n"
        "workload: {rate: 8, sizes: arena}\n"
    )
    change, said = EDITS[name]
    document = data()
    change(document)
    Path("edited.json").write_text(json.dumps(document))
    ended = melange(*words, "edited.json")
    assert ended.code == 2
    assert said in ended.err
    assert "edited.json is not a valid plan" in ended.err
    assert not Path("infra").exists()
