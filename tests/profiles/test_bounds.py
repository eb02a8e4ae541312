"""Measurements that no such model on no such GPU can give are refused; true ones never are."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.bounds import refuse_impossible
from melange_cloud.profiles.distance import Served
from melange_cloud.profiles.facts import (
    Constants,
    gpu_book,
    gpu_facts,
    interconnect_facts,
    model_facts,
    models,
)
from melange_cloud.profiles.roofline import Roofline

EIGHT_B = "meta-llama/Llama-3.1-8B"
IDEAL = Constants(eb=1.0, ef=1.0, t0_s=1e-9, t1_s=0.0)


def replica(
    gpu: str, degree: int = 1, model: str = EIGHT_B, constants: Constants | None = None
) -> Roofline:
    facts = gpu_facts(gpu)
    facts = replace(facts, constants=constants) if constants else facts
    return Roofline(model_facts(model), facts, degree, interconnect_facts(facts.interconnect))


def seen(true: Roofline, size: tuple[int, int], running: int) -> Served:
    load = true.load(running, *size)
    return Served(size, running, load.request_rate, load.tpot_s * 1e3, ttft_ms=load.ttft_s * 1e3)


@given(
    st.sampled_from([entry.gpu for entry in gpu_book().gpus]),
    st.sampled_from([model.id for model in models()]),
    st.sampled_from([1, 2, 4, 8]),
    st.tuples(st.integers(1, 20_000), st.integers(2, 4000)),
    st.integers(1, 256),
)
def test_an_engine_that_wastes_nothing_is_still_within_the_bounds(
    gpu: str, model: str, degree: int, size: tuple[int, int], running: int
) -> None:
    ideal = replica(gpu, degree, model, IDEAL)
    assume(running <= ideal.max_concurrency(*size))
    refuse_impossible(ideal, [seen(ideal, size, running)], "p.json")


def test_no_published_measurement_is_refused() -> None:
    path = Path(__file__).parents[2] / "scripts" / "check_accuracy.py"
    spec = importlib.util.spec_from_file_location("check_accuracy", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["check_accuracy"] = script  # dataclasses look their module up
    spec.loader.exec_module(script)
    rows = list(script._usable_rows())
    assert len(rows) > 50
    for row in rows:
        refuse_impossible(script._pilot_replica(row), [script._served(row)], "llm_pilot.json")


def test_a_faster_gpus_measurement_is_told_by_its_decode_steps() -> None:
    points = [seen(replica("H100"), (1000, 250), running) for running in (1, 8, 32)]
    with pytest.raises(InvalidInput) as refused:
        refuse_impossible(replica("L4"), points, "m.json")
    assert refused.value.message == (
        "m.json: the point at 1000x250 with 1 request in flight cannot be of "
        "meta-llama/Llama-3.1-8B on 1 x L4: its TPOT is 6.91 ms, while reading the weights and "
        "the cache once takes 50.5 ms at the full memory bandwidth of 300 GB/s; 3 of 3 points are "
        "too fast"
    )
    for part in ("GPU's name", "tensor parallel degree", "--quantization", "--kv-cache"):
        assert part in str(refused.value)


def test_several_gpus_or_narrower_weights_may_be_faster() -> None:
    one, four = replica("A10G"), replica("A10G", 4)
    fast = Served((1000, 250), 1, 0.25, 15.0)
    refuse_impossible(four, [fast], "m.json")
    with pytest.raises(InvalidInput, match="reading the weights"):
        refuse_impossible(one, [fast], "m.json")
    int4 = replace(one, model=one.model.model_copy(update={"quantization": "int4"}))
    refuse_impossible(int4, [fast], "m.json")


def test_a_prefill_above_the_peak_is_refused() -> None:
    """8 billion parameters times 2 times 8000 tokens are 112 Tflop: 0.93 s on an L4."""
    slow = Served((8000, 100), 1, 0.05, 90.0, ttft_ms=2000.0)
    refuse_impossible(replica("L4"), [slow], "m.json")
    with pytest.raises(InvalidInput, match=r"its TTFT is 300 ms, while .* takes 923 ms"):
        refuse_impossible(replica("L4"), [replace(slow, ttft_ms=300.0)], "m.json")
    busy = replace(slow, concurrency=40, request_rate=2.0, tpot_ms=900.0)
    with pytest.raises(InvalidInput, match=r"serves 2 requests/s, while .* allows 1\.07"):
        refuse_impossible(replica("L4"), [busy], "m.json")
