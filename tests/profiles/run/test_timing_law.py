"""The throughput found under an SLO, beside the true one of a server whose law is known."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from profiling_harness import profile, profile_stub
from stub_server import Law, Size, Stub
from virtual_time import run_virtually

from melange_cloud.profiles.run.load import Precision

QUICK = Law(step=5e-3, per_sequence=8e-4, prefill=1.5e-3, per_prompt_token=8e-6)
"""A GPU several times quicker than any, so that the whole search at a size takes seconds."""

QUICK_SIZES = [
    (25, 10),
    (25, 32),
    (100, 20),
    (500, 12),
    (500, 24),
    (1000, 10),
    (2000, 16),
    (4000, 12),
]

REAL = Law(
    step=27e-3,
    per_sequence=3e-3,
    per_cached_token=1.1e-6,
    prefill=8e-3,
    per_prompt_token=1.2e-4,
    per_prompt_token_squared=4e-9,
)
"""Step times of a 7B model on an A10G, but saturating at few requests, for the test's sake."""

REAL_SIZES = [
    (25, 25),
    (25, 250),
    (250, 100),
    (1000, 25),
    (2000, 100),
    (4000, 100),
    (12000, 150),
    (16000, 50),
]


@pytest.fixture
def quick_server() -> Iterator[str]:
    """The stub in a process of its own, so that it does not wait for the client."""
    script = Path(__file__).with_name("stub_server.py")
    server = subprocess.Popen(
        [sys.executable, script, "0", json.dumps(asdict(QUICK))], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait()
    server.stdout.close()


@pytest.mark.parametrize("sizes", [QUICK_SIZES[::2], QUICK_SIZES[1::2]], ids=["even", "odd"])
def test_within_5_percent_of_the_truth(tmp_path, quick_server, sizes: list[Size]) -> None:
    """On the real clock. Half the sizes each, so that two workers share them."""
    slo_ms = 12.0
    # on a busy machine the interval may not come: do not wait for it
    brief = Precision(interval=0.02, most_durations=15)
    path = tmp_path / "p.json"
    ran = asyncio.run(profile(path, quick_server, sizes, [slo_ms], precision=brief))
    assert ran.error is None
    assert not ran.short
    for size in sizes:
        true = QUICK.best_rate(slo_ms / 1000, size)
        assert ran.rate(size, slo_ms) == pytest.approx(true, rel=0.05), size


@pytest.mark.parametrize("size", REAL_SIZES, ids=str)
def test_within_5_percent_at_the_times_of_a_real_gpu(tmp_path, size: Size) -> None:
    """Minutes of profiling in virtual time; two SLOs, which break at different loads."""
    ran = run_virtually(profile_stub(tmp_path / "p.json", Stub(REAL), [size], [45.0, 60.0]))
    assert ran.error is None
    for slo_ms in (45.0, 60.0):
        true = REAL.best_rate(slo_ms / 1000, size)
        assert ran.rate(size, slo_ms) == pytest.approx(true, rel=0.05), slo_ms
    for point in ran.at(size):
        assert point.request_rate == pytest.approx(REAL.rate(point.concurrency, size), rel=0.01)
        assert point.errors == 0
        assert (point.requests or 0) >= 10 * point.concurrency - 1
