"""The sizes of a model, from its Hugging Face config.json, and its parameters from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from melange_cloud.errors import InvalidDocument, Problem
from melange_cloud.names import shorten

KIND = "config.json of a model"

LARGEST = 10_000_000
"""Largest size believed in a config: above it, a digit too many."""

_PLAIN_MLP = (
    "bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt",
    "nemotron", "opt", "persimmon", "phi", "starcoder2",
)  # fmt: skip
"""model_type whose layers have two matrices after attention; the others gate with a third."""

_BIASED = ("bloom", "gpt2", "gpt_bigcode", "gpt_neox", "opt", "phi", "starcoder2")
"""model_type with a bias at every matrix of its layers."""

_LEARNED_POSITIONS = {"gpt2": 0, "gpt_bigcode": 0, "gpt_neo": 0, "opt": 2}
"""model_type with an embedding of positions, and the rows it has beyond the context length."""

_TIED = ("bloom", "falcon", "gemma", "gemma2", "gemma3", "gemma3_text", "gpt2", "gpt_bigcode",
         "gpt_neo", "mpt", "opt", "starcoder2", "cohere", "cohere2")  # fmt: skip
"""model_type whose output embedding is the input's unless the config says otherwise."""


CONTEXT_LENGTH = (
    "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx",
    "max_sequence_length", "model_max_length",
)  # fmt: skip
"""What configs call the context length."""

_OPTIONS = {CONTEXT_LENGTH[0]: "--max-position-embeddings"}
"""Key -> the option that completes a config without it."""


