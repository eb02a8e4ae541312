"""The roofline model of continuous batching: step times of a model on a GPU.

Time of a decode step and of a prefill, and what follows from them at B running requests of i
input and o output tokens (docs/estimates.md has the formulas and how the constants were fitted).
"""

from __future__ import annotations

from dataclasses import dataclass

from melange_cloud.profiles.facts import GpuFacts, Interconnect, ModelFacts

MAX_NUM_SEQS = 256
"""Requests the engine runs at once (vLLM's default)."""

USABLE_MEMORY = 0.85
"""Share of GPU memory left for weights and cache: vLLM takes 0.9, activations need the rest."""


@dataclass(frozen=True)
class Load:
    """One replica at a steady number of running requests."""

    concurrency: float
    request_rate: float
    ttft_s: float
    tpot_s: float


@dataclass(frozen=True)
class Roofline:
    """One replica: a model on ``tensor_parallel`` GPUs of one type, joined by ``link``."""

    model: ModelFacts
    gpu: GpuFacts
    tensor_parallel: int
    link: Interconnect

    @property
    def cache_bytes(self) -> float:
        """Memory of the replica for its key-value cache; negative when the weights do not fit."""
        return (
            USABLE_MEMORY * self.gpu.memory_bytes * self.tensor_parallel - self.model.weight_bytes
        )

    @property
    def kv_bytes_per_token(self) -> float:
        """Of the whole replica: beyond one GPU a head, heads are held more than once."""
        copies = max(1.0, self.tensor_parallel / self.model.kv_heads)
        return self.model.kv_bytes_per_token * copies

    def max_concurrency(self, input_tokens: int, output_tokens: int) -> int:
        """Whole requests that the cache holds at their full length, at most the engine's limit."""
        request = (input_tokens + output_tokens) * self.kv_bytes_per_token
        return max(0, min(MAX_NUM_SEQS, int(self.cache_bytes // request)))

    def decode_s(self, concurrency: float, input_tokens: int, output_tokens: int) -> float:
        """One step that gives each running request a token; they are half done on average."""
        gpu, constants, t = self.gpu, self.gpu.constants, self.tensor_parallel
        held = concurrency * (input_tokens + output_tokens / 2) * self.kv_bytes_per_token
        weights = self.model.bytes_read(concurrency)
        read = (weights + held) / t / (constants.eb * gpu.bandwidth_bytes_per_s)
        computed = 2 * self.model.active_parameters * concurrency / t / self._flops_reached
        overhead = constants.t0_s + constants.t1_s * concurrency
        return max(read, computed) + overhead + self._all_reduces(concurrency)

    def prefill_s(self, input_tokens: int) -> float:
        """One request's prompt: the matrix products, and attention over the prompt itself."""
        model = self.model
        products = 2 * model.active_parameters * input_tokens
        attention = 2 * model.layers * model.hidden * input_tokens**2
        computed = (products + attention) / self.tensor_parallel / self._flops_reached
        return computed + self.gpu.constants.t0_s + self._all_reduces(input_tokens)

    def load(self, concurrency: float, input_tokens: int, output_tokens: int) -> Load:
        """The steady state of ``concurrency`` requests of one size."""
        decode = self.decode_s(concurrency, input_tokens, output_tokens)
        prefill = self.prefill_s(input_tokens)
        tpot = decode + concurrency / output_tokens * prefill  # each that ends lets a prefill in
        rate = concurrency / (output_tokens * tpot)
        busy = rate * prefill  # below 1, as the decode steps take their part of the time
        ttft = decode / 2 + prefill + busy * prefill / (2 * (1 - busy))
        return Load(concurrency, rate, ttft, tpot)

    @property
    def _flops_reached(self) -> float:
        """Operations/s of one GPU."""
        return self.gpu.constants.ef * self.gpu.flops(self.model.quantization)

    def _all_reduces(self, tokens: float) -> float:
        """Two a layer, of one hidden state a token in the weights' unquantised precision."""
        if self.tensor_parallel == 1:
            return 0.0
        message = tokens * self.model.hidden * self.model.bytes_per_weight
        return 2 * self.model.layers * (self.link.latency_s + message / self.link.bytes_per_s)
