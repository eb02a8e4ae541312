"""From the requests of a span of time to a point."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.profiles.run.client import Request
from melange_cloud.profiles.run.point import Window, half_width, p99, student_t95, summarise
from melange_cloud.profiles.run.stream import Failure

SIZE = (100, 11)


def request(
    started: float, first: float | None = None, ended: float | None = None, failed: bool = False
) -> Request:
    made = Request(*SIZE, started=started, first=first, ended=ended)
    if failed:
        made.failure = Failure("http", "HTTP 503: busy")
    return made


def batch(clients: int, start: float, count: int) -> list[Request]:
    """Clients in step: each request takes 1 s, its first token 0.1 s."""
    return [
        request(start + n, start + n + 0.1, start + n + 1.0)
        for n in range(count)
        for _ in range(clients)
    ]


@settings(deadline=None)
@given(st.floats(2, 5), st.floats(5, 40), st.integers(1, 20))
def test_the_rate_of_clients_in_step_does_not_hang_on_where_the_window_lies(
    start: float, seconds: float, clients: int
) -> None:
    """Counting ends in the window would scatter by a whole batch: 10% of ten durations."""
    window = Window(start, start + seconds)
    point = summarise(SIZE, batch(clients, 0, 50), window, "closed", clients)
    assert point.request_rate == pytest.approx(clients, rel=1e-5)
    assert point.tpot_ms_mean == pytest.approx(90)
    assert point.ttft_ms_mean == pytest.approx(100)


def test_a_running_request_counts_towards_the_rate_by_what_it_will_take() -> None:
    running = request(10.0, 10.1)
    point = summarise(SIZE, [*batch(1, 0, 10), running], Window(0, 10.5), "closed", 1)
    assert point.request_rate == pytest.approx(1.0, rel=1e-5)
    assert point.requests == 10


def test_a_point_cut_short_tells_what_its_running_requests_have_shown() -> None:
    running = [request(k / 4, k / 4 + 0.5) for k in range(4)]
    slow = (100, 1001)
    for r in running:
        r.output_tokens = 1001
        r.received = int((20 - (r.first or 0)) / 0.1) + 1
    point = summarise(slow, running, Window(2, 20), "closed", 4)
    assert point.tpot_ms_mean == pytest.approx(100, rel=0.01)
    assert point.request_rate == pytest.approx(4 / (0.5 + 1000 * 0.1), rel=0.01)
    assert point.requests == 0
    assert point.tpot_ms_ci95 is None


def test_nothing_learned_is_no_rate() -> None:
    point = summarise(SIZE, [request(0)], Window(0, 1), "closed", 1)
    assert (point.request_rate, point.tpot_ms_mean, point.requests) == (0, None, 0)


def test_latencies_of_the_few_that_a_failing_server_serves_are_not_kept() -> None:
    good, bad = batch(1, 0, 50), [request(k, ended=k + 0.5, failed=True) for k in range(3)]
    point = summarise(SIZE, [*good, *bad], Window(0, 50), "closed", 1)
    assert (point.requests, point.errors) == (50, 3)
    assert point.tpot_ms_mean is None
    few = summarise(SIZE, [*good, *bad[:2]], Window(0, 50), "closed", 1)
    assert (few.errors, few.tpot_ms_mean) == (2, pytest.approx(90))  # chance
    assert point.request_rate == pytest.approx(1.0)
    one_in_a_hundred = summarise(SIZE, [*batch(2, 0, 50), bad[0]], Window(0, 50), "closed", 2)
    assert one_in_a_hundred.tpot_ms_mean is not None
    assert one_in_a_hundred.errors == 1


def test_the_concurrency_of_random_arrivals_is_the_mean_in_flight() -> None:
    requests = [request(k, k + 0.1, k + 0.5) for k in range(10)]
    point = summarise(SIZE, requests, Window(0, 10), "poisson")
    assert point.concurrency == 0.5
    assert point.arrivals == "poisson"


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    """Steps that all running requests share: 8 requests a span are not 8 samples."""
    chance = random.Random(5)
    covered = 0
    for _ in range(300):
        requests = []
        for span in range(12):
            tpot = chance.gauss(0.1, 0.01)
            requests += [request(span, span + 0.1, span + 0.1 + 10 * tpot - 0.2) for _ in range(8)]
        half = half_width(requests, Window(0, 12), 1.0)
        assert half is not None
        mean = fmean(((r.ended or 0) - (r.first or 0)) / 10 for r in requests)
        covered += abs(mean - (0.1 - 0.02)) <= half
    assert 0.91 <= covered / 300 <= 0.99


def test_no_interval_from_less_than_three_spans() -> None:
    assert half_width(batch(4, 0, 2), Window(0, 2), 1.0) is None


@pytest.mark.parametrize(("freedom", "t"), [(3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045)])
def test_students_t(freedom: int, t: float) -> None:
    """Published table values."""
    assert student_t95(freedom) == pytest.approx(t, rel=0.005)


def test_p99() -> None:
    assert p99([7.0]) == 7
    assert p99([float(k) for k in range(101)]) == 99
    assert p99([1.0, 2.0]) == pytest.approx(1.99)
