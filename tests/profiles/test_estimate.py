"""The roofline model gives what its formulas say, in the right units."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.estimate import DoesNotFit, estimate, estimate_by_name
from melange_cloud.profiles.facts import (
    Constants,
    gpu_book,
    gpu_facts,
    interconnect_facts,
    model_facts,
    models,
)
from melange_cloud.profiles.roofline import Roofline
from melange_cloud.profiles.sizes import DEFAULT_SIZES, parse_sizes
from melange_cloud.profiles.throughput import Slo, Throughputs

SEVEN_B, SEVENTY_B = "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-70b-hf"
IDEAL = Constants(eb=1.0, ef=1.0, t0_s=1e-9, t1_s=0.0)


def replica(model: str, gpu: str, degree: int = 1, constants: Constants | None = None) -> Roofline:
    facts = gpu_facts(gpu)
    if constants is not None:
        facts = replace(facts, constants=constants)
    return Roofline(model_facts(model), facts, degree, interconnect_facts(facts.interconnect))


def test_an_l4_cannot_give_a_token_of_a_7b_model_in_40_ms() -> None:
    """13.5 GB of weights at 300 GB/s take 45 ms, however well the card is used."""
    ideal = replica(SEVEN_B, "L4", constants=IDEAL)
    assert ideal.decode_s(1, 1, 1) == pytest.approx(0.0449, abs=1e-4)
    assert Throughputs(estimate_by_name(SEVEN_B, "L4"), Slo(40)).at_size(25, 25) == (0, "slo")


def test_known_quantities() -> None:
    """13.5 GB of weights, 0.5 MB of cache a token; 1000 tokens of prompt are 13.7 Tflop."""
    seven, eight = model_facts(SEVEN_B), model_facts("meta-llama/Llama-3.1-8B")
    assert seven.weight_bytes == pytest.approx(13.48e9, rel=1e-3)
    assert seven.kv_bytes_per_token == 524288
    assert eight.kv_bytes_per_token == 131072  # grouped-query attention: a quarter
    ideal = replica(SEVEN_B, "A100-80GB", constants=IDEAL)
    assert ideal.prefill_s(1000) == pytest.approx((13.477e12 + 0.262e12) / 312e12, rel=1e-3)
    assert ideal.cache_bytes == pytest.approx(0.85 * 80e9 - 13.48e9, rel=1e-3)
    assert ideal.max_concurrency(1000, 250) == 83


def test_the_formulas_by_hand() -> None:
    constants = Constants(eb=0.5, ef=0.25, t0_s=0.004, t1_s=0.001)
    one = replica(SEVEN_B, "A10G", constants=constants)
    running, i, o = 8, 500, 100
    weights, kv, parameters = 2 * 6738415616, 524288, 6738415616
    decode = (weights + running * (i + o / 2) * kv) / (0.5 * 600e9) + 0.004 + 0.001 * running
    prefill = (2 * parameters * i + 2 * 32 * 4096 * i**2) / (0.25 * 70e12) + 0.004
    tpot = decode + running / o * prefill
    rate = running / (o * tpot)
    busy = rate * prefill
    load = one.load(running, i, o)
    assert load.tpot_s == pytest.approx(tpot)
    assert load.request_rate == pytest.approx(rate)
    assert load.ttft_s == pytest.approx(decode / 2 + prefill + busy * prefill / (2 * (1 - busy)))


def test_a_decode_step_is_bound_by_operations_when_there_are_many_sequences() -> None:
    ideal = replica("meta-llama/Llama-3.1-8B", "A10G", constants=IDEAL)
    assert ideal.decode_s(256, 1, 1) == pytest.approx(2 * 8030261248 * 256 / 70e12, rel=1e-6)


def test_tensor_parallel_splits_the_work_and_adds_all_reduces() -> None:
    one, four = (replica(SEVENTY_B, "H100", degree, IDEAL) for degree in (1, 4))
    link = interconnect_facts("nvlink4")
    reduces = 2 * 80 * (link.latency_s + 8 * 8192 * 2 / link.bytes_per_s)
    assert four.decode_s(8, 500, 100) == pytest.approx(one.decode_s(8, 500, 100) / 4 + reduces)
    reduces = 2 * 80 * (link.latency_s + 500 * 8192 * 2 / link.bytes_per_s)
    assert four.prefill_s(500) == pytest.approx(one.prefill_s(500) / 4 + reduces)


def test_a_slower_link_makes_a_slower_replica() -> None:
    model, gpu = model_facts(SEVENTY_B), gpu_facts("H100")
    near, far = (Roofline(model, gpu, 4, interconnect_facts(k)) for k in ("nvlink4", "pcie4"))
    assert far.load(16, 1000, 250).tpot_s > near.load(16, 1000, 250).tpot_s


def test_heads_are_copied_beyond_one_gpu_a_head() -> None:
    assert replica(SEVENTY_B, "H100", 8).kv_bytes_per_token == 327680
    assert replica(SEVENTY_B, "H100", 16).kv_bytes_per_token == 2 * 327680


def test_why_memory_does_not_hold_a_model() -> None:
    with pytest.raises(DoesNotFit) as raised:
        estimate_by_name(SEVENTY_B, "H100", 2)
    assert raised.value.message == (
        "meta-llama/Llama-2-70b-hf does not fit on 2 x H100: its weights take 138.0 GB, and "
        "136.0 GB are usable (85% of the memory)"
    )
    with pytest.raises(DoesNotFit, match=r"needs 0\.26 GB of cache where 0\.12 GB are left"):
        estimate_by_name(SEVEN_B, "T4", sizes=["250x250"])


def test_a_size_that_does_not_fit_is_said_and_is_no_gap() -> None:
    throughputs = Throughputs(estimate_by_name(SEVEN_B, "L4"), Slo(1e6), 18000)
    assert throughputs.at_size(12000, 25).rate > 0
    assert throughputs.at_size(16000, 25) == (0, "memory")
    assert throughputs.at_size(14000, 25) == (0, "memory")
    assert throughputs.at_size(16001, 25) == (0, "not profiled")


def test_names_and_degrees_that_cannot_be() -> None:
    with pytest.raises(InvalidInput, match='unknown GPU "A100-8OGB"; did you mean "A100-80GB"'):
        estimate_by_name(SEVEN_B, "A100-8OGB")
    with pytest.raises(InvalidInput, match=r'did you mean "meta-llama/Llama-3\.1-8B"'):
        estimate_by_name("meta-llama/Llama-3.1-9B", "L4")
    with pytest.raises(InvalidInput, match='unknown interconnect "nvlink"; did you mean'):
        estimate_by_name(SEVEN_B, "L4", interconnect="nvlink")
    with pytest.raises(InvalidInput, match="degree 3 does not divide its 32 attention heads"):
        estimate_by_name(SEVEN_B, "L4", 3)
    with pytest.raises(InvalidInput, match='not a size: "1000", "0x5"'):
        parse_sizes(["1000", "10x20", "0x5"])


def test_every_gpu_of_the_table_has_constants_within_the_physical_bounds() -> None:
    for entry in gpu_book().gpus:
        facts = gpu_facts(entry.gpu)
        constants = facts.constants
        assert 0.3 <= constants.eb <= 0.95
        assert 0.2 <= constants.ef <= 0.95
        assert 1e-3 <= constants.t0_s <= 30e-3
        assert 0 <= constants.t1_s <= 2e-3
        interconnect_facts(facts.interconnect)


def test_constants_of_another_gpu_are_said() -> None:
    assert (
        "for A100-80GB, taken over for A100-40GB"
        in estimate_by_name(SEVEN_B, "A100-40GB").provenance
    )
    assert "taken over" not in estimate_by_name(SEVEN_B, "A100-80GB").provenance


def test_llama_2_7b_covers_the_grid_beyond_its_context() -> None:
    made = estimate_by_name(SEVEN_B, "A100-80GB")
    assert made.sizes == sorted(DEFAULT_SIZES)
    assert made.max_model_len == 4096
    throughputs = Throughputs(made, Slo(1e6), 18000)
    assert all(throughputs.at_size(*size).rate > 0 for size in DEFAULT_SIZES)
    assert made.points[0][5] is None  # no p99 of an estimate


names = st.sampled_from([model.id for model in models()])
gpus = st.sampled_from([entry.gpu for entry in gpu_book().gpus])
degrees = st.sampled_from([1, 2, 4, 8])
size = st.tuples(st.integers(1, 20000), st.integers(1, 4000))


@given(names, gpus, degrees, size)
def test_more_load_gives_more_throughput_and_slower_tokens(
    model: str, gpu: str, degree: int, size: tuple[int, int]
) -> None:
    one = replica(model, gpu, degree)
    most = one.max_concurrency(*size)
    assert most * sum(size) * one.kv_bytes_per_token <= max(one.cache_bytes, 0)
    if most == 0:
        with pytest.raises(DoesNotFit):
            estimate(one.model, one.gpu, degree, one.link, [size])
        return
    points = estimate(one.model, one.gpu, degree, one.link, [size]).points
    assert points[-1][2] == most <= 256
    loads = [one.load(int(str(row[2])), *size) for row in points]
    for less, more in pairwise(loads):
        assert more.concurrency > less.concurrency
        assert more.request_rate > less.request_rate
        assert more.tpot_s > less.tpot_s
        assert more.ttft_s > less.ttft_s
    for load in loads:
        assert load.request_rate * one.prefill_s(size[0]) < 1
        # Little's law: the running requests are those that arrive while one runs
        assert load.request_rate * size[1] * load.tpot_s == pytest.approx(load.concurrency)
