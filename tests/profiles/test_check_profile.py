"""`profile check` finds what no engine does, and leaves sane profiles alone."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import RISING, document, grids, profile

from melange_cloud.documents import validate
from melange_cloud.profiles.check import check_profile, fails
from melange_cloud.profiles.distance import distance
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.estimate import estimate_by_name
from melange_cloud.profiles.store import load_one

SEVEN_B = "meta-llama/Llama-2-7b-hf"


def sane_points(output: int = 100, slower: float = 1.0) -> list[tuple[float, float, float, float]]:
    """Concurrency, requests/s, TTFT, TPOT that obey Little's law."""
    found = []
    for concurrency in (1, 2, 4, 8, 16):
        tpot = (10 + concurrency) * slower
        ttft = 3 * tpot
        found.append((concurrency, concurrency / (ttft + tpot * (output - 1)) * 1e3, ttft, tpot))
    return found


SANE = {(100, 100): sane_points(), (1000, 100): sane_points(slower=1.3)}


def spoilt(size: tuple[int, int] = (100, 100), place: int = 0, **values: Any) -> Profile:
    """The sane profile with some values of one of its points changed."""
    data = document(SANE)
    for row in data["points"]:
        row[data["columns"].index("requests")] = 1000
        row[data["columns"].index("tpot_ms_ci95")] = 0.1
    rows = [row for row in data["points"] if (row[0], row[1]) == size]
    for name, value in values.items():
        rows[place][data["columns"].index(name)] = value
    return validate(Profile, data, "spoilt", "profile")


def test_a_sane_profile_has_no_findings() -> None:
    assert check_profile(spoilt()) == []


@pytest.mark.parametrize(
    ("level", "words", "place", "values"),
    [
        ("fails", "a TPOT of 0", 2, {"tpot_ms_mean": 0, "tpot_ms_p99": 0}),
        ("fails", "fewer requests/s than at a lower load", 4, {"request_rate": 3.0}),
        ("doubtful", "14% fewer requests/s", 4, {"request_rate": 3.75}),
        ("fails", "tokens 47% faster", 4, {"tpot_ms_mean": 9.6, "tpot_ms_p99": 12}),
        ("fails", "p99 of TPOT, 5 ms, is below its mean", 0, {"tpot_ms_p99": 5.0}),
        ("fails", "p99 of TTFT", 0, {"ttft_ms_p99": 1.0}),
        ("fails", "only 5 requests", 1, {"requests": 5}),
        ("doubtful", "only 30 requests", 1, {"requests": 30}),
        ("doubtful", "of 60 requests, the p99", 1, {"requests": 60}),
        ("fails", "300 of 1300 requests failed", 1, {"errors": 300}),
        ("doubtful", "30 of 1030 requests failed", 1, {"errors": 30}),
        ("fails", "TPOT is only known to within 45%", 0, {"tpot_ms_ci95": 5.0}),
        ("doubtful", "TPOT is only known to within 18%", 0, {"tpot_ms_ci95": 2.0}),
        ("doubtful", "no TPOT", 4, {"tpot_ms_mean": None}),
        ("fails", "1000 requests but a rate of 0", 4, {"request_rate": 0.0}),
        # seconds where milliseconds are meant
        ("fails", "requests in flight, not 1", 0, {"tpot_ms_mean": 0.011, "ttft_ms_mean": 0.033}),
        ("fails", "requests in flight, not 1", 0, {"request_rate": 5.0}),
    ],
)  # fmt: skip
def test_each_thing_wrong_is_found(
    level: str, words: str, place: int, values: dict[str, Any]
) -> None:
    found = check_profile(spoilt(place=place, **values))
    assert [f for f in found if words in f.what and f.level == level], [str(f) for f in found]
    assert bool(fails(spoilt(place=place, **values))) == any(f.level == "fails" for f in found)


