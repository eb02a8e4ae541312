"""Measure 6 sizes, get 60: constants corrected by a few measured points."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.asked import Asked, estimate_asked
from melange_cloud.profiles.calibrate import BOUNDS, calibrate
from melange_cloud.profiles.distance import Served
from melange_cloud.profiles.document import COLUMNS, Engine, Profile
from melange_cloud.profiles.facts import Constants, gpu_facts, interconnect_facts, model_facts
from melange_cloud.profiles.roofline import Roofline
from melange_cloud.profiles.sizes import DEFAULT_SIZES

EIGHT_B = "meta-llama/Llama-3.1-8B"
SIZES = [(100, 100), (250, 1000), (1000, 250), (4000, 100), (500, 2000), (12000, 250)]
LOADS = (1, 4, 32, 128)

ENGINES = {
    "of today": Constants(eb=0.82, ef=0.45, t0_s=0.0021, t1_s=0.00003),
    "slow": Constants(eb=0.4, ef=0.25, t0_s=0.02, t1_s=0.002),
    "bound by overhead": Constants(eb=0.9, ef=0.6, t0_s=0.03, t1_s=0.0001),
}


def replica(gpu: str = "A100-80GB", constants: Constants | None = None) -> Roofline:
    facts = gpu_facts(gpu)
    facts = replace(facts, constants=constants) if constants else facts
    return Roofline(model_facts(EIGHT_B), facts, 1, interconnect_facts(facts.interconnect))


def measure(true: Roofline, noise: float, seed: int = 3) -> list[Served]:
    """What a client would see of an engine that keeps to the roofline's law, with noise."""
    dice = random.Random(seed)
    found = []
    for size in SIZES:
        for running in LOADS:
            if running <= true.max_concurrency(*size):
                load = true.load(running, *size)
                rate = load.request_rate * dice.gauss(1, noise)
                tpot = load.tpot_s * 1e3 * dice.gauss(1, noise)
                found.append(Served(size, running, rate, tpot))
    return found


def rate_errors(one: Roofline, true: Roofline) -> list[float]:
    """At all 60 sizes of the grid, light to heavy load."""
    return [
        abs(one.load(b, *size).request_rate / true.load(b, *size).request_rate - 1)
        for size in DEFAULT_SIZES
        for b in (1, 8, 64, 256)
        if b <= true.max_concurrency(*size)
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("gpu", ["A100-80GB", "H100"])
def test_six_sizes_give_sixty(engine: str, gpu: str) -> None:
    true, table = replica(gpu, ENGINES[engine]), replica(gpu)
    found = calibrate(table, measure(true, noise=0.02))
    corrected = replica(gpu, found.constants)
    assert max(rate_errors(corrected, true)) < 0.05
    assert median(rate_errors(table, true)) > 0.1
    assert found.rate_after.median < 0.03 < found.rate_before.median
    assert found.rate_left_out is not None
    assert found.rate_left_out.median < 0.05


def test_points_that_agree_with_the_table_leave_it_as_it_is() -> None:
    table = replica()
    found = calibrate(table, measure(table, noise=0.0))
    for name in ("eb", "ef", "t0_s", "t1_s"):
        assert getattr(found.constants, name) == pytest.approx(
            getattr(table.gpu.constants, name), rel=1e-3
        )


def test_it_is_deterministic_and_stays_within_bounds() -> None:
    wild = [Served(size, 4, 1e-3, 1e5) for size in SIZES]
    first, again = calibrate(replica(), wild), calibrate(replica(), wild)
    assert first == again
    c = first.constants
    for value, (low, high) in zip((c.eb, c.ef, c.t0_s, c.t1_s), BOUNDS, strict=True):
        assert low * 0.999 <= value <= high * 1.001


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too few"):
        calibrate(replica(), measure(replica(), 0.0)[:3])


def measured_profile(tmp_path: Path, **changes: object) -> Path:
    true = replica("L4", ENGINES["of today"])
    names = {"input_tokens", "output_tokens", "concurrency", "request_rate", "tpot_ms_mean"}
    points = [
        [
            {**dict(zip(("input_tokens", "output_tokens"), p.size, strict=True)),
             "concurrency": p.concurrency, "request_rate": p.request_rate,
             "tpot_ms_mean": p.tpot_ms}.get(name) if name in names else None
            for name in COLUMNS
        ]
        for p in measure(true, 0.01)
    ]  # fmt: skip
    document = {
        "model": EIGHT_B, "gpu": "L4", "tensor_parallel": 1, "engine": Engine(name="vllm"),
        "source": "measured", "provenance": "a test", "columns": list(COLUMNS), "points": points,
    }  # fmt: skip
    path = tmp_path / "measured.json"
    path.write_text(Profile.model_validate(document | changes).to_json())
    return path


def test_the_corrected_estimate_says_what_it_rests_on(tmp_path: Path) -> None:
    path = measured_profile(tmp_path)
    profile, remarks = estimate_asked(Asked(EIGHT_B, "L4", measured=path))
    assert profile.source == "estimated"
    assert len(profile.sizes) == 60
    assert "corrected by" in profile.provenance
    assert "6 sizes" in profile.provenance
    assert "left out" in remarks[0]
    plain, _ = estimate_asked(Asked(EIGHT_B, "L4"))
    assert plain.points != profile.points


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "estimated"}, "holds an estimate"),
        ({"model": "other/model"}, "is a profile of other/model"),
        ({"gpu": "H100"}, "1 x H100, not of 1 x L4"),
        ({"tensor_parallel": 2}, "2 x L4, not of 1 x L4"),
    ],
)
def test_measurements_of_something_else_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = measured_profile(tmp_path, **changes)
    with pytest.raises(InvalidInput, match=message):
        estimate_asked(Asked(EIGHT_B, "L4", measured=path))
