"""What estimates rest on: facts of models, and of GPUs with their fitted constants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from melange_cloud.documents import Document, load_json
from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, named_gpus, unknown, unknown_gpu
from melange_cloud.profiles.aliases import DATA, same_model

Quantization = Literal["none", "fp8", "int8", "int4"]

WEIGHT_BYTES: dict[Quantization, float] = {"fp8": 1.0, "int8": 1.0, "int4": 0.52}
"""Bytes of a quantised weight; 4 bits with a 16-bit scale and a 4-bit zero for each 128."""

Whole = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Quantity = Annotated[float, Field(gt=0)]


class ModelFacts(Document):
    """A decoder-only transformer, in the terms of its Hugging Face config.json."""

    id: str = Field(min_length=1, description="Hugging Face id")
    aliases: list[str] = Field(
        default_factory=list, description="ids of the same architecture and size"
    )
    parameters: Whole
    layers: Whole = Field(description="num_hidden_layers")
    hidden: Whole = Field(description="hidden_size")
    attention_heads: Whole = Field(description="num_attention_heads")
    kv_heads: Whole = Field(description="num_key_value_heads: fewer under grouped-query attention")
    head_dim: Whole
    bytes_per_weight: Quantity = Field(description="2 for fp16 and bf16")
    bytes_per_kv_value: Quantity = Field(description="2 for an fp16 cache")
    max_model_len: Whole = Field(description="max_position_embeddings, tokens")
    quantization: Quantization = Field(
        "none", description="of the weights of its layers; embeddings keep bytes_per_weight"
    )
    embedding_parameters: Count = Field(0, description="of input and output embeddings")
    expert_parameters: Count = Field(0, description="of all routed experts of all layers")
    experts: Whole = Field(1, description="routed experts a layer")
    experts_per_token: Whole = Field(1, description="of them, that a token goes through")
    kv_values_per_token: Whole | None = Field(
        None, description="cached numbers a token, where not a key and a value a head (MLA)"
    )

    @property
    def weight_bytes(self) -> float:
        return self.bytes_of(self.parameters)

    @property
    def kv_bytes_per_token(self) -> float:
        """A key and a value per layer and key-value head, if attention caches no less."""
        values = self.kv_values_per_token or 2 * self.layers * self.kv_heads * self.head_dim
        return values * self.bytes_per_kv_value

    @property
    def active_parameters(self) -> float:
        """Parameters that a token is multiplied with: of the routed experts, only its own."""
        idle = 1 - self.experts_per_token / self.experts
        return self.parameters - self.expert_parameters * idle

    def bytes_of(self, parameters: float) -> float:
        """Bytes of that many of its parameters, the embeddings among them."""
        if self.quantization == "none":
            return parameters * self.bytes_per_weight
        quantised = parameters - self.embedding_parameters
        return (
            quantised * WEIGHT_BYTES[self.quantization]
            + self.embedding_parameters * self.bytes_per_weight
        )

    def bytes_read(self, tokens: float) -> float:
        """Bytes of weights that a step of ``tokens`` tokens reads, each choosing its experts at
        random: an expert is read when one of them chose it."""
        untouched = (1 - self.experts_per_token / self.experts) ** tokens
        return self.bytes_of(self.parameters - self.expert_parameters * untouched)


class Interconnect(Document):
    """How the GPUs of one instance reach each other, for the all-reduces of tensor parallelism."""

    name: str
    latency_s: Quantity = Field(description="of one all-reduce of a small message")
    bytes_per_s: Quantity = Field(description="message bytes that an all-reduce gets through")
    source: str


class Constants(Document):
    """What the roofline model must be told about a GPU beyond its datasheet."""

    eb: Quantity = Field(description="achieved share of memory bandwidth")
    ef: Quantity = Field(description="achieved share of peak flops")
    t0_s: Quantity = Field(description="overhead of a step, s")
    t1_s: Annotated[float, Field(ge=0)] = Field(description="overhead of a sequence in a step, s")


class GpuEntry(Document):
    """A GPU in the data file: its constants, or the fitted GPU that lends it its own."""

    gpu: str
    memory_bytes: Quantity
    bandwidth_bytes_per_s: Quantity
    fp16_flops: Quantity
    fp8_flops: Quantity | None = None
    interconnect: str
    source: str
    constants: Constants | None
    constants_of: str | None
    note: str


@dataclass(frozen=True)
class GpuFacts:
    """A GPU's datasheet, and the constants of the estimate on it."""

    gpu: str
    memory_bytes: float
    bandwidth_bytes_per_s: float
    fp16_flops: float
    """Dense, fp16 tensor cores, per second."""
    interconnect: str
    """What joins the GPUs of the instances that clouds sell."""
    constants: Constants
    constants_of: str
    """The GPU they were fitted on: another one where this was not measured."""
    fp8_flops: float | None = None
    """Dense, fp8 tensor cores, per second; None for a GPU that has none."""

    def flops(self, quantization: Quantization) -> float:
        """Peak operations/s with such weights: quantised ones are unpacked to 16 bits, unless
        they are fp8 and the GPU multiplies fp8."""
        return (quantization == "fp8" and self.fp8_flops) or self.fp16_flops


