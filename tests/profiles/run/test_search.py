"""Which load to try next."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_server import Law, Size

from melange_cloud.profiles.run.point import Point, unserved
from melange_cloud.profiles.run.search import (
    dominated,
    expected_duration_s,
    holds,
    hopeless,
    next_concurrency,
)

SIZE = (250, 100)


def at(
    concurrency: float, rate: float, tpot_ms: float | None, size: Size = SIZE, ttft_ms: float = 50
) -> Point:
    return Point(*size, concurrency, rate, ttft_ms, ttft_ms, tpot_ms, tpot_ms, 99, 0, 0.1, "closed")


def of_law(concurrency: int, law: Law, size: Size = SIZE) -> Point:
    tpot_ms = 1000 * law.tpot_s(concurrency, size)
    ttft_ms = 1000 * law.prefill_s(size[0])
    return at(concurrency, law.rate(concurrency, size), tpot_ms, size, ttft_ms)


def search(law: Law, slos_ms: list[float], highest: int = 1024) -> list[int]:
    points: list[Point] = []
    while (concurrency := next_concurrency(points, slos_ms, highest)) is not None:
        points.append(of_law(concurrency, law))
    return [int(point.concurrency) for point in points]


def test_doubles_until_the_slo_breaks_then_halves_the_gap() -> None:
    law = Law(step=20e-3, per_sequence=1e-3, per_cached_token=0, prefill=0, per_prompt_token=0)
    assert search(law, [31]) == [1, 2, 4, 8, 16, 12, 10]  # breaks at 11


def test_the_gap_of_each_slo_is_halved() -> None:
    law = Law(step=20e-3, per_sequence=1e-3, per_cached_token=0, prefill=0, per_prompt_token=0)
    assert search(law, [31, 63]) == [1, 2, 4, 8, 16, 32, 64, 48, 40, 12, 10]


def test_goes_no_further_when_one_request_alone_breaks_all() -> None:
    assert next_concurrency([at(1, 1, 50)], [40, 30]) is None
    assert next_concurrency([at(1, 1, 50)], [40, 60]) == 2
    assert next_concurrency([unserved(SIZE, 3)], [40]) is None


def test_goes_no_further_when_the_engine_is_full() -> None:
    full = [at(1, 1, 10), at(2, 2, 10), at(4, 2.01, 10), at(8, 2.02, 10)]
    assert next_concurrency(full, [40]) is None
    assert next_concurrency([*full[:3], at(8, 2.1, 10)], [40]) == 16


def test_one_bad_moment_does_not_make_the_engine_full() -> None:
    dip = [at(1, 1, 10), at(2, 2, 10), at(4, 1.9, 10)]
    assert next_concurrency(dip, [40]) == 8
    assert next_concurrency([*dip, at(8, 5, 10)], [40]) == 16


def test_goes_no_further_than_the_highest() -> None:
    law = Law(per_sequence=0, per_cached_token=0, prefill=0, per_prompt_token=0)
    assert search(law, [40], highest=24) == [1, 2, 4, 8, 16, 24]


def test_a_load_that_fails_is_a_break() -> None:
    """Latencies of a load with many errors are None: the search goes back from there."""
    points = [at(1, 1, 10), at(2, 2, 10), at(4, 4, 10), at(8, 3, None)]
    assert next_concurrency(points, [40]) == 6


def test_poisson_points_do_not_steer_it() -> None:
    points = [at(1, 1, 10), at(2, 2, 10)]
    confirmed = Point(*SIZE, 1.7, 1.8, 1, 1, 99, 99, 9, 0, 1, "poisson")
    assert next_concurrency([*points, confirmed], [40]) == next_concurrency(points, [40])


laws = st.builds(
    Law,
    step=st.floats(1e-3, 0.05),
    per_sequence=st.floats(0, 3e-3),
    per_cached_token=st.floats(0, 1e-6),
    prefill=st.floats(1e-3, 0.1),
)


@settings(deadline=None)
@given(laws, st.lists(st.floats(5, 200), min_size=1, max_size=3))
def test_ends_with_each_slo_closely_bracketed(law: Law, slos_ms: list[float]) -> None:
    points = [of_law(c, law) for c in search(law, slos_ms)]
    loads = sorted(int(p.concurrency) for p in points)
    assert len(loads) == len(set(loads)) <= 11 + 5 * len(slos_ms)
    for slo in slos_ms:
        broken = [int(p.concurrency) for p in points if not holds(p, slo)]
        held = [int(p.concurrency) for p in points if holds(p, slo)]
        if broken and held:
            assert min(broken) - max(held) == 1 or min(broken) / max(held) <= 1.25


def test_sizes_no_smaller_than_a_hopeless_one_are_dominated() -> None:
    points = [at(1, 1, 50, (1000, 100)), at(1, 1, 30, (100, 100)), unserved((500, 25), 3)]
    bad = hopeless(points, [40, 35])
    assert bad == {(1000, 100)}
    assert dominated((1000, 250), bad)
    assert dominated((2000, 100), bad)
    assert not dominated((1000, 100), bad)  # itself: it may be measured again
    assert not dominated((500, 250), bad)
    assert not dominated((2000, 50), bad)
    assert hopeless(points, [60]) == set()


def test_durations_are_foreseen_along_a_line() -> None:
    law = Law()
    known = [of_law(c, law) for c in (1, 2, 4, 8)]
    assert expected_duration_s([], 8) is None
    assert expected_duration_s(known, 16) == pytest.approx(16 / law.rate(16, SIZE))
    assert expected_duration_s(known[:1], 2) == pytest.approx(2 / law.rate(2, SIZE), rel=0.1)
