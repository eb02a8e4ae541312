"""What determines a plan's cost, divided into the five causes that a change of cost can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from melange_cloud.plan import LimitsInput, Plan, ProfileInput
from melange_cloud.prices.offer import OfferKey
from melange_cloud.profiles.throughput import Slo
from melange_cloud.workload.grid import Bucket, Range

Cause = Literal["workload", "slo", "model", "prices", "offers"]
CAUSES: tuple[Cause, ...] = ("workload", "slo", "model", "prices", "offers")


class Machine(NamedTuple):
    """An offer without its price."""

    key: OfferKey
    gpu: str
    gpu_count: int


@dataclass(frozen=True)
class Model:
    """The profiles, and the context length that the service sets, tokens."""

    profiles: tuple[ProfileInput, ...]
    max_model_len: int | None


@dataclass(frozen=True)
class Market:
    """What may be bought, and how much of it."""

    machines: tuple[Machine, ...]
    limits: LimitsInput


@dataclass(frozen=True)
class Situation:
    """All that determines a cost, by cause. Two situations are compared field by field."""

    workload: tuple[tuple[Bucket, float], ...]
    """Requests/s of each bucket, headroom included."""
    slo: Slo
    model: Model
    prices: Mapping[OfferKey, float]
    """USD/h of every offer that either side may buy."""
    offers: Market

    def of(self, cause: Cause) -> object:
        """This situation's part of a cause."""
        return getattr(self, cause)


def situations(old: Plan, new: Plan, book: Mapping[OfferKey, float]) -> tuple[Situation, Situation]:
    """The situations of two plans, from what the plans themselves carry.

    A price that only one side knows is used for both, since nothing says that it changed. An offer
    that the old plan did not carry gets its new price; one that is in neither the new plan nor
    ``book`` (the prices that the new plan was made with) keeps its old price.
    """
    before, after = _prices(old), {**book, **_prices(new)}
    keys = sorted({*before, *_prices(new)})
    return (
        _situation(old, {key: before.get(key, after.get(key, 0.0)) for key in keys}),
        _situation(new, {key: after.get(key, before.get(key, 0.0)) for key in keys}),
    )


def changed(old: Situation, new: Situation) -> tuple[Cause, ...]:
    """The causes that differ."""
    return tuple(cause for cause in CAUSES if old.of(cause) != new.of(cause))


def _prices(plan: Plan) -> dict[OfferKey, float]:
    return {offer.key: offer.usd_per_hour for offer in plan.inputs.offers}


def _situation(plan: Plan, prices: Mapping[OfferKey, float]) -> Situation:
    slo = plan.service.slo
    machines = (Machine(offer.key, offer.gpu, offer.gpu_count) for offer in plan.inputs.offers)
    return Situation(
        workload=tuple(
            (Bucket(_range(line.input_tokens), _range(line.output_tokens)), line.rate)
            for line in plan.assignment
        ),
        slo=Slo(slo.tpot_ms, slo.ttft_ms, slo.percentile),
        model=Model(tuple(plan.inputs.profiles), plan.service.max_model_len),
        prices=prices,
        offers=Market(tuple(sorted(machines)), plan.inputs.limits),
    )


def _range(pair: list[int]) -> Range:
    return Range(pair[0], pair[1])