class _Models(Document):
    schema_: Literal["melange-cloud/models/v1"] = Field(alias="schema")
    source: str
    models: list[ModelFacts]


class GpuBook(Document):
    """All GPUs and interconnects that estimates know, and how the constants were fitted."""

    schema_: Literal["melange-cloud/gpus/v1"] = Field(alias="schema")
    units: dict[str, str]
    fit: dict[str, object]
    interconnects: list[Interconnect]
    gpus: list[GpuEntry]


@cache
def models() -> tuple[ModelFacts, ...]:
    """The models whose profiles can be estimated by name."""
    return tuple(load_json(DATA / "models.json", _Models, "table of models").models)


@cache
def gpu_book() -> GpuBook:
    """The GPUs on which a profile can be estimated."""
    return load_json(DATA / "gpus.json", GpuBook, "table of GPUs")


def model_facts(name: str) -> ModelFacts:
    """Facts of a model by its id or an alias; InvalidInput with the nearest known otherwise."""
    for model in models():
        if model.id in same_model(name):
            return model
    known = [id_ for model in models() for id_ in (model.id, *model.aliases)]
    raise InvalidInput(
        unknown("model", name, known),
        hint="any other decoder-only model can be estimated from its config.json on Hugging Face: "
        "give that file with --model-config",
    )


def gpu_facts(name: str) -> GpuFacts:
    """Facts of a GPU; InvalidInput with the nearest known otherwise."""
    entries = {entry.gpu: entry for entry in gpu_book().gpus}
    entry = entries.get(canonical_gpu(name))
    if entry is None:
        if canonical_gpu(name) in named_gpus():
            raise InvalidInput(
                f"no profile on {canonical_gpu(name)} can be estimated: its memory and speed are "
                "not in the table of GPUs",
                hint="measure it with `melange-cloud profile run`; estimates can be made on "
                + ", ".join(entries),
            )
        raise InvalidInput(unknown_gpu(name, entries, "the table of GPUs lacks"))
    lender = entries[entry.constants_of] if entry.constants_of else entry
    if lender.constants is None:
        raise InvalidInput(f"the table of GPUs has no constants for {entry.gpu}")
    return GpuFacts(
        gpu=entry.gpu,
        memory_bytes=entry.memory_bytes,
        bandwidth_bytes_per_s=entry.bandwidth_bytes_per_s,
        fp16_flops=entry.fp16_flops,
        interconnect=entry.interconnect,
        constants=lender.constants,
        constants_of=lender.gpu,
        fp8_flops=entry.fp8_flops,
    )


def interconnect_facts(name: str) -> Interconnect:
    """Facts of an interconnect; InvalidInput with the nearest known otherwise."""
    known = {link.name: link for link in gpu_book().interconnects}
    if name not in known:
        raise InvalidInput(unknown("interconnect", name, known))
    return known[name]
