"""Service: the YAML a user writes, and the overrides a command line adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from melange_cloud.documents import Document, FieldPath, validate
from melange_cloud.names import one_gpu
from melange_cloud.paths import StrPath
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
    """Latency the service promises. TPOT and TTFT are judged on their mean, or on the p99."""

    tpot_ms: Positive = Field(description="time per output token, ms")
    ttft_ms: Positive | None = Field(None, description="time to first token, ms")
    percentile: Literal["mean", 99] = Field("mean", description="what of the latencies is judged")


class ServiceWorkload(Document):
    """How many requests a second, of which sizes."""

    rate: Positive = Field(description="requests/s")
    sizes: Annotated[
        Annotated[Text, Tag("[name]")] | Annotated[Histogram, Tag("[inline]")],
        Discriminator(lambda value: "[name]" if isinstance(value, str) else "[inline]"),
    ] = Field(description="a bundled histogram, a path to one, or one inline")


class ServiceOffers(Document):
    """What may be bought; null means anything of the price book."""

    providers: list[Provider] | None = Field(None, min_length=1)
    regions: list[Text] | None = Field(None, min_length=1)
    gpus: list[Gpu] | None = Field(None, min_length=1)
    purchase: list[Purchase] = Field(["on-demand"], min_length=1)


class ServiceLimits(Document):
    """Caps of the fleet, and what it must survive."""

    max_regions: Annotated[int, Field(ge=1)] = 1
    instances: dict[str, Count] = Field(default_factory=dict, description="by instance type")
    gpus: dict[Gpu, Count] = Field(default_factory=dict, description="GPUs by type")
    survive: Literal[0, 1] = Field(0, description="instances that may be lost at any time")


class ServicePolicy(Document):
    """What `check` allows: percentages of the baseline, or USD per hour; USD per month."""

    max_increase: Increase | None = None
    warn_increase: Increase | None = None
    budget: Positive | None = None


class Service(Document):
    """A model, its traffic, its latency, and what may be bought to serve it."""

    name: Text
    model: Text = Field(description="Hugging Face id; selects the profiles")
    slo: ServiceSlo
    max_model_len: Annotated[int, Field(gt=0)] | None = Field(
        None, description="tokens; default: the model's own"
    )
    workload: ServiceWorkload
    headroom: Annotated[float, Field(ge=0)] = Field(0.0, description="capacity above the rate")
    offers: ServiceOffers = Field(default_factory=ServiceOffers)
    limits: ServiceLimits = Field(default_factory=ServiceLimits)
    prices: Text = "bundled"
    tags: dict[str, str] = Field(default_factory=dict)
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
    """Read a service file, with command-line ``overrides`` (keys of OVERRIDES) put over it.

    Raises InvalidInput with every problem of the file, by field and line.
    """
    from melange_cloud.yaml_file import load_yaml

    data, lines = load_yaml(Path(path), "service")
    given = {key: value for key, value in (overrides or {}).items() if value not in (None, [])}
    if isinstance(data, dict):
        for option, value in given.items():
            _put(data, OVERRIDES[option], value)
    options = {OVERRIDES[key]: "--" + key.replace("_", "-") for key in given}
    return validate(Service, data, str(path), "service", lines, options)


def _put(data: dict[str, Any], path: FieldPath, value: Any) -> None:
    *parents, key = map(str, path)
    for parent in parents:
        inner = data.setdefault(parent, {})
        if not isinstance(inner, dict):
            return  # the file's own mistake; validation names it
        data = inner
    data[key] = value
