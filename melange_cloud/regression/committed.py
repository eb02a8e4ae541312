"""The plan that a change commits: the one that will be applied, whatever the service now needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import Field

from melange_cloud.documents import Document
from melange_cloud.errors import InvalidInput
from melange_cloud.plan import Plan, load_plan
from melange_cloud.planning.machines import engine_args
from melange_cloud.reading import STANDARD_INPUT, word_for
from melange_cloud.regression.difference import PoolChange, pool_changes
from melange_cloud.service import Service

SAME = 1e-6
"""USD/h, and parts of a rate or share: what rounding may change."""


class Committed(Document):
    """The committed plan beside the service planned now."""

    usd_per_hour: float
    usd_per_month: float
    stale: bool = Field(description="whether planning the service now gives another fleet or cost")
    differences: list[str] = Field(description="what it would give; empty where it is not stale")


def load_committed(path: Path, service: Path) -> Plan:
    """The plan in a file. Raises InvalidInput as `load_plan` does, with how to write a new one."""
    renew = f"write a new one with `melange-cloud plan {word_for(service)} --out {path}`"
    if path != STANDARD_INPUT and not path.exists():
        message = f"{path} does not exist, so there is no committed plan to apply"
        raise InvalidInput(message, hint=renew)
    try:
        return load_plan(path)
    except InvalidInput as error:
        if path != STANDARD_INPUT:
            error.hint = error.hint or renew
        raise


def committed_of(plan: Plan, now: Plan, keep: Callable[[Plan], Plan]) -> Committed:
    """How the committed ``plan`` compares with the service planned ``now``.

    A plan that was kept close to another is not the cheapest fleet: it is compared with what
    ``keep`` gives, the service planned close to that plan itself.
    """
    found = list(_differences(plan, now))
    if found and plan.kept is not None:
        found = list(_differences(plan, keep(plan)))
    return Committed(
        usd_per_hour=plan.cost.usd_per_hour,
        usd_per_month=plan.cost.usd_per_month,
        stale=bool(found),
        differences=found,
    )


def _differences(plan: Plan, now: Plan) -> Iterator[str]:
    """What would be applied otherwise, in words."""
    fields = [
        name
        for name in Service.model_fields
        if name != "policy" and getattr(plan.service, name) != getattr(now.service, name)
    ]
    if fields:
        yield f"the service's {', '.join(fields)} changed"
    before, after = plan.cost.usd_per_hour, now.cost.usd_per_hour
    if abs(before - after) > 2 * SAME:
        yield f"it costs {before:,.2f} $/h, the service planned now {after:,.2f} $/h"
    yield from filter(None, map(_pool_words, pool_changes(plan, now)))
    if [pool.id for pool in plan.pools] == [pool.id for pool in now.pools]:
        if not _same_shares(plan, now):
            yield "requests would be shared among the pools in another way"
        for pool in plan.pools:
            if engine_args(plan, pool) != engine_args(now, pool):
                yield f"{pool.id} would run with other settings of the engine"


def _pool_words(change: PoolChange) -> str | None:
    if change.count_before != change.count:
        return f"{change.id}: {change.count_before} → {change.count} instances"
    before, now = change.usd_per_hour_each_before or 0.0, change.usd_per_hour_each or 0.0
    if abs(before - now) > SAME:
        return f"{change.id}: {before:,.4f} → {now:,.4f} $/h each"
    return None


def _same_shares(plan: Plan, now: Plan) -> bool:
    if len(plan.assignment) != len(now.assignment):
        return False
    return all(
        (old.input_tokens, old.output_tokens) == (new.input_tokens, new.output_tokens)
        and math.isclose(old.rate, new.rate, rel_tol=SAME)
        and all(
            abs(old.shares.get(name, 0.0) - new.shares.get(name, 0.0)) <= SAME
            for name in old.shares.keys() | new.shares.keys()
        )
        for old, new in zip(plan.assignment, now.assignment, strict=True)
    )
