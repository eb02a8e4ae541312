"""Results of `vllm bench serve` (and of the benchmark_serving.py before it), plain and detailed.

What the file hides: it is written, with a TPOT of 0, also when every request failed. It holds
neither the SLOs nor the lengths asked for; the lists of `--save-detailed` have the lengths that
were. The rate is requests over the whole run, so that filling up and draining lower it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from melange_cloud.documents import validate
from melange_cloud.errors import InvalidDocument, Problem
from melange_cloud.names import shorten
from melange_cloud.profiles.document import LARGEST
from melange_cloud.profiles.imports.point import (
    Z95,
    Count,
    Foreign,
    Given,
    Imported,
    Number,
    Point,
    one_length,
    summary,
)

KIND = "result of vllm bench serve"

RUN_LENGTH = 10
"""A run shorter than this many requests' durations understates the rate by more than a tenth."""

AGREE = 0.02
"""Share by which two accounts of one quantity in a file may differ."""

_ENGINES = {
    name: name for name in ("vllm", "tgi", "tensorrt-llm", "sglang", "lmdeploy", "deepspeed-mii")
}
"""Backends that name an engine; the rest speak OpenAI's protocol, whoever answers."""


class BenchResult(Foreign):
    """The fields of a result that are read. Lists: one entry a request, seconds."""

    model_id: str = Field(min_length=1)
    backend: str | None = None
    endpoint_type: str | None = None
    num_prompts: Count | None = None
    request_rate: float | Literal["inf"] | None = None
    burstiness: float | None = None
    max_concurrency: Annotated[int, Field(gt=0, le=int(LARGEST))] | None = None
    duration: Annotated[float, Field(gt=0, le=LARGEST)]
    completed: Count
    failed: Count | None = None
    total_input_tokens: Count
    total_output_tokens: Count
    request_throughput: Number
    mean_ttft_ms: Number
    p99_ttft_ms: Number | None = None
    mean_tpot_ms: Number
    std_tpot_ms: Number | None = None
    p99_tpot_ms: Number | None = None
    mean_e2el_ms: Number | None = None
    input_lens: list[Count] | None = None
    output_lens: list[Count] | None = None
    ttfts: list[Number] | None = None
    itls: list[list[Number]] | None = None
    latencies: list[Number] | None = None
    start_times: list[float] | None = None
    errors: list[str | None] | None = None
    gpu: str | int | float | None = None
    tensor_parallel_size: str | int | float | None = None
    random_input_len: int | str | None = None
    random_output_len: int | str | None = None


def recognises(data: Any) -> bool:
    """Whether ``data`` is one result."""
    return isinstance(data, dict) and {"request_throughput", "mean_tpot_ms", "completed"} <= set(
        data
    )


def read(data: Mapping[str, Any], name: str, given: Given) -> Imported:
    """One point. A run of which nothing succeeded is a point with a rate of 0 where its size is
    known, and none otherwise.

    Raises InvalidDocument for a file that contradicts itself, InvalidInput for mixed lengths.
    """
    result = validate(BenchResult, _dashes_as_underscores(data), name, KIND)
    _check(result, name)
    failed = _failed(result)
    imported = Imported(
        name,
        KIND,
        [],
        model=result.model_id,
        gpu_label=str(result.gpu) if result.gpu is not None else None,
        tensor_parallel=_whole(result.tensor_parallel_size),
        engine=_ENGINES.get((result.backend or result.endpoint_type or "").split("-chat")[0]),
    )
    if not result.completed or not result.total_output_tokens:
        return _nothing_succeeded(result, imported, given)
    point = _detailed(result, name, given) or _plain(result, name, given)
    point = replace(
        point,
        request_rate=result.completed / result.duration,
        requests=result.completed,
        errors=failed,
        arrivals=_arrivals(result),
        load=_load(result),
    )
    imported.points.append(point)
    imported.warnings.extend(_short_run(result, point, name))
    imported.warnings.extend(_unknown_spread(result, name, given))
    return imported


