"""What a cloud sells: one instance type in one region, with its GPUs and its price."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from melange_cloud.documents import Document
from melange_cloud.names import one_gpu
from melange_cloud.printable import CONTROLS

Purchase = Literal["on-demand", "spot"]
PURCHASES: tuple[Purchase, ...] = ("on-demand", "spot")

PROVISIONED = ("aws", "gcp")
"""Providers for which Terraform can be rendered; the others are for planning and comparison."""


class OfferKey(NamedTuple):
    """What tells two offers apart, and the order in which they are listed."""

    provider: str
    region: str
    instance_type: str
    purchase: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.region} {self.instance_type} {self.purchase}"


def _iso_date(value: str | None) -> str | None:
    if value is not None:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError("must be a date like 2026-08-03")
        date.fromisoformat(value)
    return value


def _canonical(value: object) -> object:
    return one_gpu(value) if isinstance(value, str) else value


Word = Annotated[str, Field(min_length=1, max_length=100, pattern=rf"^[^\s{CONTROLS}]+$")]
"""A name without spaces: region or instance type, as the cloud writes it."""

Provider = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
Gpu = Annotated[str, BeforeValidator(_canonical), Field(min_length=1, max_length=60)]
Day = Annotated[str | None, AfterValidator(_iso_date)]


class Offer(Document):
    """One thing that can be bought. ``usd_per_hour`` is what one whole instance costs, at the
    full precision of its source."""

    provider: Provider
    region: Word = Field(description="a region of this provider; the pair is what is meant")
    instance_type: Word
    gpu: Gpu = Field(description="GPU type, by its one name")
    gpu_count: Annotated[int, Field(ge=1)] = Field(description="GPUs of one instance")
    usd_per_hour: Annotated[float, Field(gt=0)] = Field(description="US dollars per hour")
    purchase: Purchase = "on-demand"
    as_of: Day = Field(None, description="the date its source gives the price, null if unknown")
    vcpus: Annotated[int, Field(ge=1)] | None = None
    memory_gib: Annotated[float, Field(gt=0)] | None = None
    zones: list[Word] = Field(default_factory=list, description="zones that sell it, if known")
    source: str | None = Field(None, description="a key of the book's ``sources``")

    @property
    def key(self) -> OfferKey:
        return OfferKey(self.provider, self.region, self.instance_type, self.purchase)


def provisionable(provider: str, instance_type: str) -> bool:
    """Whether ``render`` can make Terraform for it.

    On GCP the GPUs of an N1 machine are attached one by one and belong to no machine type.
    """
    return provider in PROVISIONED and not (provider == "gcp" and instance_type.startswith("n1-"))
