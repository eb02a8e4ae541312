"""T(c, b): what one replica sustains at a size while the SLO holds."""

from __future__ import annotations

from math import inf, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import RISING, Point, grids, points, positive, profile

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.throughput import Slo, Throughput, Throughputs
from melange_cloud.workload.grid import Bucket, Range

SIZE = (100, 50)


def at(points: list[Point], slo: Slo) -> Throughput:
    return Throughputs(profile({SIZE: points}), slo).at_size(*SIZE)


def test_linear_between_the_last_point_that_holds_and_the_first_that_does_not() -> None:
    assert at(RISING, Slo(30)).rate == pytest.approx(1.8 + (30 - 25) / (40 - 25) * (3.0 - 1.8))


def test_the_tighter_limit_decides() -> None:
    by_ttft = 1.8 + (70 - 60) / (100 - 60) * (3.0 - 1.8)
    assert at(RISING, Slo(35, ttft_ms=70)).rate == pytest.approx(by_ttft)
    by_tpot = 1.8 + (27 - 25) / (40 - 25) * (3.0 - 1.8)
    assert at(RISING, Slo(27, ttft_ms=95)).rate == pytest.approx(by_tpot)


def test_the_highest_rate_when_all_hold_and_none_when_the_first_fails() -> None:
    assert at(RISING, Slo(80)) == (4.0, None)
    assert at(RISING, Slo(19.9)) == (0, "slo")
    assert at(RISING, Slo(80, ttft_ms=49)) == (0, "slo")


def test_a_rate_that_falls_beyond_saturation_does_not_lower_what_was_sustained() -> None:
    assert at([*RISING, (16, 3.5, 400, 90)], Slo(90)).rate == 4.0
    assert at([*RISING, (16, 3.5, 400, 90)], Slo(85)).rate == 4.0


def test_random_arrivals_test_the_curve_and_are_no_part_of_it() -> None:
    rows: list[list[float | str | None]] = [
        [100, 10, 1, 1.0, 20.0, "closed"],
        [100, 10, 4, 3.0, 40.0, "closed"],
        [100, 10, 0.5, 0.2, 90.0, "poisson"],
        [200, 10, 2, 1.5, 30.0, "poisson"],
    ]
    columns = ["input_tokens", "output_tokens", "concurrency", "request_rate", "tpot_ms_mean"]
    found = Throughputs(
        profile({(100, 10): RISING}).model_copy(
            update={"columns": [*columns, "arrivals"], "points": rows}
        ),
        Slo(40),
    )
    assert found.at_size(100, 10).rate == 3.0
    assert found.at_size(200, 10).rate == 1.5  # all that is known there


def test_points_behind_a_failure_do_not_count() -> None:
    assert at([(1, 1.0, 10, 20), (2, 2.0, 10, 50), (4, 9.0, 10, 20)], Slo(20)).rate == 1.0


def test_points_are_taken_by_concurrency_not_by_their_order() -> None:
    assert at(list(reversed(RISING)), Slo(30)) == at(RISING, Slo(30))


def test_the_percentile_asked_for() -> None:
    """The samples' p99 is twice their mean."""
    assert at(RISING, Slo(60, percentile=99)) == at(RISING, Slo(30))
    assert at(RISING, Slo(60, ttft_ms=160, percentile=99)) == at(RISING, Slo(30, ttft_ms=80))


def test_a_percentile_that_the_profile_does_not_have() -> None:
    made = profile({SIZE: RISING})
    rows = [[*row[:7], None, *row[8:]] for row in made.points]
    without = made.model_copy(update={"points": rows})
    assert Throughputs(without, Slo(100)).at_size(*SIZE).rate == 4
    with pytest.raises(InvalidInput, match="L4 of some/model has no tpot_ms_p99") as raised:
        Throughputs(without, Slo(100, percentile=99))
    assert raised.value.exit_code == 2
    assert "set slo.percentile to mean" in str(raised.value)


def test_a_profile_without_times_to_first_token() -> None:
    made = profile({SIZE: RISING}, source="published")
    rows = [[*row[:4], None, None, *row[6:]] for row in made.points]
    without = made.model_copy(update={"points": rows})
    assert Throughputs(without, Slo(100)).at_size(*SIZE).rate == 4
    with pytest.raises(InvalidInput, match="of some/model has no ttft_ms_mean") as raised:
        Throughputs(without, Slo(100, ttft_ms=1000))
    assert "leave out slo.ttft_ms" in str(raised.value)


def test_an_unseen_latency_holds_no_limit() -> None:
    made = profile({SIZE: RISING})
    rows = [*made.points[:2], [*made.points[2][:6], None, *made.points[2][7:]], made.points[3]]
    assert (
        Throughputs(made.model_copy(update={"points": rows}), Slo(100)).at_size(*SIZE).rate == 1.8
    )


@pytest.mark.parametrize("limits", [(0, None), (-1, None), (nan, None), (10, 0), (10, nan)])
def test_limits_are_above_zero(limits: tuple[float, float | None]) -> None:
    with pytest.raises(InvalidInput, match="must be above 0"):
        Slo(*limits)


def flat(rate: float) -> list[Point]:
    return [(1, rate, 10, 10)]