def _detailed(result: BenchResult, name: str, given: Given) -> Point | None:
    """From the lists, over the requests that succeeded; None when there are none."""
    inputs, outputs, ttfts = result.input_lens, result.output_lens, result.ttfts
    if inputs is None or outputs is None or ttfts is None:
        return None
    errors = result.errors or [None] * len(outputs)
    succeeded = [k for k, length in enumerate(outputs) if length > 0 and not errors[k]]
    if not succeeded:
        return None
    if result.latencies is not None:
        ends = [result.latencies[k] for k in succeeded]
    elif result.itls is not None:
        ends = [ttfts[k] + sum(result.itls[k]) for k in succeeded]
    else:
        return None
    tpots = [
        (end - ttfts[k]) / (outputs[k] - 1) * 1e3
        for k, end in zip(succeeded, ends, strict=True)
        if outputs[k] > 1
    ]
    size = given.size or (None, None)
    ttft, ttft_p99, _ = summary([ttfts[k] * 1e3 for k in succeeded])
    tpot, tpot_p99, half = summary(tpots) if tpots else (None, None, None)
    _agrees(name, "mean_tpot_ms", result.mean_tpot_ms, tpot or 0.0)
    _agrees(name, "mean_ttft_ms", result.mean_ttft_ms, ttft)
    return Point(
        one_length(name, "input", [inputs[k] for k in succeeded], size[0]),
        one_length(name, "output", [outputs[k] for k in succeeded], size[1]),
        concurrency=sum(ends) / result.duration,  # Little's law
        request_rate=0.0,
        ttft_ms_mean=ttft,
        ttft_ms_p99=ttft_p99,
        tpot_ms_mean=tpot,
        tpot_ms_p99=tpot_p99,
        tpot_ms_ci95=half,
    )


def _plain(result: BenchResult, name: str, given: Given) -> Point:
    """From the summary alone: the lengths are means, whatever their spread."""
    size = given.size or (None, None)
    outputs = result.total_output_tokens / result.completed
    measured = outputs > 1  # the TPOT of one token is written as 0
    deviation = result.std_tpot_ms
    latency_ms = result.mean_e2el_ms
    if latency_ms is None:
        latency_ms = result.mean_ttft_ms + result.mean_tpot_ms * (outputs - 1)
    return Point(
        one_length(name, "input", [result.total_input_tokens / result.completed], size[0]),
        one_length(name, "output", [outputs], size[1]),
        concurrency=result.completed / result.duration * latency_ms / 1e3,
        request_rate=0.0,
        ttft_ms_mean=result.mean_ttft_ms,
        ttft_ms_p99=result.p99_ttft_ms,
        tpot_ms_mean=result.mean_tpot_ms if measured else None,
        tpot_ms_p99=result.p99_tpot_ms if measured else None,
        tpot_ms_ci95=(
            Z95 * deviation / result.completed**0.5 if measured and deviation is not None else None
        ),
    )


def _nothing_succeeded(result: BenchResult, imported: Imported, given: Given) -> Imported:
    total = result.num_prompts or result.failed or len(result.errors or ())
    first = next((text for text in result.errors or () if text), None)
    why = f"all {total} requests failed" + (f" ({shorten(first)})" if first else "")
    asked = (_whole(result.random_input_len), _whole(result.random_output_len))
    inputs, outputs = given.size or asked
    if not inputs or not outputs:
        return replace(
            imported,
            warnings=[
                f"{imported.name}: {why}, so its TPOT of 0 means nothing. It is left out, as it "
                "does not say which size was asked for; --size would"
            ],
        )
    point = Point(
        inputs,
        outputs,
        concurrency=float(result.max_concurrency or total or 1),
        request_rate=0.0,
        requests=0,
        errors=total,
        arrivals=_arrivals(result),
        load=_load(result),
    )
    return replace(
        imported,
        points=[point],
        warnings=[f"{imported.name}: {why}; recorded as a rate of 0 at {inputs}x{outputs}"],
    )