class Shape:
    """The sizes of a config, whatever its family calls them.

    Raises InvalidDocument with every field that is missing or no size.
    """

    def __init__(self, config: Mapping[str, Any], name: str) -> None:
        self._config = config
        self._problems: list[Problem] = []
        self.type = str(config.get("model_type", ""))
        self.hidden = self._size("hidden_size", "n_embd", "d_model")
        self.layers = self._size("num_hidden_layers", "n_layer", "n_layers", "num_layers")
        self.heads = self._size("num_attention_heads", "n_head", "n_heads", "num_heads")
        self.vocabulary = self._size("vocab_size", "padded_vocab_size")
        self.max_model_len = self._size(*CONTEXT_LENGTH)
        self.head_dim = self._size("head_dim", default=max(1, self.hidden // self.heads))
        self.kv_heads = self._kv_heads()
        self.middle = self._size(
            "intermediate_size", "ffn_hidden_size", "ffn_dim", "n_inner", default=4 * self.hidden
        )
        self.rank = self._size("kv_lora_rank", default=0)
        rope = self._size("qk_rope_head_dim", default=0)
        self.latent = self.rank + rope if self.rank else 0
        """Numbers that multi-head latent attention caches a token and layer."""
        self.experts = max(
            1,
            self._size(
                "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", default=1
            ),
        )
        self.experts_per_token = max(
            1, self._size("num_experts_per_tok", "experts_per_token", "moe_top_k", default=1)
        )
        if self._problems:
            raise InvalidDocument(name, KIND, self._problems)

    def parameters(self) -> int:
        """All of them, from the shapes."""
        dense = self.layers - self._expert_layers()
        positions = 0
        if self.type in _LEARNED_POSITIONS:
            positions = (self.max_model_len + _LEARNED_POSITIONS[self.type]) * self.hidden
        norms = self.layers * self._norms() + self.hidden * (2 if self._has_biases() else 1)
        return (
            self.embeddings()
            + positions
            + norms
            + self.layers * self._attention()
            + dense * self._mlp(self._dense_middle())
            + self._expert_layers() * self._beside_experts()
            + self.expert_parameters()
        )

    def embeddings(self) -> int:
        """Of input and output, which may be one."""
        tied = self._config.get("tie_word_embeddings", self.type in _TIED)
        return self.vocabulary * self.hidden * (1 if tied else 2)

    def expert_parameters(self) -> int:
        """Of the routed experts of all layers; 0 for a model without."""
        if self.experts == 1:
            return 0
        return self._expert_layers() * self.experts * self._mlp(self._expert_middle())

    def _attention(self) -> int:
        if self.latent:
            return self._latent_attention()
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        count = self.hidden * (2 * q + 2 * kv)
        if self._config.get("attention_bias") or self._has_biases() or self.type == "gpt_oss":
            count += q + 2 * kv + self.hidden
        elif self.type in ("qwen2", "qwen2_moe") or self._config.get("qkv_bias"):
            count += q + 2 * kv
        if self.type in ("qwen3", "qwen3_moe"):  # a norm of each head's query and key
            count += 2 * self.head_dim
        return count

    def _latent_attention(self) -> int:
        """Multi-head latent attention (DeepSeek): queries and the cache go through low ranks."""
        nope = self._size("qk_nope_head_dim", default=self.head_dim)
        value = self._size("v_head_dim", default=self.head_dim)
        queries = self.heads * (nope + self.latent - self.rank)
        rank = self._size("q_lora_rank", default=0)
        q = self.hidden * rank + rank + rank * queries if rank else self.hidden * queries
        kv = self.hidden * self.latent + self.rank + self.rank * self.heads * (nope + value)
        return q + kv + self.heads * value * self.hidden

    def _mlp(self, middle: int) -> int:
        matrices = 2 if self.type in _PLAIN_MLP else 3
        biases = middle + self.hidden if self._has_biases() else 0
        return matrices * self.hidden * middle + biases

    def _beside_experts(self) -> int:
        """The router and the experts that every token goes through."""
        shared = self._size("n_shared_experts", default=0) * self._expert_middle()
        middle = self._size("shared_expert_intermediate_size", default=shared)
        gate = self.hidden if "shared_expert_intermediate_size" in self._config else 0
        if self.type == "llama4_text":
            middle = self.middle
        return (
            self.hidden * self.experts + self._mlp(middle) + gate
            if middle
            else (self.hidden * self.experts)
        )

    def _expert_layers(self) -> int:
        if self.experts == 1:
            return 0
        every = self._size("decoder_sparse_step", "interleave_moe_layer_step", default=1)
        dense = self._config.get("mlp_only_layers") or []
        first = self._size("first_k_dense_replace", default=0)
        return max(0, (self.layers - first) // max(1, every) - len(dense))

    def _expert_middle(self) -> int:
        return self._size("moe_intermediate_size", default=self.middle)

    def _dense_middle(self) -> int:
        return self._size("intermediate_size_mlp", default=self.middle)

    def _norms(self) -> int:
        """Of one layer."""
        count = 4 if self.type in ("gemma2", "gemma3_text", "gemma3") else 2
        return count * self.hidden * (2 if self._has_biases() else 1)

    def _has_biases(self) -> bool:
        return self.type in _BIASED

    def _kv_heads(self) -> int:
        if self._config.get("multi_query") and not self._config.get("new_decoder_architecture"):
            return 1
        inner = self._config.get("attn_config")
        if isinstance(inner, dict) and isinstance(inner.get("kv_n_heads"), int):
            return int(inner["kv_n_heads"])
        return self._size("num_key_value_heads", "num_kv_heads", default=self.heads)

    def _size(self, *names: str, default: int | None = None) -> int:
        """The first of ``names`` that the config has; a problem is noted, and 1 goes on."""
        for name in names:
            value = self._config.get(name)
            if value is None:
                continue
            lowest = 1 if default is None else 0
            if type(value) is int and lowest <= value <= LARGEST:
                return value
            self._problems.append(
                Problem(name, f"must be a whole number above 0, is {shorten(repr(value), 30)}")
            )
            return 1
        if default is None:
            option = f"; give it with {_OPTIONS[names[0]]}" if names[0] in _OPTIONS else ""
            self._problems.append(Problem(names[0], f"is required{option}"))
            return 1
        return default
