"""Results of guidellm (`benchmarks.json`): one point a benchmark.

Its words differ from vLLM's: `inter_token_latency_ms` is vLLM's TPOT, the first token left out;
`time_per_output_token_ms` counts the first token in, and would judge an SLO wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from melange_cloud.documents import validate
from melange_cloud.profiles.imports.point import (
    Z95,
    Count,
    Foreign,
    Given,
    Imported,
    Number,
    Point,
    one_length,
)

KIND = "result of guidellm"

RUN_LENGTH = 10
"""A run shorter than this many requests' durations understates the rate."""


class Percentiles(Foreign):
    p99: Number | None = None


class Distribution(Foreign):
    """Of one quantity over the requests of one outcome."""

    mean: Number
    std_dev: Number | None = None
    min: Number | None = None
    max: Number | None = None
    percentiles: Percentiles | None = None

    @property
    def p99(self) -> float | None:
        return self.percentiles.p99 if self.percentiles else None


class ByOutcome(Foreign):
    successful: Distribution | None = None
    total: Distribution | None = None


class Totals(Foreign):
    successful: Count
    errored: Count = 0


class Metrics(Foreign):
    request_totals: Totals
    requests_per_second: ByOutcome
    request_concurrency: ByOutcome
    request_latency: ByOutcome | None = None
    prompt_token_count: ByOutcome
    output_token_count: ByOutcome
    time_to_first_token_ms: ByOutcome
    inter_token_latency_ms: ByOutcome


class Strategy(Foreign):
    """How load was made: its name, and the one number that its kind has."""

    type_: str = "unknown"
    streams: int | None = None
    rate: float | None = None
    max_concurrency: int | None = None


class Config(Foreign):
    strategy: Strategy | None = None
    backend: dict[str, Any] | None = None


class Benchmark(Foreign):
    """``config`` since version 0.4, ``args`` and ``worker`` before."""

    config: Config | None = None
    args: Config | None = None
    worker: dict[str, Any] | None = None
    duration: Number | None = None
    metrics: Metrics


class Report(Foreign):
    benchmarks: list[Benchmark] = Field(min_length=1)


def recognises(data: Any) -> bool:
    """Whether ``data`` is a report of guidellm."""
    if not isinstance(data, dict) or not isinstance(data.get("benchmarks"), list):
        return False
    metadata = data.get("metadata")
    return (isinstance(metadata, dict) and "guidellm_version" in metadata) or any(
        isinstance(one, dict)
        and isinstance(one.get("metrics"), dict)
        and "request_totals" in one["metrics"]
        for one in data["benchmarks"]
    )


def read(data: Mapping[str, Any], name: str, given: Given) -> Imported:
    """A point for each benchmark; one without a success is left out, with a warning.

    Raises InvalidDocument for a damaged file, InvalidInput for requests of mixed lengths.
    """
    report = validate(Report, dict(data), name, KIND)
    models = sorted({model for one in report.benchmarks for model in _models(one)})
    imported = Imported(name, KIND, [], model=models[0] if len(models) == 1 else None)
    if len(models) > 1:
        raise imported.fails(f"it has benchmarks of {len(models)} models: {', '.join(models)}")
    for number, benchmark in enumerate(report.benchmarks, 1):
        label = f"{name}, benchmark {number}"
        point = _point(benchmark, label, given)
        if point is None:
            imported.warnings.append(
                f"{label}: none of its {benchmark.metrics.request_totals.errored} requests "
                "succeeded, so the size asked for is not known; it is left out"
            )
            continue
        imported.points.append(point)
        imported.warnings.extend(_short_run(benchmark, point, label))
    return imported


def _point(benchmark: Benchmark, label: str, given: Given) -> Point | None:
    metrics = benchmark.metrics
    inputs, outputs = metrics.prompt_token_count.successful, metrics.output_token_count.successful
    rate = metrics.requests_per_second.successful
    if not metrics.request_totals.successful or not inputs or not outputs or not rate:
        return None
    count = metrics.request_totals.successful
    ttft = metrics.time_to_first_token_ms.successful
    tpot = metrics.inter_token_latency_ms.successful if outputs.mean > 1 else None
    in_flight = metrics.request_concurrency.total or metrics.request_concurrency.successful
    size = given.size or (None, None)
    strategy = _strategy(benchmark)
    return Point(
        one_length(label, "input", _range(inputs), size[0]),
        one_length(label, "output", _range(outputs), size[1]),
        concurrency=(in_flight.mean if in_flight else 0.0) or strategy.streams or 1.0,
        request_rate=rate.mean,
        ttft_ms_mean=ttft.mean if ttft else None,
        ttft_ms_p99=ttft.p99 if ttft else None,
        tpot_ms_mean=tpot.mean if tpot else None,
        tpot_ms_p99=tpot.p99 if tpot else None,
        requests=count,
        errors=metrics.request_totals.errored,
        tpot_ms_ci95=(
            Z95 * tpot.std_dev / math.sqrt(count) if tpot and tpot.std_dev is not None else None
        ),
        arrivals=_ARRIVALS.get(strategy.type_, strategy.type_),
        load=f"{strategy.type_} {strategy.streams or strategy.rate or strategy.max_concurrency}",
    )


_ARRIVALS = {"concurrent": "closed", "synchronous": "closed", "throughput": "closed"}


def _range(lengths: Distribution) -> list[float]:
    ends = (lengths.min, lengths.mean, lengths.max)
    return [end for end in ends if end is not None]


def _strategy(benchmark: Benchmark) -> Strategy:
    for config in (benchmark.config, benchmark.args):
        if config is not None and config.strategy is not None:
            return config.strategy
    return Strategy()


def _models(benchmark: Benchmark) -> Iterator[str]:
    """The model a benchmark was sent to, where its version writes it."""
    if benchmark.config is not None and benchmark.config.backend is not None:
        model = benchmark.config.backend.get("model")
    else:
        model = (benchmark.worker or {}).get("backend_model")
    if isinstance(model, str) and model:
        yield model


def _short_run(benchmark: Benchmark, point: Point, label: str) -> list[str]:
    """Warn when requests cut off at the end are a good part of the run."""
    latency = benchmark.metrics.request_latency
    if not benchmark.duration or latency is None or latency.successful is None:
        return []
    durations = benchmark.duration / latency.successful.mean if latency.successful.mean else 0
    if durations >= RUN_LENGTH or not durations:
        return []
    return [
        f"{label}: the run took {durations:.1f} times as long as one request; requests cut off at "
        f"its end make its {point.request_rate:.3g} requests/s too low. It is kept, as a rate too "
        f"low is safe to plan with; for a better one run at least {RUN_LENGTH} times as long"
    ]