def _check(result: BenchResult, name: str) -> None:
    """What must hold between the fields; InvalidDocument with all that does not."""
    problems = []
    counted = result.completed / result.duration
    if abs(counted - result.request_throughput) > AGREE * max(counted, result.request_throughput):
        problems.append(
            Problem(
                "request_throughput",
                f"is {result.request_throughput:g}, but {result.completed} completed requests "
                f"in {result.duration:g} s are {counted:g}",
            )
        )
    if result.num_prompts is not None and result.completed > result.num_prompts:
        problems.append(
            Problem("completed", f"is {result.completed} of {result.num_prompts} requests")
        )
    lists = {
        key: len(values)
        for key in ("input_lens", "output_lens", "ttfts", "itls", "latencies", "errors")
        if (values := getattr(result, key)) is not None
    }
    if len(set(lists.values())) > 1:
        lengths = ", ".join(f"{key} {length}" for key, length in lists.items())
        problems.append(
            Problem(
                "", f"its lists have one entry for each request, yet differ in length: {lengths}"
            )
        )
    elif lists and next(iter(lists.values())) < result.completed:
        problems.append(
            Problem(
                "", f"its lists have {next(iter(lists.values()))} of {result.completed} requests"
            )
        )
    if problems:
        raise InvalidDocument(name, KIND, problems)


def _agrees(name: str, field: str, written: float, found: float) -> None:
    if abs(written - found) > AGREE * max(written, found):
        raise InvalidDocument(
            name, KIND, [Problem(field, f"is {written:g}, but its lists give {found:g}")]
        )


def _unknown_spread(result: BenchResult, name: str, given: Given) -> list[str]:
    """Warn when a plain result's mean lengths show that its requests were not of one size."""
    totals = (result.total_input_tokens, result.total_output_tokens)
    if (
        given.size
        or result.output_lens is not None
        or not any(n % result.completed for n in totals)
    ):
        return []
    return [
        f"{name}: its requests were not all of one size, and only --save-detailed would tell how "
        "far they spread; the point is taken to be of their mean size"
    ]


def _short_run(result: BenchResult, point: Point, name: str) -> list[str]:
    """Warn when filling up and draining take a good part of the run."""
    latency = point.concurrency / point.request_rate
    durations = result.duration / latency
    if durations >= RUN_LENGTH:
        return []
    steady = _steady_rate(result, latency)
    text = (
        f"{name}: the run took {durations:.1f} times as long as one request; filling up and "
        f"draining make its {point.request_rate:.3g} requests/s too low"
    )
    if steady is not None:
        text += f" (between them it was {steady:.3g})"
    return [
        f"{text}. It is kept, as a rate too low is safe to plan with; for a better one run at "
        f"least {RUN_LENGTH} times as long"
    ]


def _steady_rate(result: BenchResult, latency: float) -> float | None:
    """Requests/s that ended between one latency after the first start and the last start."""
    starts, latencies = result.start_times, result.latencies
    if starts is None or latencies is None or len(starts) != len(latencies):
        return None
    begin, end = min(starts) + latency, max(starts)
    if end - begin < 2 * latency:
        return None
    ended = sum(begin < start + took <= end for start, took in zip(starts, latencies, strict=True))
    return ended / (end - begin)


def _failed(result: BenchResult) -> int:
    if result.failed is not None:
        return result.failed
    return max(0, (result.num_prompts or result.completed) - result.completed)


def _rate(result: BenchResult) -> float:
    """Requests/s asked for; infinite when all were sent at once."""
    return float("inf" if result.request_rate is None else result.request_rate)


def _arrivals(result: BenchResult) -> str:
    if _rate(result) == float("inf"):
        return "closed" if result.max_concurrency else "at once"
    return "poisson" if result.burstiness in (None, 1.0) else "gamma"


def _load(result: BenchResult) -> str:
    load = f"{_rate(result):g}/s, {result.max_concurrency or 'any'} at a time"
    # all at once, the number of requests is the load
    return f"{load}, {result.num_prompts}" if _arrivals(result) == "at once" else load


def _whole(value: object) -> int | None:
    """A whole number above 0 that a label or a sweep's parameter may hold as text."""
    text = str(value)
    return int(text) if text.isdecimal() and 0 < len(text) < 10 and int(text) > 0 else None


def _dashes_as_underscores(data: Mapping[str, Any]) -> dict[str, Any]:
    """Sweeps add their parameters as the command line spells them."""
    added = {key.replace("-", "_"): value for key, value in data.items() if "-" in key}
    return {**added, **data}
