"""An estimated profile: the points of the roofline model, where no measurement exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.document import COLUMNS, Engine, Profile, Value
from melange_cloud.profiles.facts import (
    GpuFacts,
    Interconnect,
    ModelFacts,
    gpu_facts,
    interconnect_facts,
    model_facts,
)
from melange_cloud.profiles.roofline import MAX_NUM_SEQS, USABLE_MEMORY, Load, Roofline
from melange_cloud.profiles.sizes import DEFAULT_SIZES, Size, parse_sizes

LEVELS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Running requests at which points are given, besides the most that memory holds."""

SIGNIFICANT_DIGITS = 4

_PROVENANCE = (
    "Roofline model of continuous batching, not a measurement; constants fitted to Griggs et al., "
    "arXiv 2404.14527, Figures 3 and 5 (vLLM 0.2.7, fp16)"
)


class CannotRun(InvalidInput):
    """A configuration that cannot run a model. Exit code 2."""


class DoesNotFit(CannotRun):
    """The memory of a configuration cannot hold the weights and one request. Exit code 2."""


def estimate(
    model: ModelFacts,
    gpu: GpuFacts,
    tensor_parallel: int,
    link: Interconnect,
    sizes: Iterable[Size] = DEFAULT_SIZES,
    provenance: str | None = None,
) -> Profile:
    """The profile of ``model`` on ``tensor_parallel`` GPUs joined by ``link``.

    ``sizes`` are (input, output) tokens. A size of which not one request fits in memory gets a
    single row with a request rate of 0, so that it differs from a size never looked at. The
    model's context length does not limit the sizes: it is applied when a plan is made.
    ``provenance`` says where constants come from that are not those of the table of GPUs.
    Raises CannotRun for a degree that does not divide the attention heads, and DoesNotFit when
    nothing fits at all, with the numbers.
    """
    if model.attention_heads % tensor_parallel:
        raise CannotRun(
            f"{model.id} does not run on {tensor_parallel} x {gpu.gpu}: the tensor parallel degree "
            f"{tensor_parallel} does not divide its {model.attention_heads} attention heads"
        )
    replica = Roofline(model, gpu, tensor_parallel, link)
    wanted = sorted(set(sizes))
    reason = why_it_does_not_fit(replica, wanted)
    if reason is not None:
        have = f"{tensor_parallel} x {gpu.gpu}" if tensor_parallel > 1 else gpu.gpu
        raise DoesNotFit(
            f"{model.id} does not fit on {have}: {reason}",
            hint="use more GPUs together (--tensor-parallel), or GPUs with more memory",
        )
    return Profile(
        schema_="melange-cloud/profile/v1",
        model=model.id,
        gpu=gpu.gpu,
        tensor_parallel=tensor_parallel,
        engine=Engine(name="vllm", version=None, args=_engine_args(model, tensor_parallel)),
        source="estimated",
        provenance=(provenance or _provenance(gpu)) + _precision(model),
        max_model_len=model.max_model_len,
        columns=list(COLUMNS),
        points=[row for size in wanted for row in _rows(replica, *size)],
    )


def estimate_by_name(
    model: str,
    gpu: str,
    tensor_parallel: int = 1,
    interconnect: str | None = None,
    sizes: Sequence[str] | None = None,
) -> Profile:
    """``estimate`` for what a user types; the GPU's own interconnect and the whole grid if None.

    Raises InvalidInput with the nearest known name, and what ``estimate`` raises.
    """
    facts = gpu_facts(gpu)
    link = interconnect_facts(interconnect or facts.interconnect)
    wanted = parse_sizes(sizes) if sizes else DEFAULT_SIZES
    return estimate(model_facts(model), facts, tensor_parallel, link, wanted)


def why_it_does_not_fit(replica: Roofline, sizes: Iterable[Size] = DEFAULT_SIZES) -> str | None:
    """In numbers, why memory holds no request of any of ``sizes``; None when it holds one."""
    smallest = min(sizes, key=sum)
    if replica.max_concurrency(*smallest):
        return None
    usable = USABLE_MEMORY * replica.gpu.memory_bytes * replica.tensor_parallel
    text = (
        f"its weights take {replica.model.weight_bytes / 1e9:.1f} GB, and {usable / 1e9:.1f} GB "
        f"are usable ({USABLE_MEMORY:.0%} of the memory)"
    )
    if replica.cache_bytes <= 0:
        return text
    need = sum(smallest) * replica.kv_bytes_per_token
    return (
        f"{text}; a request of {smallest[0]} input and {smallest[1]} output tokens needs "
        f"{need / 1e9:.2f} GB of cache where {replica.cache_bytes / 1e9:.2f} GB are left"
    )


def _provenance(gpu: GpuFacts) -> str:
    if gpu.constants_of == gpu.gpu:
        return _PROVENANCE
    return f"{_PROVENANCE} for {gpu.constants_of}, taken over for {gpu.gpu}"


def _precision(model: ModelFacts) -> str:
    """What is not 16 bits wide, in words."""
    narrow = [] if model.quantization == "none" else [f"{model.quantization} weights"]
    narrow += [] if model.bytes_per_kv_value == 2 else ["fp8 cache"]
    return f"; estimated for {' and '.join(narrow)}" if narrow else ""


def _engine_args(model: ModelFacts, tensor_parallel: int) -> list[str]:
    """Arguments of vLLM; how weights are quantised it reads from the checkpoint, but for fp8."""
    args = ["--dtype=half", f"--max-num-seqs={MAX_NUM_SEQS}"]
    args += ["--quantization=fp8"] if model.quantization == "fp8" else []
    args += ["--kv-cache-dtype=fp8"] if model.bytes_per_kv_value == 1 else []
    return [*args, f"--tensor-parallel-size={tensor_parallel}"] if tensor_parallel > 1 else args


def _rows(replica: Roofline, input_tokens: int, output_tokens: int) -> Iterator[list[Value]]:
    most = replica.max_concurrency(input_tokens, output_tokens)
    if most == 0:
        yield _row(input_tokens, output_tokens, concurrency=1, request_rate=0.0)
    for concurrency in [level for level in LEVELS if level < most] + ([most] if most else []):
        load = replica.load(concurrency, input_tokens, output_tokens)
        yield _row(input_tokens, output_tokens, **_values(load))


def _values(load: Load) -> dict[str, Value]:
    return {
        "concurrency": load.concurrency,
        "request_rate": _rounded(load.request_rate),
        "ttft_ms_mean": _rounded(load.ttft_s * 1e3),
        "tpot_ms_mean": _rounded(load.tpot_s * 1e3),
    }


def _row(input_tokens: int, output_tokens: int, **values: Value) -> list[Value]:
    known = {"input_tokens": input_tokens, "output_tokens": output_tokens, **values}
    return [known.get(name) for name in COLUMNS]


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
