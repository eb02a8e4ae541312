"""Whole runs in virtual time: what is tried, skipped, kept, and gone on with."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from profiling_harness import Ran, profile_stub
from stub_server import Faults, Law, Size, Stub
from virtual_time import run_virtually

from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.profiles.run.load import Precision

LAW = Law(step=20e-3, per_sequence=4e-3, prefill=10e-3, per_prompt_token=1e-4)
SIZES = [(i, o) for i in (25, 250, 1000) for o in (10, 20, 40)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "L4.json"


def test_asks_for_random_tokens_in_exact_number(path) -> None:
    stub = Stub(LAW)
    run_virtually(profile_stub(path, stub, [(300, 10)], [40.0]))
    prompts = [asked["prompt"] for asked in stub.asked]
    assert len(prompts) > 50
    assert {len(prompt) for prompt in prompts} == {300}
    assert all(type(token) is int for token in prompts[0])
    # no two begin alike, so no block of the prefix cache is used twice
    assert len({tuple(prompt[:16]) for prompt in prompts}) == len(prompts)
    for asked in stub.asked:
        assert asked["ignore_eos"] is True
        assert asked["max_tokens"] == 10
        assert asked["stream_options"] == {"include_usage": True}


def test_starts_are_spread_over_a_request(path) -> None:
    """Eight clients that start together would be let in, and end, together."""
    ran = run_virtually(profile_stub(path, Stub(LAW), [(25, 40)], [60.0]))
    law = [LAW.rate(p.concurrency, p.size) for p in ran.points]
    assert [p.request_rate for p in ran.points] == pytest.approx(law, rel=0.01)


def test_a_size_is_skipped_when_a_smaller_one_breaks_every_slo_alone(path) -> None:
    slow = Law(step=20e-3, per_cached_token=1e-5)  # 45 ms at 2000 tokens
    sizes = [(250, 20), (2500, 20), (2500, 40), (4000, 20), (4000, 40), (25, 80)]
    stub = Stub(slow)
    ran = run_virtually(profile_stub(path, stub, sizes, [40.0, 30.0]))
    assert ran.profile.sizes == sorted(sizes)
    assert ran.rate((250, 20), 40) > 0
    assert ran.rate((25, 80), 40) > 0
    for size in [(2500, 40), (4000, 20), (4000, 40)]:
        (point,) = ran.at(size)
        assert (point.request_rate, point.requests, point.tpot_ms_mean) == (0, 0, None)
        assert ran.rate(size, 40) == 0
    assert [p.concurrency for p in ran.at((2500, 20))] == [1]
    assert {len(asked["prompt"]) for asked in stub.asked} == {25, 250, 2500}


def test_a_size_longer_than_the_context_is_left_out(path) -> None:
    stub = Stub(LAW)
    stub.max_model_len = 270
    ran = run_virtually(profile_stub(path, stub, [(250, 20), (251, 20)], [40.0]))
    assert ran.profile.sizes == [(250, 20)]
    assert "left out 1 size, longer than the 270 tokens that the server takes" in ran.lines[0]


def test_an_engine_that_runs_few_at_once_is_full(path) -> None:
    """Further requests queue: TPOT holds for ever, and only TTFT grows."""
    stub = Stub(LAW)
    stub.most_running = 4
    ran = run_virtually(profile_stub(path, stub, [(25, 20)], [60.0]))
    points = ran.at((25, 20))
    assert [p.concurrency for p in points] == [1, 2, 4, 8, 16]  # full at 4, and twice found so
    assert points[4].request_rate < 1.05 * points[2].request_rate
    assert (points[3].ttft_ms_mean or 0) > 5 * (points[2].ttft_ms_mean or 0)


def test_the_budget_is_kept_and_reaches_the_largest_sizes(path) -> None:
    """About a tenth of what all sizes would take."""
    ran = run_virtually(profile_stub(path, Stub(LAW), SIZES, [40.0, 80.0], limit_s=60))
    assert ran.error is None
    assert 40 < ran.seconds <= 62
    assert ran.profile.sizes == sorted(SIZES)
    assert (1000, 40) in ran.short
    assert len(ran.at((1000, 40))) >= 2
    for point in ran.points:
        assert point.request_rate == pytest.approx(LAW.rate(point.concurrency, point.size), rel=0.1)


def test_too_little_time_for_anything(path) -> None:
    ran = run_virtually(profile_stub(path, Stub(LAW), SIZES, [40.0], limit_s=0.05))
    assert not path.exists()
    assert len(ran.short) == len(SIZES)


def test_the_time_left_comes_true(path) -> None:
    ran = run_virtually(profile_stub(path, Stub(LAW), SIZES, [40.0], limit_s=60))
    assert all(line.rsplit("; ", 1)[1].endswith(" left") for line in ran.lines)
    assert "about 0 s left" in ran.lines[-1] or ran.seconds > 50


def test_resume_goes_on_where_it_stopped(path) -> None:
    whole = run_virtually(profile_stub(path.with_name("whole.json"), Stub(LAW), SIZES[:4], [40.0]))
    cut = run_virtually(
        profile_stub(path, Stub(LAW), SIZES[:4], [40.0], limit_s=whole.seconds / 12)
    )
    assert cut.short
    first = cut.points
    stub = Stub(LAW)
    ran = run_virtually(profile_stub(path, stub, SIZES[:4], [40.0], resume=True))
    assert not ran.short
    assert all(point in ran.points for point in first)
    for size in SIZES[:4]:
        assert ran.rate(size, 40) == pytest.approx(LAW.best_rate(0.04, size), rel=0.05)
    again = Stub(LAW)
    same = run_virtually(profile_stub(path, again, SIZES[:4], [40.0], resume=True))
    assert same.points == ran.points
    assert not again.asked


def test_resume_for_another_slo_adds_its_points(path) -> None:
    before = run_virtually(profile_stub(path, Stub(LAW), [(25, 20)], [40.0])).points
    ran = run_virtually(profile_stub(path, Stub(LAW), [(25, 20)], [40.0, 70.0], resume=True))
    assert set(before) < set(ran.points)
    for slo_ms in (40.0, 70.0):
        true = LAW.best_rate(slo_ms / 1000, (25, 20))
        assert ran.rate((25, 20), slo_ms) == pytest.approx(true, rel=0.05)


def test_nothing_is_overwritten_without_resume(path) -> None:
    run_virtually(profile_stub(path, Stub(LAW), [(25, 10)], [30.0]))
    before = path.read_bytes()
    ran = run_virtually(profile_stub(path, Stub(LAW), [(25, 10)], [30.0]))
    assert isinstance(ran.error, InvalidInput)
    assert "--resume" in str(ran.error)
    assert path.read_bytes() == before


def test_resume_of_another_run_is_refused(path) -> None:
    run_virtually(profile_stub(path, Stub(LAW), [(25, 10)], [30.0]))
    path.write_text(path.read_text().replace("0.32.0", "0.11.2").replace("L4", "T4"))
    ran = run_virtually(profile_stub(path, Stub(LAW), [(25, 10)], [30.0], resume=True))
    assert isinstance(ran.error, InvalidInput)
    assert "GPU T4, not L4; engine version 0.11.2, not 0.32.0" in str(ran.error)


def test_poisson_arrivals_confirm_the_rate_found(path) -> None:
    precise = Precision(least_durations=100, most_durations=150)
    ran = run_virtually(
        profile_stub(path, Stub(LAW), [(250, 20)], [50.0], confirm=True, precision=precise)
    )
    (point,) = ran.at((250, 20), "poisson")
    true = LAW.best_rate(0.05, (250, 20))
    assert point.request_rate == pytest.approx(true, rel=0.1)
    # chance crowds requests: at a rate that steady clients have at 50 ms, somewhat more
    assert 47 < (point.tpot_ms_mean or 0) < 80
    in_flight = point.request_rate * (20 * (point.tpot_ms_mean or 0) + 35) / 1000
    assert point.concurrency == pytest.approx(in_flight, rel=0.15)
    assert "arriving at random" in ran.lines[-1]


@dataclass(frozen=True)
class Tiring(Law):
    """A hundred times slower once it has been asked often."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    often: int = 0

    def decode_s(self, running: int, size: Size) -> float:
        return super().decode_s(running, size) * (100 if len(self.asked) > self.often else 1)