SQUARE = {(100, 10): flat(8), (100, 40): flat(2), (400, 10): flat(4), (400, 40): flat(1)}


def test_between_sizes_bilinear_in_the_logarithms() -> None:
    throughputs = Throughputs(profile(SQUARE), Slo(100))
    assert throughputs.at_size(200, 10).rate == pytest.approx(sqrt(8 * 4))
    assert throughputs.at_size(400, 20).rate == pytest.approx(sqrt(4 * 1))
    assert throughputs.at_size(200, 20).rate == pytest.approx((8 * 2 * 4 * 1) ** 0.25)


def test_a_bucket_is_judged_at_its_upper_edges() -> None:
    throughputs = Throughputs(profile(SQUARE), Slo(100))
    bucket = Bucket(Range(100, 400), Range(10, 40))
    assert throughputs.at(bucket) == throughputs.at_size(400, 40) == (1.0, None)


def test_below_the_smallest_the_smallest_and_beyond_the_largest_nothing() -> None:
    throughputs = Throughputs(profile(SQUARE), Slo(100))
    assert throughputs.at_size(1, 1).rate == 8
    assert throughputs.at_size(1, 20).rate == pytest.approx(sqrt(8 * 2))
    assert throughputs.at_size(401, 10) == (0, "not profiled")
    assert throughputs.at_size(100, 41) == (0, "not profiled")


def test_a_missing_corner_is_not_guessed_and_only_needed_ones_count() -> None:
    corners = {size: at_size for size, at_size in SQUARE.items() if size != (100, 40)}
    throughputs = Throughputs(profile(corners), Slo(100))
    assert throughputs.at_size(200, 20) == (0, "not profiled")
    assert throughputs.at_size(200, 10).rate > 0
    assert throughputs.at_size(400, 20).rate > 0


def test_zero_at_a_corner_makes_it_zero() -> None:
    slow = profile(SQUARE | {(400, 40): [(1, 1, 10, 500)]})
    assert Throughputs(slow, Slo(100)).at_size(200, 20) == (0, "slo")
    nothing_served = SQUARE | {(400, 40): [(1.0, 0.0, 0.0, 0.0)]}
    failed = Throughputs(profile(nothing_served), Slo(100))
    assert failed.at_size(200, 20) == failed.at_size(400, 40) == (0, "failed")
    full = Throughputs(profile(nothing_served, source="estimated"), Slo(100))
    assert full.at_size(200, 20) == full.at_size(400, 40) == (0, "memory")
    assert full.at_size(200, 10).rate > 0


def test_the_context_length_is_the_services_or_else_the_models() -> None:
    made = profile(SQUARE, max_model_len=140)
    assert Throughputs(made, Slo(100)).at_size(100, 40).rate == 2
    assert Throughputs(made, Slo(100)).at_size(101, 40) == (0, "context")
    assert Throughputs(made, Slo(100), 139).at_size(100, 40) == (0, "context")
    assert Throughputs(made, Slo(100), 440).at_size(400, 40).rate == 1
    unlimited = profile(SQUARE, max_model_len=None)
    assert Throughputs(unlimited, Slo(100)).at_size(400, 40).rate == 1


limits = st.one_of(positive, st.just(inf))


@given(points(), limits, limits)
def test_a_tighter_slo_never_allows_more(at_size: list[Point], a: float, b: float) -> None:
    tight, loose = sorted((a, b))
    assert at(at_size, Slo(tight)).rate <= at(at_size, Slo(loose)).rate
    assert at(at_size, Slo(inf, tight)).rate <= at(at_size, Slo(inf, loose)).rate
    assert at(at_size, Slo(a, b)).rate <= min(
        at(at_size, Slo(a)).rate, at(at_size, Slo(inf, b)).rate
    )


sizes = st.integers(1, 1200)


@given(grids(), limits, sizes, sizes)
def test_never_above_what_was_seen_and_a_reason_exactly_when_zero(
    grid: dict[tuple[int, int], list[Point]], tpot_ms: float, i: int, o: int
) -> None:
    highest = max(rate for at_size in grid.values() for _, rate, _, _ in at_size)
    rate, why = Throughputs(profile(grid), Slo(tpot_ms)).at_size(i, o)
    assert 0 <= rate <= highest * (1 + 1e-12)
    assert (rate == 0) == (why is not None)


@given(grids(), limits)
def test_profiled_sizes_are_what_was_profiled_there(
    grid: dict[tuple[int, int], list[Point]], tpot_ms: float
) -> None:
    whole = Throughputs(profile(grid), Slo(tpot_ms))
    for (i, o), at_size in grid.items():
        alone = Throughputs(profile({(i, o): at_size}), Slo(tpot_ms))
        assert whole.at_size(i, o) == alone.at_size(i, o)


@given(grids(), limits, sizes, sizes)
def test_between_sizes_lies_between_the_corners(
    grid: dict[tuple[int, int], list[Point]], tpot_ms: float, i: int, o: int
) -> None:
    throughputs = Throughputs(profile(grid), Slo(tpot_ms))
    rate = throughputs.at_size(i, o).rate
    corners = [throughputs.at_size(*size).rate for size in grid]
    assert rate == 0 or min(filter(None, corners)) * (1 - 1e-9) <= rate <= max(corners) * (1 + 1e-9)
