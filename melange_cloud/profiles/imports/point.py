"""What every foreign format is read into: points at a load, and what the file says of itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.document import COLUMNS, LARGEST, Profile, Source, Value
from melange_cloud.profiles.sizes import Size

SIGNIFICANT_DIGITS = 6
"""Of a measured number: more than any measurement has."""

MIXED = 0.1
"""Lengths that lie further than this share from their mean are of more than one size."""

Z95 = 1.96
"""Standard errors to either side of a mean that hold 95% of a normal distribution."""


Number = Annotated[float, Field(ge=0, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=int(LARGEST))]


class Foreign(BaseModel):
    """Base of the models of foreign files: what is read is checked, what else there is ignored."""

    model_config = ConfigDict(
        extra="ignore", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )


@dataclass(frozen=True)
class Given:
    """What the user says of the files, which they leave out or call by another name."""

    model: str | None = None
    gpu: str | None = None
    tensor_parallel: int | None = None
    engine_version: str | None = None
    size: Size | None = None
    """The size that requests of mixed or unknown lengths stand for."""
    tpot_ms: float | None = None
    """The SLO under which throughputs without latencies hold."""


@dataclass(frozen=True)
class Point:
    """One load level at one size; None where the file does not say. Units as in ``COLUMNS``."""

    input_tokens: int
    output_tokens: int
    concurrency: float
    request_rate: float
    ttft_ms_mean: float | None = None
    ttft_ms_p99: float | None = None
    tpot_ms_mean: float | None = None
    tpot_ms_p99: float | None = None
    requests: int | None = None
    errors: int | None = None
    tpot_ms_ci95: float | None = None
    arrivals: str | None = None
    load: str = ""
    """What was asked of the client: runs of one load at one size are repeats, and are pooled."""

    def row(self) -> list[Value]:
        """The point as a profile's row."""
        return [_rounded(getattr(self, name)) for name in COLUMNS]


@dataclass(frozen=True)
class Imported:
    """One file: its points, and what it says of model, GPU and engine (None: nothing)."""

    name: str
    format: str
    points: list[Point]
    source: Source = "measured"
    model: str | None = None
    gpu: str | None = None
    """Stated by the format: --gpu may not contradict it."""
    gpu_label: str | None = None
    """Free text that a user attached; --gpu is believed rather."""
    tensor_parallel: int | None = None
    engine: str | None = None
    engine_version: str | None = None
    engine_args: list[str] | None = None
    max_model_len: int | None = None
    remarks: list[str] = field(default_factory=list)
    """What a reader of the profile must know, for its provenance."""
    warnings: list[str] = field(default_factory=list)

    def fails(self, why: str, hint: str | None = None) -> InvalidInput:
        """An error about this file."""
        return InvalidInput(f"{self.name}: {why}", hint=hint)


def one_length(name: str, what: str, lengths: Sequence[float], given: int | None) -> int:
    """The length that requests of ``lengths`` stand for; InvalidInput when they are too mixed."""
    if given is not None:
        return given
    mean = fmean(lengths)
    if max(lengths) - mean > MIXED * mean + 1 or mean - min(lengths) > MIXED * mean + 1:
        raise InvalidInput(
            f"{name}: its requests have {min(lengths):g} to {max(lengths):g} {what} tokens; "
            "each point of a profile is of one size",
            hint="measure one size in each run (random lengths, --random-range-ratio 0), or say "
            "with --size which size they stand for",
        )
    return max(1, round(mean))


def summary(values: Sequence[float]) -> tuple[float, float, float | None]:
    """Mean, 99th percentile, and half-width of the mean's 95% interval (None for one value)."""
    half = Z95 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return fmean(values), percentile(values, 99), half


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear between the two values around it, as numpy and vLLM have it."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def pooled(points: Sequence[Point]) -> Point:
    """Repeats of one load at one size as one point: means by requests, the worst of the p99s.

    A repeat that served nothing says nothing of the rate; its errors are counted.
    """
    errors = _total([point.errors for point in points])
    points = [point for point in points if point.request_rate] or points
    if len(points) == 1:
        return replace(points[0], errors=errors)
    weights = [point.requests or 0 for point in points]
    if not any(weights):
        weights = [1] * len(points)

    def mean(name: str) -> float | None:
        known = [
            (getattr(point, name), weight)
            for point, weight in zip(points, weights, strict=True)
            if getattr(point, name) is not None and weight
        ]
        total = sum(weight for _, weight in known)
        return sum(value * weight for value, weight in known) / total if total else None

    def most(name: str) -> float | None:
        return max((v for p in points if (v := getattr(p, name)) is not None), default=None)

    # the runs' intervals, independent of each other, narrow as their requests add up
    halves = [point.tpot_ms_ci95 for point in points]
    half = None
    if all(value is not None for value in halves):
        squares = [(w * (h or 0.0)) ** 2 for w, h in zip(weights, halves, strict=True)]
        half = math.sqrt(sum(squares)) / sum(weights)
    return replace(
        points[0],
        concurrency=fmean(point.concurrency for point in points),
        request_rate=fmean(point.request_rate for point in points),
        ttft_ms_mean=mean("ttft_ms_mean"),
        tpot_ms_mean=mean("tpot_ms_mean"),
        ttft_ms_p99=most("ttft_ms_p99"),
        tpot_ms_p99=most("tpot_ms_p99"),
        requests=_total([point.requests for point in points]),
        errors=errors,
        tpot_ms_ci95=half,
    )


def points_of(profile: Profile) -> list[Point]:
    """The rows of a profile as points."""
    names = profile.columns
    return [Point(**dict(zip(names, row, strict=True))) for row in profile.points]  # type: ignore[arg-type]


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _rounded(value: Value) -> Value:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value
