"""Plan: the document everything downstream reads - tables, Terraform, checks.

The same inputs give the same bytes: it holds no clock and no timing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from melange_cloud.documents import Document, digest, dump_json, parse_json, validate
from melange_cloud.paths import StrPath
from melange_cloud.prices.offer import Day, OfferKey
from melange_cloud.profiles.document import Source
from melange_cloud.reading import name_of, read_text
from melange_cloud.service import Service

HOURS_PER_MONTH = 730
"""A month as clouds bill it."""

Money = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Cost(Document):
    """What the GPU pools cost, and a bound that no fleet can undercut."""

    usd_per_hour: Money
    usd_per_month: Money = Field(description="for 730 hours")
    lower_bound_usd_per_hour: Money = Field(description="no fleet costs less")


class Extra(Document):
    """What is paid in addition to the GPU pools."""

    what: str
    provider: str
    region: str
    instance_type: str
    count: int
    usd_per_hour: Money


class Pool(Document):
    """Whole instances of one offer that all run one configuration."""

    id: str
    provider: str
    region: str
    instance_type: str
    purchase: str
    gpu: str
    gpus_per_instance: int
    tensor_parallel: int
    replicas_per_instance: int
    count: int
    usd_per_hour_each: Money
    usd_per_hour: Money
    utilization: float = Field(
        description="share of its replicas that the planned rate keeps busy, from 0 to 1"
    )

    @property
    def key(self) -> OfferKey:
        """What tells its offer from others."""
        return OfferKey(self.provider, self.region, self.instance_type, self.purchase)


class Assignment(Document):
    """Where the requests of one bucket go."""

    input_tokens: list[int] = Field(description="two numbers: above the first, up to the second")
    output_tokens: list[int] = Field(description="two numbers: above the first, up to the second")
    rate: Rate = Field(description="requests/s, headroom included")
    shares: dict[str, Share] = Field(description="pool id -> share; they sum to 1")


class Baseline(Document):
    """The cheapest fleet of one GPU type, or why there is none."""

    gpu: str
    feasible: bool
    usd_per_hour: Money | None = None
    saving: float | None = Field(None, description="1 - plan / baseline")
    counts: dict[str, int] = Field(default_factory=dict, description="by instance type")
    why: str | None = None


class Kept(Document):
    """What `--keep` left running unchanged, and what that costs."""

    plan: str = Field(description="digest of the plan whose fleet was kept")
    tolerance: Money = Field(description="share of the cheapest cost allowed above it, 0.02 = 2%")
    cheapest_usd_per_hour: Money = Field(description="what the cheapest fleet costs")
    kept: int = Field(description="instances that stay as they are")
    changes: int = Field(description="instances to be started or stopped")


class PlanPrices(Document):
    """Which prices the plan was made with."""

    source: str
    as_of: Day = Field(
        description="the oldest date of the prices used; null if any of them has no date"
    )
    digest: str


class PlanProfile(Document):
    """A profile the plan rests on."""

    gpu: str
    tensor_parallel: int
    source: Source
    digest: str
    engine_args: list[str] = Field(
        default_factory=list, description="settings of the engine that it was made with"
    )


class OfferInput(Document):
    """An offer that could have been bought."""

    provider: str
    region: str
    instance_type: str
    purchase: str
    gpu: str
    gpu_count: int
    usd_per_hour: Money

    @property
    def key(self) -> OfferKey:
        """What tells its offer from others."""
        return OfferKey(self.provider, self.region, self.instance_type, self.purchase)


class ThroughputInput(Document):
    """The maximum throughput T(c, b) of one configuration in each bucket.

    ``rates`` are requests/s in the order of ``assignment``; 0 where it cannot serve the bucket.
    """

    gpu: str
    tensor_parallel: int
    rates: list[float]


class CapInput(Document):
    """The weighted number of instances over some offers is at most ``limit``."""

    name: str
    limit: float
    weights: dict[str, float] = Field(
        description="provider/region/instance type/purchase -> weight"
    )


class ProfileInput(Document):
    """The points of a profile, reduced to what T at any size under any SLO follows from."""

    gpu: str
    tensor_parallel: int
    source: Source
    max_model_len: int | None = Field(description="the model's own context length, tokens")
    columns: list[str] = Field(description="what is known of each load point")
    sizes: list[list[float | int | None]] = Field(
        description="one row for each size: input tokens, output tokens, then the columns of each "
        "load point, at rising load"
    )


class LimitsInput(Document):
    """Limits of the fleet as the solver saw them."""

    max_regions: int
    survive: int
    caps: list[CapInput]


class PlanInputs(Document):
    """All that is needed to solve the plan again without any other file, even at another SLO or
    for other sizes. The demand of each size is in ``assignment``."""

    offers: list[OfferInput] = Field(description="all that the service may buy")
    throughput: list[ThroughputInput] = Field(description="of each profile that has an offer")
    profiles: list[ProfileInput] = Field(description="all profiles of the model")
    limits: LimitsInput


class Plan(Document):
    """The cheapest fleet for a service, proof that it is, and what it rests on.

    Money is in US dollars, rates are in requests/s with headroom included, sizes in tokens.
    `load_plan` reads one from a file, ``to_json`` gives the text of the file.
    """

    schema_: Literal["melange-cloud/plan/v1"] = Field("melange-cloud/plan/v1", alias="schema")
    tool_version: str
    service: Service
    status: Literal["optimal", "feasible"] = Field(
        description="optimal: proven cheapest; feasible: a time limit ended the proof"
    )
    cost: Cost = Field(description="of the GPU pools alone")
    extras: list[Extra] = Field(description="gateway, load balancers, NAT and disks")
    pools: list[Pool] = Field(description="the fleet")
    assignment: list[Assignment] = Field(description="which pool serves which request sizes")
    baselines: list[Baseline] = Field(description="the cheapest fleet of each GPU type alone")
    kept: Kept | None = Field(None, description="null unless the plan was made with --keep")
    prices: PlanPrices
    profiles: list[PlanProfile]
    notes: list[str] = Field(description="what a reader must know, one sentence each")
    inputs: PlanInputs
    digest_: str | None = Field(
        None,
        alias="digest",
        description="sha256 of all the rest, written into the file and checked when it is read; it "
        "shows that the file was edited, and is no signature",
    )

    @field_validator("digest_")
    @classmethod
    def _stays_in_the_file(cls, _stated: str | None) -> None:
        """It is of a text: `load_plan` compares it, and a plan that changes gets another."""

    @property
    def digest(self) -> str:
        """``sha256:…`` of the whole document."""
        return digest(self._content())

    def document(self) -> dict[str, Any]:
        """The plain data of the file."""
        content = self._content()
        return content | {"digest": digest(content)}

    def to_json(self) -> str:
        return dump_json(self.document())

    def _content(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"digest_"})


def pool_id(offer: OfferKey, tensor_parallel: int) -> str:
    """What a pool is called: what is bought where, and how many GPUs a replica has."""
    parts = [offer.provider, offer.region, offer.instance_type, f"tp{tensor_parallel}"]
    if offer.purchase != "on-demand":
        parts.append(offer.purchase)
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def load_plan(path: StrPath) -> Plan:
    """Read the plan in a file, and check that its figures follow from one another.

    Raises InvalidInput for a file that cannot be read, InvalidDocument (with every problem, by
    field) for one that is not a plan, or one that was edited so that its figures disagree.
    """
    from melange_cloud.plan_check import verify

    file, kind = Path(path), "plan"
    name, text = name_of(file), read_text(file, kind, typed=True)
    data = parse_json(text, name, kind)
    plan = validate(Plan, data, name, kind, text=text)
    verify(plan, name, data)
    return plan


def with_timing(plan: Plan, solve_seconds: float, total_seconds: float) -> dict[str, Any]:
    """The document, and in ``timing`` how long it took to make, which the file leaves out."""
    timing = {"solve_seconds": solve_seconds, "total_seconds": total_seconds}
    return plan.document() | {"timing": timing}
