"""Spreading a limited time over the sizes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.profiles.run.budget import allot, in_order, need_s, point_limit_s
from melange_cloud.profiles.run.search import dominated
from melange_cloud.profiles.sizes import DEFAULT_SIZES

needs = st.lists(st.floats(0, 1e5), min_size=1, max_size=60)


def test_quick_sizes_take_what_they_need_and_slow_ones_share_the_rest() -> None:
    assert allot([10, 1000, 20, 3000], 430) == [10, 200, 20, 200]
    assert allot([10, 1000, 20, 3000], 10_000) == [10, 1000, 20, 3000]
    assert allot([10, 20], -5) == [0, 0]


@settings(deadline=None)
@given(needs, st.floats(0, 1e6))
def test_no_size_gets_less_than_its_equal_part_or_more_than_it_needs(
    needs: list[float], total: float
) -> None:
    shares = allot(needs, total)
    assert sum(shares) == pytest.approx(min(total, sum(needs)), abs=1e-6)
    for need, share in zip(needs, shares, strict=True):
        assert share <= need
        assert share >= min(need, total / len(needs)) * (1 - 1e-9)


@settings(deadline=None)
@given(needs, st.floats(0, 1e6))
def test_a_slower_size_never_gets_less(needs: list[float], total: float) -> None:
    shares = dict(zip(needs, allot(needs, total), strict=True))
    ordered = [shares[need] for need in sorted(shares)]
    assert all(a <= b * (1 + 1e-9) + 1e-9 for a, b in pairwise(ordered))


def test_a_size_comes_behind_all_that_could_rule_it_out() -> None:
    order = in_order(reversed(DEFAULT_SIZES))
    assert sorted(order) == sorted(DEFAULT_SIZES)
    for place, size in enumerate(order):
        assert not any(dominated(size, [later]) for later in order[place + 1 :])


def test_longer_sizes_are_foreseen_to_take_longer() -> None:
    assert need_s((25, 25), [], [40]) < need_s((25, 2000), [], [40])
    assert need_s((25, 25), [], [40]) < need_s((16000, 25), [], [40])
    assert need_s((25, 25), [], [40]) < need_s((25, 25), [], [40, 120])


def test_a_point_gets_its_part_but_not_too_little_for_any() -> None:
    assert point_limit_s(800, 8, 10) == 100
    assert point_limit_s(80, 8, 20) == 60  # three durations
    assert point_limit_s(50, 8, 20) == 50  # all there is
