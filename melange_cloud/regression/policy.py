"""Limits on the increase of the cost and on the bill, and the verdict by them."""

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
LimitName = Literal["max_increase", "warn_increase", "budget", "stale_plan"]

HALF_A_CENT_A_YEAR = 5e-7
"""USD/h by which a limit may be passed: the rounding of money in a plan."""


class Policy(Document):
    """The limits that a change is judged by. A limit is broken when the increase exceeds it."""

    max_increase: list[Increase] = Field(
        description="percentages of the baseline's cost, or USD per hour; above one, fail"
    )
    warn_increase: list[Increase] = Field(description="as max_increase; above one, warn")
    budget: float | None = Field(description="USD per month, for the GPU pools")
    stale_plan: Literal["warn", "fail"] = Field(
        "warn", description="when the committed plan is not what planning the service now gives"
    )


class Limit(Document):
    """A limit, and how the cost compares with it."""

    limit: LimitName
    allowed: str = Field(description="as people read it: 5%, 2.50 $/h, 20,000.00 $/month")
    verdict: Literal["fail", "warn"] = Field(description="the verdict when it is exceeded")
    exceeded: bool
    words: str


def policy_of(
    service: ServicePolicy,
    max_increase: Sequence[str] = (),
    warn_increase: Sequence[str] = (),
    budget: float | None = None,
) -> Policy:
    """The service's policy, where each command-line option given replaces the limit it names.

    Where neither gives any limit, no increase is allowed: 0%.
    Raises InvalidInput for an option that is neither a percentage nor an amount of money.
    """
    most = _given("--max-increase", max_increase, service.max_increase)
    warn = _given("--warn-increase", warn_increase, service.warn_increase)
    money = service.budget if budget is None else budget
    if money is not None and not (math.isfinite(money) and money > 0):
        raise InvalidInput(f"--budget must be USD per month above 0, but is {money:g}")
    if not most and not warn and money is None:
        most = ["0%"]
    return Policy(
        max_increase=most, warn_increase=warn, budget=money, stale_plan=service.stale_plan
    )


def judge(
    policy: Policy, before: Cost | None, now: Cost, committed: Cost | None = None, stale: str = ""
) -> tuple[Verdict, list[Limit]]:
    """The verdict, and how the cost compares with each limit. Without an earlier plan only the
    budget counts.

    Where the ``committed`` plan costs more than the service planned ``now``, its cost is judged:
    it is the one that will be applied. ``stale`` says in words that it differs otherwise.
    """
    who, judged = "the fleet", now
    if committed is not None and committed.usd_per_hour > now.usd_per_hour + HALF_A_CENT_A_YEAR:
        who, judged = "the committed plan", committed
    limits = []
    if before is not None:
        limits = [
            _increase_limit("max_increase", "fail", x, before, judged, who)
            for x in policy.max_increase
        ]
        limits += [
            _increase_limit("warn_increase", "warn", x, before, judged, who)
            for x in policy.warn_increase
        ]
    if policy.budget is not None:
        limits.append(_budget_limit(policy.budget, judged, who))
    if committed is not None:
        limits.append(_stale_limit(policy, stale))
    passed = {limit.verdict for limit in limits if limit.exceeded}
    return "fail" if "fail" in passed else "warn" if "warn" in passed else "pass", limits


def limit_words(limit: str | float) -> str:
    """A limit as people read it: ``5%`` or ``2.50 $/h``."""
    return limit if isinstance(limit, str) else f"{limit:,.2f} $/h"


def _increase_limit(
    name: LimitName,
    verdict: Literal["fail", "warn"],
    limit: str | float,
    before: Cost,
    now: Cost,
    who: str,
) -> Limit:
    rise = now.usd_per_hour - before.usd_per_hour
    most = limit
    by = f"{rise:,.2f} $/h"
    if isinstance(limit, str):
        most = float(limit.removesuffix("%")) / 100 * before.usd_per_hour
        if before.usd_per_hour:
            by = f"{rise / before.usd_per_hour:.2%}"
    exceeded = rise > float(most) + HALF_A_CENT_A_YEAR
    if verdict == "fail":
        allowed = f"{limit_words(limit)} is allowed" if most else "no increase is allowed"
    else:
        allowed = f"more than {limit_words(limit)} is a warning"
        allowed = allowed if most else "any increase is a warning"
    more = f"{by} more" if rise > HALF_A_CENT_A_YEAR else "no more"
    said = f"{who} costs {more} than the baseline"
    return Limit(
        limit=name,
        allowed=limit_words(limit),
        verdict=verdict,
        exceeded=exceeded,
        words=f"{said}; {allowed}",
    )


def _stale_limit(policy: Policy, stale: str) -> Limit:
    return Limit(
        limit="stale_plan",
        allowed="none" if policy.stale_plan == "fail" else "with a warning",
        verdict=policy.stale_plan,
        exceeded=bool(stale),
        words=stale or "the committed plan is what planning the service now gives",
    )


def _budget_limit(budget: float, now: Cost, who: str) -> Limit:
    exceeded = now.usd_per_month > budget + 0.005
    return Limit(
        limit="budget",
        allowed=f"{budget:,.2f} $/month",
        verdict="fail",
        exceeded=exceeded,
        words=f"{who} costs {now.usd_per_month:,.2f} $/month, which is "
        f"{'over' if exceeded else 'within'} the budget of {budget:,.2f} $/month",
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
            f"{option} must be a percentage such as 5% or USD per hour such as 2.50, but is "
            f'"{shorten(word)}"'
        )
    return f"{number:.9f}".rstrip("0").rstrip(".") + "%" if text.endswith("%") else number
