"""What a machine of a pool needs: disk size, context length, and time to load the model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.plan import Plan, Pool
from melange_cloud.profiles.facts import ModelFacts, Quantization, gpu_facts, model_facts
from melange_cloud.profiles.roofline import USABLE_MEMORY

_SYSTEM_GIB = 120
"""System image with CUDA (AWS's base image has 75 GiB), vLLM's container, and some spare room."""

_UNKNOWN_WEIGHTS_GIB = 180
"""Room for the weights of a model that no table knows: 80 billion parameters of 2 bytes."""

_SPEED = {
    "attention-backend", "block-size", "dtype", "enable-chunked-prefill", "enable-expert-parallel",
    "enable-prefix-caching", "enforce-eager", "gpu-memory-utilization", "kv-cache-dtype",
    "max-num-batched-tokens", "max-num-seqs", "no-enable-chunked-prefill",
    "no-enable-prefix-caching", "quantization", "speculative-config",
}  # fmt: skip
"""Options of `vllm serve` that decide how fast it is."""

_WEIGHTS: dict[str, Quantization] = {
    "fp8": "fp8", "awq": "int4", "awq_marlin": "int4", "gptq": "int4", "gptq_marlin": "int4",
}  # fmt: skip
"""vLLM's name of a quantisation -> ours."""


def volume_gib(model: str) -> int:
    """Size of the root volume, GiB: system and container image, and the weights plus a tenth."""
    facts = _known(model)
    weights = facts.weight_bytes / 2**30 * 1.1 if facts else _UNKNOWN_WEIGHTS_GIB
    return math.ceil((_SYSTEM_GIB + weights) / 10) * 10


def load_seconds(model: str) -> int:
    """Seconds until the model answers: 15 minutes for boot and image, the weights at 100 MB/s."""
    facts = _known(model)
    weight_bytes = facts.weight_bytes if facts else _UNKNOWN_WEIGHTS_GIB * 2**30
    return min(math.ceil((900 + weight_bytes / 100e6) / 60) * 60, 3600)


def max_model_len(plan: Plan, pool: Pool) -> int | None:
    """Longest request a pool's server admits, tokens; None for the model's own.

    What the service sets; otherwise the longest request of the plan, as a pool also gets the
    requests of other pools that are down. It is less where the GPUs' memory cannot hold the cache
    of one such request: vLLM would not start.
    """
    wanted = plan.service.max_model_len or max(
        (line.input_tokens[1] + line.output_tokens[1] for line in plan.assignment), default=None
    )
    args = engine_args(plan, pool)
    fitting = fitting_len(plan.service.model, pool.gpu, pool.tensor_parallel, args)
    return wanted if wanted is None or fitting is None else min(wanted, fitting)


def engine_args(plan: Plan, pool: Pool) -> list[str]:
    """The settings that the pool's throughputs rest on, as arguments of `vllm serve`.

    Only those of the profile's settings that decide how fast the engine is; not where it listens
    or which model it loads.
    """
    for profile in plan.profiles:
        if (profile.gpu, profile.tensor_parallel) == (pool.gpu, pool.tensor_parallel):
            return [word for setting in _settings(profile.engine_args) for word in setting]
    return []


def fitting_len(model: str, gpu: str, tensor_parallel: int, args: Sequence[str] = ()) -> int | None:
    """Longest request, tokens, that the model admits and a replica's memory has a cache for.

    ``args`` are its engine's settings. None for an unknown model, and where the weights leave no
    room: then the model must be served in another way than the tables assume. For an unknown GPU,
    what the model admits.
    """
    facts = _as_served(_known(model), args)
    if facts is None:
        return None
    try:
        memory = gpu_facts(gpu).memory_bytes * tensor_parallel
    except InvalidInput:
        return facts.max_model_len
    cache = USABLE_MEMORY * memory - facts.weight_bytes
    tokens = int(cache / facts.kv_bytes_per_token) // 16 * 16
    return min(facts.max_model_len, tokens) if tokens > 0 else None


def _settings(args: Sequence[str]) -> Iterator[list[str]]:
    """The settings among ``args`` that decide how fast an engine is, each with its values."""
    setting: list[str] = []
    for word in args:
        if word.startswith("-"):
            yield from [setting] if setting else []
            setting = [word] if word.split("=")[0].lstrip("-") in _SPEED else []
        elif setting:
            setting.append(word)
    yield from [setting] if setting else []


def _as_served(facts: ModelFacts | None, args: Sequence[str]) -> ModelFacts | None:
    """The facts with what the settings quantise; None where they are not known."""
    if facts is None:
        return None
    values = dict(_values(args))
    changed: dict[str, object] = {}
    if quantization := values.get("--quantization"):
        if quantization not in _WEIGHTS:
            return None
        changed["quantization"] = _WEIGHTS[quantization]
    if values.get("--kv-cache-dtype", "").startswith("fp8"):
        changed["bytes_per_kv_value"] = 1.0
    return facts.model_copy(update=changed)


def _values(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Option and value, written in one word or in two."""
    for option, *words in _settings(args):
        name, *with_it = option.split("=", 1)
        yield from ((name, value) for value in [*with_it, *words])


def _known(model: str) -> ModelFacts | None:
    try:
        return model_facts(model)
    except InvalidInput:
        return None