def test_longer_requests_are_not_served_faster() -> None:
    found = check_profile(
        spoilt(size=(1000, 100), place=2, request_rate=4.0, tpot_ms_mean=9.5, ttft_ms_mean=30)
    )
    assert any("more requests/s than the shorter 100x100" in finding.what for finding in found)


def test_a_run_shorter_than_ten_requests_is_doubtful() -> None:
    found = check_profile(spoilt(place=4, requests=100))
    assert [str(f) for f in found] == [
        "100x100 at concurrency 16: it lasted 6.2 times as long as a request, so its rate is "
        "too low"
    ]


def test_one_load_at_a_size_is_said_once() -> None:
    single = {size: points[:1] for size, points in SANE.items()}
    found = [finding.what for finding in check_profile(profile(single))]
    assert any("only one load at 100x100 and 1 more" in what for what in found)


def test_a_profile_that_served_nothing_fails() -> None:
    nothing = profile({(100, 100): [(1, 0, 0, 0)]})
    assert any("no point served" in finding.what for finding in fails(nothing))


def test_estimates_have_nothing_to_check() -> None:
    assert check_profile(load_one(SEVEN_B, "L4", 1)) == []


@given(grids(), st.sampled_from(["measured", "published"]))
def test_any_profile_can_be_checked(points: Any, source: str) -> None:
    for finding in check_profile(profile(points, source=source)):
        assert finding.level in ("fails", "doubtful")
        assert str(finding)


def test_a_check_is_quick_enough_for_every_plan() -> None:
    large = load_one(SEVEN_B, "H100", 1).model_copy(update={"source": "measured"})
    start = time.perf_counter()
    check_profile(large)
    assert time.perf_counter() - start < 0.2  # about 10 ms for 656 points


def test_the_distance_of_a_profile_from_itself_is_0() -> None:
    estimate = estimate_by_name(SEVEN_B, "L4", sizes=["100x100", "1000x250"])
    found = distance(estimate, estimate)
    assert found.tpot is not None
    assert (found.tpot.median, found.tpot.worst, found.uncovered) == (0, 0, [])


def test_the_distance_is_in_parts_of_what_was_measured() -> None:
    estimate = profile({(100, 100): RISING}, source="estimated")
    half = [(c, rate / 2, ttft, tpot * 2) for c, rate, ttft, tpot in RISING]
    measured = profile({(100, 100): half, (500, 100): half})
    found = distance(measured, estimate)
    assert asdict(found) == {
        "tpot": {"points": 4, "median": 0.5, "worst": 0.5},
        "rate": {"points": 4, "median": 1.0, "worst": 1.0},
        "uncovered": [(500, 100)],
    }


def test_between_loads_the_estimate_is_interpolated() -> None:
    estimate = profile({(100, 100): [(1, 1.0, 1, 10), (4, 4.0, 1, 40)]}, source="estimated")
    measured = profile({(100, 100): [(2, 2.0, 1, 20), (64, 4.0, 1, 40)]})
    found = distance(measured, estimate)
    assert found.rate is not None
    assert found.rate.worst == pytest.approx(0)  # above the highest load it stays


def test_a_plan_says_that_a_profile_is_not_sane(melange: Any, tmp_path: Path) -> None:
    data = load_one(SEVEN_B, "A10G", 1).model_dump(mode="json")
    data["source"] = "measured"
    place = data["columns"].index("requests")
    for row in data["points"]:
        row[place] = 3
    folder = tmp_path / SEVEN_B
    folder.mkdir(parents=True)
    (folder / "A10G.json").write_text(validate(Profile, data, "x", "profile").to_json())
    chat = Path(__file__).parents[2] / "examples" / "chat.yaml"
    ended = melange("plan", chat, "--profiles", tmp_path, "--out", tmp_path / "plan.json")
    assert ended.code == 0
    assert "the profile of A10G fails its checks" in " ".join(ended.out.split())
    sane = melange("plan", chat, "--out", tmp_path / "plan.json")
    assert "not sane" not in sane.out