def test_a_rate_at_which_requests_pile_up_is_said_and_not_recorded(path, tmp_path) -> None:
    steady = Stub(LAW)
    run_virtually(profile_stub(tmp_path / "steady.json", steady, [(250, 20)], [50.0]))
    stub = Stub()
    stub.law = Tiring(**asdict(LAW), asked=stub.asked, often=len(steady.asked))
    ran = run_virtually(profile_stub(path, stub, [(250, 20)], [50.0], confirm=True))
    assert ran.points
    assert not ran.at((250, 20), "poisson")
    assert "requests/s arriving at random; the SLO of 50 ms is not held" in ran.lines[-1]


def test_a_size_refused_is_recorded_as_failed_and_the_rest_goes_on(path) -> None:
    stub = Stub(LAW, Faults(longest=15))
    ran = run_virtually(profile_stub(path, stub, [(25, 10), (25, 20), (250, 10)], [40.0]))
    assert ran.error is None
    assert ran.rate((25, 10), 40) > 0
    assert ran.rate((250, 10), 40) > 0
    (point,) = ran.at((25, 20))
    assert (point.request_rate, point.errors) == (0, 3)
    assert any("that is too long for me" in line for line in ran.lines)


def test_a_failed_size_is_tried_again_on_resume(path) -> None:
    run_virtually(profile_stub(path, Stub(LAW, Faults(longest=15)), [(25, 10), (25, 20)], [40.0]))
    ran = run_virtually(profile_stub(path, Stub(LAW), [(25, 10), (25, 20)], [40.0], resume=True))
    assert ran.rate((25, 20), 40) > 0


