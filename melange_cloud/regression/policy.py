"""What a change of cost may be: limits on the increase and on the bill, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from melange_cloud.documents import Document
from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.plan import Cost
from melange_cloud.service import Increase, ServicePolicy

Verdict = Literal["pass", "warn", "fail", "infeasible"]
LimitName = Literal["max_increase", "warn_increase", "budget"]

HALF_A_CENT_A_YEAR = 5e-7
"""USD/h by which a limit may be passed: the rounding of money in a plan."""


class Policy(Document):
    """The limits a change is judged by. An increase passes the limit when it exceeds it."""

    max_increase: list[Increase] = Field(description="of the baseline's cost, or USD per hour")
    warn_increase: list[Increase]
    budget: float | None = Field(description="USD per month, for the GPU pools")


class Limit(Document):
    """A limit, and how the cost stands to it."""

    limit: LimitName
    allowed: str = Field(description="as people read it: 5%, 2.50 $/h, 20,000.00 $/month")
    verdict: Literal["fail", "warn"] = Field(description="what it is to exceed it")
    exceeded: bool
    words: str


def policy_of(
    service: ServicePolicy,
    max_increase: Sequence[str] = (),
    warn_increase: Sequence[str] = (),
    budget: float | None = None,
) -> Policy:
    """The service's policy with command-line options over it; each option replaces its own limit.

    Where neither says anything, no increase is allowed: 0%.
    Raises InvalidInput for an option that is no increase.
    """
    most = _given("--max-increase", max_increase, service.max_increase)
    warn = _given("--warn-increase", warn_increase, service.warn_increase)
    money = service.budget if budget is None else budget
    if money is not None and not (math.isfinite(money) and money > 0):
        raise InvalidInput(f"--budget must be a number of USD per month above 0, is {money:g}")
    if not most and not warn and money is None:
        most = ["0%"]
    return Policy(max_increase=most, warn_increase=warn, budget=money)


def judge(policy: Policy, before: Cost | None, now: Cost) -> tuple[Verdict, list[Limit]]:
    """The verdict, and how the cost stands to each limit. Without a plan before, only the budget
    counts."""
    limits = []
    if before is not None:
        limits = [
            _increase_limit("max_increase", "fail", x, before, now) for x in policy.max_increase
        ]
        limits += [
            _increase_limit("warn_increase", "warn", x, before, now) for x in policy.warn_increase
        ]
    if policy.budget is not None:
        limits.append(_budget_limit(policy.budget, now))
    passed = {limit.verdict for limit in limits if limit.exceeded}
    return "fail" if "fail" in passed else "warn" if "warn" in passed else "pass", limits


def limit_words(limit: str | float) -> str:
    """A limit as people read it: ``5%`` or ``2.50 $/h``."""
    return limit if isinstance(limit, str) else f"{limit:,.2f} $/h"


def _increase_limit(
    name: LimitName, verdict: Literal["fail", "warn"], limit: str | float, before: Cost, now: Cost
) -> Limit:
    rise = now.usd_per_hour - before.usd_per_hour
    most = limit
    by = f"{rise:,.2f} $/h"
    if isinstance(limit, str):
        most = float(limit.removesuffix("%")) / 100 * before.usd_per_hour
        if before.usd_per_hour:
            by = f"{rise / before.usd_per_hour:.2%}"
    exceeded = rise > float(most) + HALF_A_CENT_A_YEAR
    allowed = f"{limit_words(limit)} is {'allowed' if verdict == 'fail' else 'worth a warning'}"
    if not most:
        allowed = "no increase is allowed" if verdict == "fail" else "any increase is a warning"
    said = f"costs {by} more than the baseline" if rise > HALF_A_CENT_A_YEAR else "costs no more"
    return Limit(
        limit=name,
        allowed=limit_words(limit),
        verdict=verdict,
        exceeded=exceeded,
        words=f"{said}; {allowed}",
    )


def _budget_limit(budget: float, now: Cost) -> Limit:
    exceeded = now.usd_per_month > budget + 0.005
    return Limit(
        limit="budget",
        allowed=f"{budget:,.2f} $/month",
        verdict="fail",
        exceeded=exceeded,
        words=f"{now.usd_per_month:,.2f} $/month is {'over' if exceeded else 'within'} the budget "
        f"of {budget:,.2f} $/month",
    )


def _given(option: str, words: Sequence[str], own: str | float | None) -> list[str | float]:
    if not words:
        return [] if own is None else [own]
    return [_increase(option, word) for word in words]


def _increase(option: str, word: str) -> str | float:
    text = word.strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InvalidInput(
            f'{option} must be a percentage such as 5% or USD per hour such as 2.50, is "'
            f'{shorten(word)}"'
        )
    return f"{number:.9f}".rstrip("0").rstrip(".") + "%" if text.endswith("%") else number
