"""Facts of a model from its Hugging Face config.json: sizes, quantisation, attention, experts.

Parameters are counted from the shapes that the config gives, as transformers builds them. Counts
of known models are right to within a part in a thousand (tests); ``parameters`` overrides them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from melange_cloud.documents import parse_json, validate
from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.profiles.config_shape import CONTEXT_LENGTH, KIND, Shape
from melange_cloud.profiles.facts import ModelFacts, Quantization
from melange_cloud.reading import name_of, read_text

_LANGUAGE = ("text_config", "llm_config", "language_config")
"""Where configs of models that also see or hear keep that of their language model."""

_ENCODERS = (
    "big_bird", "canine", "clip_text_model", "data2vec-text", "electra", "ernie", "esm", "funnel",
    "layoutlm", "layoutlmv2", "layoutlmv3", "longformer", "luke", "mpnet", "nystromformer",
    "roformer", "xmod",
)  # fmt: skip
"""model_type of encoders, beside BERT and the many that are named after it."""

_ATTENTION = ("full_attention", "sliding_attention", "chunked_attention")


def facts_from_config(
    path: Path, model: str, *, parameters: int | None = None, max_model_len: int | None = None
) -> tuple[ModelFacts, list[str]]:
    """The facts of ``model`` (its id), and what about it the estimate does not follow.

    ``parameters`` counts them where the shapes do not; ``max_model_len`` is the context length in
    tokens, instead of what the config says.
    Raises InvalidInput or InvalidDocument for what is no config of a decoder-only transformer,
    with every field that is missing or no number.
    """
    config = parse_json(read_text(path, KIND, typed=True), name_of(path), KIND)
    if not isinstance(config, dict):
        raise InvalidInput(f"{path} is not a {KIND}")
    return facts_of(
        config, model, name=str(path), parameters=parameters, max_model_len=max_model_len
    )


def facts_of(
    config: Mapping[str, Any],
    model: str,
    *,
    name: str = KIND,
    parameters: int | None = None,
    max_model_len: int | None = None,
) -> tuple[ModelFacts, list[str]]:
    """``facts_from_config`` of a config already read; ``name`` is for messages."""
    remarks = []
    text = next((config[key] for key in _LANGUAGE if isinstance(config.get(key), dict)), None)
    if text is not None:
        config = {"quantization_config": config.get("quantization_config"), **text}
        remarks.append("only its language model is estimated, without images or sound")
    if max_model_len is not None:
        config = {**config, CONTEXT_LENGTH[0]: max_model_len}
    _refuse_what_is_no_decoder(config, name)
    shape = Shape(config, name)
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        remarks.append("attention over a sliding window is estimated as over the whole context")
    total = shape.parameters() if parameters is None else parameters
    values = {
        "id": model,
        "parameters": total,
        "layers": shape.layers,
        "hidden": shape.hidden,
        "attention_heads": shape.heads,
        "kv_heads": 1 if shape.latent else shape.kv_heads,
        "head_dim": shape.head_dim,
        "bytes_per_weight": 2.0,
        "bytes_per_kv_value": 2.0,
        "max_model_len": shape.max_model_len,
        "quantization": _quantization(config, name),
        "embedding_parameters": min(shape.embeddings(), total),
        "expert_parameters": min(shape.expert_parameters(), total),
        "experts": shape.experts,
        "experts_per_token": min(shape.experts_per_token, shape.experts),
        "kv_values_per_token": shape.layers * shape.latent if shape.latent else None,
    }
    # each size is in range, but what was computed from them may not be
    return validate(ModelFacts, values, name, KIND), remarks


def _refuse_what_is_no_decoder(config: Mapping[str, Any], name: str) -> None:
    why: str | None = None
    hint: str | None = "measure it with `melange-cloud profile run`"
    kinds = config.get("layer_types")
    if config.get("is_encoder_decoder"):
        why = "it has an encoder"
    elif _is_encoder(config):
        why, hint = "it is an encoder, which generates no text", None
    elif any(key.startswith(("mamba_", "ssm_", "rwkv_", "linear_num_")) for key in config) or (
        "state_size" in config
    ):
        why = "it has layers other than attention (state space, linear)"
    elif isinstance(kinds, list) and not set(map(str, kinds)) <= set(_ATTENTION):
        why = f"it has layers of {', '.join(sorted(set(map(str, kinds)) - set(_ATTENTION)))}"
    if why:
        raise InvalidInput(
            f"{name}: {why}; only decoder-only transformers can be estimated",
            hint=hint,
        )


def _is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether it only reads text, to embed or classify it; encoders can be built as decoders."""
    kind = str(config.get("model_type"))
    return not config.get("is_decoder") and ("bert" in kind or kind in _ENCODERS)


def _quantization(config: Mapping[str, Any], name: str) -> Quantization:
    """Of the weights, from ``quantization_config``."""
    settings = config.get("quantization_config")
    if not isinstance(settings, dict):
        return "none"
    method = str(settings.get("quant_method", "")).lower()
    known: dict[str, Quantization] = {"fp8": "fp8", "fbgemm_fp8": "fp8", "mxfp4": "int4"}
    if method in known:
        return known[method]
    bits = settings.get("bits") or settings.get("w_bit")
    if settings.get("load_in_4bit"):
        bits = 4
    elif settings.get("load_in_8bit"):
        bits = 8
    kind = "int"
    groups = settings.get("config_groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        if isinstance(weights, dict):
            bits, kind = weights.get("num_bits"), str(weights.get("type", "int"))
    algorithm = str(settings.get("quant_algo", "")).upper()
    if algorithm:
        bits, kind = (4 if "4" in algorithm else 8), "float" if "FP8" in algorithm else "int"
    if bits == 4:
        return "int4"
    if bits == 8:
        return "fp8" if kind == "float" else "int8"
    what = shorten(method or settings)
    raise InvalidInput(
        f"{name}: estimates do not know its quantization_config ({what})",
        hint="say with --quantization how its weights are stored",
    )