def test_sizes_that_all_fail_end_the_run(path) -> None:
    stub = Stub(LAW, Faults(longest=5))
    ran = run_virtually(profile_stub(path, stub, SIZES, [40.0]))
    assert isinstance(ran.error, OutsideError)
    assert "no request was served at 3 sizes in a row" in str(ran.error)
    assert "that is too long for me" in str(ran.error)


def test_few_errors_are_counted_and_many_are_a_break(path) -> None:
    few = Stub(LAW, Faults("500", after=100, until=101))
    ran = run_virtually(profile_stub(path, few, [(25, 20)], [60.0]))
    assert sum(p.errors or 0 for p in ran.points) <= 1
    path.unlink()
    busy = Stub(LAW)
    busy.faults = Faults("500", after=80)
    ran = run_virtually(profile_stub(path, busy, [(25, 20)], [60.0]))
    broken = [p for p in ran.points if p.errors]
    assert broken
    assert all(p.tpot_ms_mean is None for p in broken)
    assert any("CUDA out of memory" in line for line in ran.lines)


def test_every_point_is_on_disk_before_the_next_begins(path) -> None:
    """Read the file at each report: it is whole, and has one point more each time."""
    sizes: list[int] = []

    class Looking(list[str]):
        def append(self, line: str) -> None:
            if "requests/s" in line:
                sizes.append(len(Ran(path).points))

    stub, wanted = Stub(LAW), [(25, 10), (25, 20)]
    run_virtually(profile_stub(path, stub, wanted, [40.0], lines=Looking()))
    assert sizes == list(itertools.islice(itertools.count(1), len(sizes)))
    assert len(sizes) >= 6
