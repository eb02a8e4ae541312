"""Limits on an increase, and the verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.plan import Cost
from melange_cloud.regression.policy import judge, policy_of
from melange_cloud.service import ServicePolicy


def cost(usd_per_hour: float) -> Cost:
    return Cost(
        usd_per_hour=usd_per_hour,
        usd_per_month=round(730 * usd_per_hour, 2),
        lower_bound_usd_per_hour=usd_per_hour,
    )


@pytest.mark.parametrize(
    ("options", "now", "verdict"),
    [
        ({"max_increase": ["5%"]}, 10.5, "pass"),
        ({"max_increase": ["5%"]}, 10.51, "fail"),
        ({"max_increase": ["2.50"]}, 12.5, "pass"),
        ({"max_increase": ["2.50"]}, 12.51, "fail"),
        ({"max_increase": ["50%", "2.5"]}, 13, "fail"),
        ({"max_increase": ["5%", "25"]}, 11, "fail"),
        ({"max_increase": ["5%"], "warn_increase": ["1%"]}, 10.2, "warn"),
        ({"max_increase": ["5%"], "warn_increase": ["1%"]}, 10.05, "pass"),
        ({"warn_increase": ["0.1"]}, 99, "warn"),
        ({"budget": 7300.0}, 10, "pass"),
        ({"budget": 7299.0}, 10, "fail"),
        ({"budget": 7299.0}, 9, "pass"),
        ({"budget": 73000.0}, 90, "pass"),
        ({"max_increase": ["0%"]}, 10, "pass"),
        ({"max_increase": ["0%"]}, 10.01, "fail"),
        ({"max_increase": ["5%"]}, 1, "pass"),
        ({}, 10, "pass"),
        ({}, 10.01, "fail"),
        ({}, 9, "pass"),
    ],
)
def test_verdicts(options: dict[str, object], now: float, verdict: str) -> None:
    policy = policy_of(ServicePolicy(), **options)  # type: ignore[arg-type]
    assert judge(policy, cost(10), cost(now))[0] == verdict


def test_options_go_over_the_service_one_by_one() -> None:
    own = ServicePolicy(max_increase="5%", warn_increase="1%", budget=100.0)
    policy = policy_of(own, max_increase=["2"], budget=7.0)
    assert policy.max_increase == [2.0]
    assert policy.warn_increase == ["1%"]
    assert policy.budget == 7.0


def test_without_a_baseline_only_the_budget_counts() -> None:
    policy = policy_of(ServicePolicy(max_increase="0%"), budget=100.0)
    verdict, limits = judge(policy, None, cost(10))
    assert verdict == "fail"
    assert [limit.limit for limit in limits] == ["budget"]


def test_a_baseline_that_costs_nothing_allows_no_percentage() -> None:
    policy = policy_of(ServicePolicy(max_increase="50%"))
    assert judge(policy, cost(0), cost(1))[0] == "fail"


@pytest.mark.parametrize("word", ["5 percent", "-1%", "-2", "nan", "inf%", "", "%", "1e999"])
def test_what_is_no_increase_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput, match="--max-increase must be a percentage"):
        policy_of(ServicePolicy(), max_increase=[word])


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_is_above_zero(budget: float) -> None:
    with pytest.raises(InvalidInput, match="--budget"):
        policy_of(ServicePolicy(), budget=budget)


amount = st.floats(0, 1e6, allow_nan=False)


@given(amount, amount, amount, st.floats(0, 1000, allow_nan=False))
def test_more_cost_never_helps(before: float, now: float, more: float, percent: float) -> None:
    policy = policy_of(ServicePolicy(), max_increase=[f"{percent:f}%"], warn_increase=["0"])
    order = ["pass", "warn", "fail"]
    less = judge(policy, cost(before), cost(now))[0]
    worse = judge(policy, cost(before), cost(now + more))[0]
    assert order.index(less) <= order.index(worse)
