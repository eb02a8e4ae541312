"""What no measurement of a model on a GPU can be faster than: its memory and its arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.distance import Served
from melange_cloud.profiles.facts import Quantization
from melange_cloud.profiles.roofline import Roofline

_PEAK: dict[Quantization, float] = {"none": 1.0, "fp8": 2.0, "int8": 2.0, "int4": 4.0}
"""Most operations/s with such weights, relative to fp16: where activations are as narrow too."""


def refuse_impossible(replica: Roofline, points: Sequence[Served], name: str) -> None:
    """Raise InvalidInput for points that are faster than ``replica``'s GPUs can be.

    ``name`` is that of the file they come from. A bound is only what every engine must read or
    compute, so that no true measurement is refused; the first point is told with its bound.
    """
    found = [(point, why) for point in points if (why := next(_broken(replica, point), None))]
    if not found:
        return
    (point, why), count = found[0], len(found)
    inputs, outputs = point.size
    running = f"{point.concurrency:g} request{'s' * (point.concurrency != 1)} in flight"
    share = f"; {count} of {len(points)} points are too fast" if count > 1 else ""
    raise InvalidInput(
        f"{name}: the point at {inputs}x{outputs} with {running} cannot "
        f"be of {replica.model.id} on {replica.tensor_parallel} x {replica.gpu.gpu}: "
        f"{why}{share}",
        hint="check the GPU's name, the tensor parallel degree, and how weights and cache were "
        "stored (--quantization, --kv-cache); an engine with speculative decoding or cached "
        "prompts can be as fast, but is not what is estimated",
    )


def _broken(replica: Roofline, point: Served) -> Iterator[str]:
    """In words, each bound that a point is beyond."""
    gpus, gpu = replica.tensor_parallel, replica.gpu
    inputs, outputs = point.size
    tpot_ms = _bytes_of_a_step(replica, point) / (gpus * gpu.bandwidth_bytes_per_s) * 1e3
    if point.tpot_ms < tpot_ms:
        yield (
            f"its TPOT is {point.tpot_ms:.3g} ms, while reading the weights and the cache once "
            f"takes {tpot_ms:.3g} ms at the full memory bandwidth of "
            f"{gpus * gpu.bandwidth_bytes_per_s / 1e9:.4g} GB/s"
        )
    peak = gpus * gpu.fp16_flops * _PEAK[replica.model.quantization]
    prefill_s = _operations(replica, inputs) / peak
    if point.ttft_ms is not None and point.ttft_ms < prefill_s * 1e3:
        yield (
            f"its TTFT is {point.ttft_ms:.3g} ms, while computing its prompt takes "
            f"{prefill_s * 1e3:.3g} ms at the peak of {peak / 1e12:.4g} Tflop/s"
        )
    most = 1 / (_operations(replica, inputs + outputs) / peak)
    if point.request_rate > most:
        yield (
            f"it serves {point.request_rate:.3g} requests/s, while computing their tokens at the "
            f"peak of {peak / 1e12:.4g} Tflop/s allows {most:.3g}"
        )


def _bytes_of_a_step(replica: Roofline, point: Served) -> float:
    """The least that a decode step reads: weights that one token needs, and the cache of the
    requests that were decoding, which Little's law tells from their rate and TPOT.

    Of the embeddings only half, as a table that is looked up is not read whole.
    """
    model = replica.model
    inputs, outputs = point.size
    decoding = min(point.concurrency, point.request_rate * (outputs - 1) * point.tpot_ms / 1e3)
    weights = model.bytes_read(1) - model.embedding_parameters * model.bytes_per_weight / 2
    return max(0.0, weights) + decoding * (inputs + outputs / 2) * model.kv_bytes_per_token


def _operations(replica: Roofline, tokens: int) -> float:
    """The least for so many tokens of a request: the matrix products of its layers."""
    model = replica.model
    return 2 * max(1.0, model.active_parameters - model.embedding_parameters) * tokens
