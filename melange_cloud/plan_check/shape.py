"""Counts that count something, ranges with two ends, tables with a column for each bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from melange_cloud.errors import Problem
from melange_cloud.plan import Plan, ProfileInput
from melange_cloud.plan_check.numbers import MOST
from melange_cloud.planning.curves import profile_of


def shape_problems(plan: Plan) -> Iterator[Problem]:
    """What would make it impossible to reckon with the plan."""
    if not plan.pools:
        yield Problem("pools", "has no pool, so nothing serves the requests")
    if not plan.assignment:
        yield Problem("assignment", "is empty, but the service has requests")
    for where, count in _counts(plan):
        if count < 1:
            yield Problem(where, f"must be above 0, but is {_number(count)}")
        elif count > MOST:
            yield Problem(where, f"must be at most {MOST:,}, but is {_number(count)}")
    for at, line in enumerate(plan.assignment):
        for name in ("input_tokens", "output_tokens"):
            pair = getattr(line, name)
            if len(pair) != 2 or not 0 <= pair[0] < pair[1] <= MOST:
                where = f"assignment[{at}].{name}"
                yield Problem(where, f"must be two rising numbers of tokens up to {MOST:,}")
    for at, row in enumerate(plan.inputs.throughput):
        where = f"inputs.throughput[{at}].rates"
        if len(row.rates) != len(plan.assignment):
            sizes = f"{len(plan.assignment)} sizes in assignment"
            yield Problem(where, f"has {len(row.rates)} rates for the {sizes}")
        if any(rate < 0 for rate in row.rates):
            yield Problem(where, "must not be negative")
    for at, curve in enumerate(plan.inputs.profiles):
        what = _curve_problem(curve)
        if what:
            yield Problem(f"inputs.profiles[{at}]", what)
    yield from _repeated(plan)


def _counts(plan: Plan) -> Iterator[tuple[str, int]]:
    """Every count that must be at least 1, by field."""
    for at, pool in enumerate(plan.pools):
        for name in ("count", "gpus_per_instance", "tensor_parallel", "replicas_per_instance"):
            yield f"pools[{at}].{name}", getattr(pool, name)
    for at, extra in enumerate(plan.extras):
        yield f"extras[{at}].count", extra.count
    for at, line in enumerate(plan.baselines):
        for name, count in line.counts.items():
            yield f"baselines[{at}].counts.{name}", count
    for at, offer in enumerate(plan.inputs.offers):
        yield f"inputs.offers[{at}].gpu_count", offer.gpu_count
    for at, row in enumerate(plan.inputs.throughput):
        yield f"inputs.throughput[{at}].tensor_parallel", row.tensor_parallel


def _repeated(plan: Plan) -> Iterator[Problem]:
    """What must be there once."""
    inputs = plan.inputs
    for where, keys in (
        ("pools", [(pool.key, pool.tensor_parallel) for pool in plan.pools]),
        ("pools", [pool.id for pool in plan.pools]),
        ("baselines", [line.gpu for line in plan.baselines]),
        ("inputs.offers", [offer.key for offer in inputs.offers]),
        ("inputs.throughput", [(row.gpu, row.tensor_parallel) for row in inputs.throughput]),
        ("inputs.profiles", [(row.gpu, row.tensor_parallel) for row in inputs.profiles]),
        (
            "assignment",
            [(*line.input_tokens, *line.output_tokens) for line in plan.assignment],
        ),
        ("extras", [(extra.what, extra.provider, extra.region) for extra in plan.extras]),
    ):
        twice = _first_repeated(keys)
        if twice is not None:
            yield Problem(where, f"{_said(twice)} appears twice")


def _first_repeated(keys: Iterable[object]) -> object | None:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None


def _said(key: object) -> str:
    return " ".join(map(str, key)) if type(key) is tuple else str(key)


def _curve_problem(curve: ProfileInput) -> str | None:
    """What keeps a profile's points from being read again."""
    width = len(curve.columns)
    if not width or any(len(row) < 2 + width or (len(row) - 2) % width for row in curve.sizes):
        return "each of its sizes must have two token counts, then a number for each column"
    try:
        profile_of(curve)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return None


def _number(count: int) -> str:
    return f"{count:,}" if abs(count) < 10**12 else "a number of more than 12 digits"
