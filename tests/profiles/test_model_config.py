"""Facts of models from their config.json: counted parameters, quantisation, attention, experts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.asked import Asked, estimate_asked
from melange_cloud.profiles.facts import gpu_facts, interconnect_facts, model_facts
from melange_cloud.profiles.model_config import facts_from_config, facts_of
from melange_cloud.profiles.roofline import Roofline

LLAMA: dict[str, Any] = {
    "model_type": "llama", "tie_word_embeddings": False, "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 131072,
}  # fmt: skip
MIXTRAL = LLAMA | {
    "model_type": "mixtral", "vocab_size": 32000, "max_position_embeddings": 32768,
    "num_local_experts": 8, "num_experts_per_tok": 2,
}  # fmt: skip
DEEPSEEK = {
    "model_type": "deepseek_v3", "tie_word_embeddings": False, "hidden_size": 7168,
    "num_hidden_layers": 61, "num_attention_heads": 128, "num_key_value_heads": 128,
    "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256,
    "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
    "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "v_head_dim": 128, "vocab_size": 129280, "max_position_embeddings": 163840,
    "quantization_config": {"quant_method": "fp8"},
}  # fmt: skip
KNOWN: dict[str, tuple[int, dict[str, Any]]] = {
    "Llama-2-7b": (6738415616, LLAMA | {
        "num_key_value_heads": 32, "intermediate_size": 11008, "vocab_size": 32000}),
    "Llama-3.1-8B": (8030261248, LLAMA),
    "Llama-3.2-1B": (1235814400, LLAMA | {
        "tie_word_embeddings": True, "hidden_size": 2048, "num_hidden_layers": 16,
        "head_dim": 64, "intermediate_size": 8192}),
    "Mixtral-8x7B": (46702792704, MIXTRAL),
    "Qwen2.5-7B": (7615616512, {
        "model_type": "qwen2", "tie_word_embeddings": False, "hidden_size": 3584,
        "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
        "intermediate_size": 18944, "vocab_size": 152064, "max_position_embeddings": 131072}),
    "Qwen3-8B": (8190735360, {
        "model_type": "qwen3", "tie_word_embeddings": False, "hidden_size": 4096,
        "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "intermediate_size": 12288, "vocab_size": 151936,
        "max_position_embeddings": 40960, "attention_bias": False}),
    "Qwen3-30B-A3B": (30532122624, {
        "model_type": "qwen3_moe", "tie_word_embeddings": False, "hidden_size": 2048,
        "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4,
        "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768,
        "num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1,
        "mlp_only_layers": [], "vocab_size": 151936, "max_position_embeddings": 40960}),
    "gpt2": (124439808, {
        "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257,
        "n_positions": 1024, "n_inner": None}),
    "opt-125m": (125239296, {
        "model_type": "opt", "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "ffn_dim": 3072, "vocab_size": 50272,
        "max_position_embeddings": 2048}),
    "gemma-2-9b": (9241705984, {
        "model_type": "gemma2", "hidden_size": 3584, "num_hidden_layers": 42,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256,
        "intermediate_size": 14336, "vocab_size": 256000, "max_position_embeddings": 8192}),
    "Phi-3-mini": (3821079552, {
        "model_type": "phi3", "tie_word_embeddings": False, "hidden_size": 3072,
        "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 8192,
        "vocab_size": 32064, "max_position_embeddings": 4096}),
    "DeepSeek-V3": (671026419200, DEEPSEEK),
    "falcon-7b": (6921720704, {
        "model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
        "num_attention_heads": 71, "multi_query": True, "vocab_size": 65024,
        "max_position_embeddings": 2048}),
    "pythia-160m": (162322944, {
        "model_type": "gpt_neox", "tie_word_embeddings": False, "hidden_size": 768,
        "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
        "vocab_size": 50304, "max_position_embeddings": 2048}),
}  # fmt: skip


@pytest.mark.parametrize("model", KNOWN)
def test_parameters_are_counted_as_published(model: str) -> None:
    published, config = KNOWN[model]
    assert facts_of(config, model)[0].parameters == pytest.approx(published, rel=1e-3)


def test_a_bundled_model_comes_out_of_its_config_as_it_is_bundled() -> None:
    facts, remarks = facts_of(LLAMA, "meta-llama/Llama-3.1-8B")
    assert facts == model_facts("meta-llama/Llama-3.1-8B").model_copy(update={"aliases": []})
    assert remarks == []


def test_grouped_query_and_latent_attention_cache_less() -> None:
    whole, _ = facts_of({k: v for k, v in LLAMA.items() if k != "num_key_value_heads"}, "m")
    grouped, _ = facts_of(LLAMA, "m")
    assert whole.kv_bytes_per_token == 4 * grouped.kv_bytes_per_token == 524288
    latent, _ = facts_of(DEEPSEEK, "m")
    assert latent.kv_bytes_per_token == 61 * (512 + 64) * 2


def test_a_token_goes_through_its_own_experts_only() -> None:
    facts, _ = facts_of(MIXTRAL, "m")
    assert facts.active_parameters == pytest.approx(12.88e9, rel=1e-3)
    # one token reads 2 of 8 experts; many tokens read all
    assert facts.bytes_read(1) == pytest.approx(2 * 12.88e9, rel=1e-3)
    assert facts.bytes_read(200) == pytest.approx(facts.weight_bytes, rel=1e-6)


def test_quantised_weights_take_less_memory_but_embeddings_do_not() -> None:
    plain, _ = facts_of(LLAMA, "m")
    embeddings = 2 * 128256 * 4096
    for quantization, each in (("fp8", 1.0), ("int8", 1.0), ("int4", 0.52)):
        facts = plain.model_copy(update={"quantization": quantization})
        expected = (plain.parameters - embeddings) * each + embeddings * 2
        assert facts.weight_bytes == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "awq", "bits": 4}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4"),
        ({"quant_method": "mxfp4"}, "int4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": {
            "group_0": {"weights": {"num_bits": 8, "type": "float"}}}}, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": {
            "group_0": {"weights": {"num_bits": 4, "type": "int"}}}}, "int4"),
    ],
)  # fmt: skip
def test_quantisation_is_read_from_the_config(settings: dict[str, Any], expected: str) -> None:
    facts, _ = facts_of(LLAMA | {"quantization_config": settings}, "m")
    assert facts.quantization == expected


def test_fp8_doubles_the_arithmetic_only_where_the_gpu_has_it() -> None:
    plain = model_facts("meta-llama/Llama-3.1-8B")
    fp8 = plain.model_copy(update={"quantization": "fp8"})
    int4 = plain.model_copy(update={"quantization": "int4"})

    def prefill(model: Any, gpu: str) -> float:
        facts = gpu_facts(gpu)
        return Roofline(model, facts, 1, interconnect_facts(facts.interconnect)).prefill_s(8000)

    assert prefill(fp8, "H100") < 0.55 * prefill(plain, "H100")
    assert prefill(fp8, "A100-80GB") == prefill(plain, "A100-80GB")
    assert prefill(int4, "H100") == prefill(plain, "H100")


@pytest.mark.parametrize("gpu", ["L4", "A10G", "A100-80GB", "H100"])
def test_narrower_weights_and_cache_never_serve_less(gpu: str) -> None:
    plain, _ = estimate_asked(Asked("meta-llama/Llama-3.1-8B", gpu))
    for quantization in ("fp8", "int4"):
        narrow, _ = estimate_asked(
            Asked("meta-llama/Llama-3.1-8B", gpu, quantization=quantization, kv_cache="fp8")  # type: ignore[arg-type]
        )
        best: list[dict[tuple[Any, Any], float]] = []
        for profile in (plain, narrow):
            rates: dict[tuple[Any, Any], float] = {}
            for row in profile.points:
                rates[row[0], row[1]] = max(rates.get((row[0], row[1]), 0.0), row[3])  # type: ignore[type-var,assignment]
            best.append(rates)
        assert all(best[1][size] >= rate for size, rate in best[0].items())
        assert f"{quantization} weights and fp8 cache" in narrow.provenance
        assert "--kv-cache-dtype=fp8" in narrow.engine.args


def test_a_70b_model_in_int4_fits_where_it_did_not() -> None:
    with pytest.raises(InvalidInput, match="does not fit"):
        estimate_asked(Asked("meta-llama/Llama-3.1-70B", "H100"))
    profile, _ = estimate_asked(Asked("meta-llama/Llama-3.1-70B", "H100", quantization="int4"))
    assert profile.points


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"is_encoder_decoder": True}, "has an encoder"),
        ({"model_type": "bert"}, "it is an encoder"),
        ({"model_type": "xlm-roberta", "is_decoder": False}, "it is an encoder"),
        ({"model_type": "electra"}, "it is an encoder"),
        ({"mamba_d_state": 16}, "other than attention"),
        ({"state_size": 16}, "other than attention"),
        ({"layer_types": ["linear_attention", "full_attention"]}, "linear_attention"),
        ({"hidden_size": "big"}, "hidden_size: must be a whole number"),
        ({"num_hidden_layers": -1}, "num_hidden_layers"),
        ({"vocab_size": 1e9}, "vocab_size"),
        ({"num_attention_heads": None}, "num_attention_heads: is required"),
        ({"quantization_config": {"quant_method": "new"}}, "--quantization"),
    ],
)
def test_what_the_estimate_does_not_know_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        facts_of(LLAMA | changes, "m")


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama"}')
    with pytest.raises(InvalidInput) as refused:
        facts_from_config(path, "m")
    for name in ("hidden_size", "num_hidden_layers", "vocab_size", "max_position_embeddings"):
        assert f"{name}: is required" in str(refused.value)
    for text in ("[]", "3", '"x"', "{"):
        path.write_text(text)
        with pytest.raises(InvalidInput):
            facts_from_config(path, "m")


def test_the_context_length_may_be_given_where_the_config_has_none(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({k: v for k, v in LLAMA.items() if "position" not in k}))
    asked = Asked("m", "L4", model_config=path, sizes=["1000x250"])
    with pytest.raises(InvalidInput, match="is required; give it with --max-position-embeddings"):
        estimate_asked(asked)
    profile, _ = estimate_asked(replace(asked, max_position_embeddings=4096))
    assert profile.max_model_len == 4096
    with pytest.raises(InvalidInput, match="give one with --model-config"):
        estimate_asked(Asked("meta-llama/Llama-3.1-8B", "L4", max_position_embeddings=4096))


@pytest.mark.parametrize("key", ["text_config", "llm_config", "language_config"])
def test_the_language_model_of_a_multimodal_config_is_taken(key: str) -> None:
    facts, remarks = facts_of({"model_type": "llava", key: LLAMA}, "m")
    assert facts.parameters == 8030261248
    assert "without images" in remarks[0]


junk = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | (
    st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(), st.integers(), max_size=2)
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted({*MIXTRAL, *DEEPSEEK, "text_config"})), junk))
def test_any_config_gives_facts_or_a_clear_refusal(changes: dict[str, Any]) -> None:
    try:
        facts, _ = facts_of(json.loads(json.dumps(MIXTRAL | changes)), "m")
    except InvalidInput:
        return
    assert facts.weight_bytes > 0
    assert 0 < facts.active_parameters <= facts.parameters
