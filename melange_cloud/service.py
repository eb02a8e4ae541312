"""Service: the YAML a user writes, and the overrides a command line adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from melange_cloud.documents import Document, FieldPath, validate
from melange_cloud.names import one_gpu
from melange_cloud.paths import StrPath
from melange_cloud.reading import name_of
from melange_cloud.workload.document import Histogram

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
Gpu = Annotated[Text, AfterValidator(one_gpu)]
Provider = Annotated[Text, AfterValidator(str.lower)]
Purchase = Literal["on-demand", "spot"]


def _is_increase(value: str | float) -> str | float:
    if isinstance(value, str):
        number = value.removesuffix("%").strip()
        if not value.endswith("%") or not number.replace(".", "", 1).isdecimal():
            raise ValueError('must be a percentage such as "5%" or USD per hour such as 2.50')
    elif value < 0:
        raise ValueError("must not be negative")
    return value


Increase = Annotated[str | float, AfterValidator(_is_increase)]


class ServiceSlo(Document):
    """The latency that the service promises."""

    tpot_ms: Positive = Field(description="time per output token, ms")
    ttft_ms: Positive | None = Field(None, description="time to first token, ms")
    percentile: Literal["mean", 99] = Field(
        "mean", description="whether the mean or the 99th percentile must stay within the limits"
    )


class ServiceWorkload(Document):
    """How many requests per second the service gets, and of which sizes."""

    rate: Positive = Field(description="requests/s")
    sizes: Annotated[
        Annotated[Text, Tag("[name]")] | Annotated[Histogram, Tag("[inline]")],
        Discriminator(lambda value: "[name]" if isinstance(value, str) else "[inline]"),
    ] = Field(description="a bundled histogram, a path to one, or one inline")


class ServiceOffers(Document):
    """What may be bought. Null does not restrict: anything in the price book."""

    providers: list[Provider] | None = Field(None, min_length=1)
    regions: list[Text] | None = Field(None, min_length=1)
    gpus: list[Gpu] | None = Field(None, min_length=1)
    purchase: list[Purchase] = Field(["on-demand"], min_length=1)


class ServiceLimits(Document):
    """Limits of the fleet's size, and what loss it must survive."""

    max_regions: Annotated[int, Field(ge=1)] = Field(
        1, description="most regions that the fleet may be spread over"
    )
    instances: dict[str, Count] = Field(
        default_factory=dict, description="most instances, by instance type"
    )
    gpus: dict[Gpu, Count] = Field(default_factory=dict, description="most GPUs, by GPU type")
    survive: Literal[0, 1] = Field(
        0, description="instances whose loss must leave enough to serve everything"
    )


class ServicePolicy(Document):
    """What `check` allows."""

    max_increase: Increase | None = Field(
        None, description='fail above: "5%" of the baseline, or USD per hour'
    )
    warn_increase: Increase | None = Field(
        None, description='warn above: "1%" of the baseline, or USD per hour'
    )
    budget: Positive | None = Field(None, description="fail above: USD per month")
    stale_plan: Literal["warn", "fail"] = Field(
        "warn", description="when the committed plan is not what planning the service now gives"
    )


class Service(Document):
    """A model, its traffic, its latency, and what may be bought to serve it.

    `load_service` reads one from a YAML file. Rates are in requests/s, latencies in ms.
    """

    name: Text
    model: Text = Field(description="Hugging Face id; selects the profiles")
    slo: ServiceSlo
    max_model_len: Annotated[int, Field(gt=0)] | None = Field(
        None, description="context length, tokens; null for the model's own"
    )
    workload: ServiceWorkload
    headroom: Annotated[float, Field(ge=0)] = Field(
        0.0, description="share of the rate kept as capacity above it, 0.1 = 10%"
    )
    offers: ServiceOffers = Field(default_factory=ServiceOffers)
    limits: ServiceLimits = Field(default_factory=ServiceLimits)
    prices: Text = Field("bundled", description="price source: bundled, live, gpuhunt or a file")
    tags: dict[str, str] = Field(
        default_factory=dict, description="tags or labels of everything that `render` makes"
    )
    policy: ServicePolicy = Field(default_factory=ServicePolicy)


OVERRIDES: dict[str, FieldPath] = {
    "rate": ("workload", "rate"),
    "tpot_ms": ("slo", "tpot_ms"),
    "ttft_ms": ("slo", "ttft_ms"),
    "headroom": ("headroom",),
    "provider": ("offers", "providers"),
    "region": ("offers", "regions"),
    "gpu": ("offers", "gpus"),
    "purchase": ("offers", "purchase"),
    "prices": ("prices",),
}
"""Command-line option -> the field of the service it overrides."""


def load_service(path: StrPath, overrides: Mapping[str, Any] | None = None) -> Service:
    """Read the service in a YAML file.

    ``overrides`` replace fields of the file: keys are those of OVERRIDES (``rate``,
    ``tpot_ms``, …), values are what the field takes; None and an empty list change nothing.
    Raises InvalidInput for a file that cannot be read, InvalidDocument with every problem of its
    content, by field and line.
    """
    from melange_cloud.yaml_file import load_yaml

    data, lines = load_yaml(Path(path), "service")
    given = {key: value for key, value in (overrides or {}).items() if value not in (None, [])}
    if isinstance(data, dict):
        for option, value in given.items():
            _put(data, OVERRIDES[option], value)
    options = {OVERRIDES[key]: "--" + key.replace("_", "-") for key in given}
    return validate(Service, data, name_of(Path(path)), "service", lines, options)


def _put(data: dict[str, Any], path: FieldPath, value: Any) -> None:
    *parents, key = map(str, path)
    for parent in parents:
        inner = data.setdefault(parent, {})
        if not isinstance(inner, dict):
            return  # the file's own mistake; validation names it
        data = inner
    data[key] = value
