"""What a machine of a pool is given: disk, context length, and time to load the model."""

from __future__ import annotations

import math

from melange_cloud.errors import InvalidInput
from melange_cloud.plan import Plan, Pool
from melange_cloud.profiles.facts import ModelFacts, gpu_facts, model_facts

_SYSTEM_GIB = 120
"""Image of the system with CUDA (AWS's base image has 75 GiB), vLLM's container, and some air."""

_UNKNOWN_WEIGHTS_GIB = 180
"""Room for the weights of a model that no table knows: 80 billion parameters of 2 bytes."""

_CACHE_SHARE = 0.85
"""Share of GPU memory for weights and cache, as in the roofline model."""


def volume_gib(model: str) -> int:
    """Size of the root volume: system and container image, and the weights with a tenth above."""
    facts = _known(model)
    weights = facts.weight_bytes / 2**30 * 1.1 if facts else _UNKNOWN_WEIGHTS_GIB
    return math.ceil((_SYSTEM_GIB + weights) / 10) * 10


def load_seconds(model: str) -> int:
    """Until the model answers: boot and container image 15 minutes, weights at 100 MB/s."""
    facts = _known(model)
    weight_bytes = facts.weight_bytes if facts else _UNKNOWN_WEIGHTS_GIB * 2**30
    return min(math.ceil((900 + weight_bytes / 100e6) / 60) * 60, 3600)


def max_model_len(plan: Plan, pool: Pool) -> int | None:
    """Longest request a pool's server admits, tokens; None for the model's own.

    What the service says; otherwise the longest request of the plan (other pools' requests come
    when those are down), and less where the GPUs' memory holds no cache for one so long: vLLM
    would not start.
    """
    if plan.service.max_model_len is not None:
        return plan.service.max_model_len
    longest = max(
        (line.input_tokens[1] + line.output_tokens[1] for line in plan.assignment), default=None
    )
    fitting = fitting_len(plan.service.model, pool.gpu, pool.tensor_parallel)
    return longest if longest is None or fitting is None else min(longest, fitting)


def fitting_len(model: str, gpu: str, tensor_parallel: int) -> int | None:
    """Longest request that a replica's memory holds a cache for, tokens, and the model admits.

    None for a model that no table knows; of a GPU that none knows, what the model admits.
    """
    facts = _known(model)
    if facts is None:
        return None
    try:
        memory = gpu_facts(gpu).memory_bytes * tensor_parallel
    except InvalidInput:
        return facts.max_model_len
    cache = _CACHE_SHARE * memory - facts.weight_bytes
    return min(facts.max_model_len, max(int(cache / facts.kv_bytes_per_token) // 16 * 16, 16))


def _known(model: str) -> ModelFacts | None:
    try:
        return model_facts(model)
    except InvalidInput:
        return None
