"""Whether a plan's figures follow from one another, as those of every plan that was made do.

A plan is edited by hand, merged badly, or sent by somebody who wants a fleet to look cheaper than
it is. Each reader relies on it alone, so `load_plan` verifies every plan. It cannot tell whether
the inputs that a plan carries are true: that only planning again shows, as `check` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from melange_cloud.documents import digest
from melange_cloud.errors import InvalidDocument, Problem
from melange_cloud.plan import Plan
from melange_cloud.plan_check.demand import demand_problems
from melange_cloud.plan_check.fleet import fleet_problems
from melange_cloud.plan_check.money import money_problems
from melange_cloud.plan_check.shape import shape_problems


def verify(plan: Plan, name: str, data: Mapping[str, Any] | None = None) -> None:
    """Raise InvalidDocument, with every figure that disagrees with others, by field.

    ``data`` is the document as it was read, whose digest must be the one that it states, if any.
    """
    # the others reckon with what has the right shape
    problems = list(shape_problems(plan)) or [
        *fleet_problems(plan),
        *money_problems(plan),
        *demand_problems(plan),
    ]
    stated = (data or {}).get("digest")
    if data is not None and stated is not None:
        found = digest({key: value for key, value in data.items() if key != "digest"})
        if stated != found:
            what = f"is {stated}, but the plan's content has {found}: it was edited after planning"
            problems.append(Problem("digest", what))
    if problems:
        raise InvalidDocument(name, "plan", problems)
