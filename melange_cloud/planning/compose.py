"""From a service and its inputs to the plain numbers of an allocation problem. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.plan import CapInput
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer, OfferKey
from melange_cloud.prices.quota import quota_groups
from melange_cloud.prices.select import Filters
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.throughput import Slo, Throughput, Throughputs
from melange_cloud.service import Service
from melange_cloud.workload.document import Histogram
from melange_cloud.workload.grid import Bucket


class Keyed(Protocol):
    """What has an offer's name."""

    @property
    def key(self) -> OfferKey: ...


class Buyable(Keyed, Protocol):
    """What an offer must show to become a column."""

    @property
    def gpu(self) -> str: ...
    @property
    def gpu_count(self) -> int: ...


class Replica(Protocol):
    """What a profile must show to become a column."""

    @property
    def gpu(self) -> str: ...
    @property
    def tensor_parallel(self) -> int: ...


B = TypeVar("B", bound=Buyable)


@dataclass(frozen=True)
class Inputs:
    """What a plan is made from, read and checked; `load_inputs` gives it."""

    service: Service
    histogram: Histogram
    profiles: tuple[Profile, ...]
    book: PriceBook
    offers: tuple[Offer, ...]
    """Those offers of the book that the service may buy."""


@dataclass(frozen=True)
class Composition:
    """A problem, and what its indices mean."""

    problem: Problem
    buckets: tuple[Bucket, ...]
    profiles: tuple[Profile, ...]
    """One for each configuration."""
    throughputs: tuple[tuple[Throughput, ...], ...]
    """[configuration][bucket], with the reason where it is 0."""
    offers: tuple[Offer, ...]
    """Offers that some configuration can run on."""
    column_offers: tuple[int, ...]
    """Index into ``offers``, by column."""
    caps: tuple[CapInput, ...]
    """Limits and quotas over all that the service may buy."""


def compose(inputs: Inputs, slices: int | None = None) -> Composition:
    """The problem of a service.

    Raises InvalidInput when a profile lacks what the SLO is about (p99 of an estimate).
    """
    service = inputs.service
    demand = service.workload.rate * (1 + service.headroom)
    rates = {b: _steady(rate) for b, rate in inputs.histogram.rates(demand).items()}
    offered = {offer.gpu for offer in inputs.offers}
    profiles = tuple(profile for profile in inputs.profiles if profile.gpu in offered)
    slo = Slo(service.slo.tpot_ms, service.slo.ttft_ms, service.slo.percentile)
    throughputs = tuple(
        tuple(map(Throughputs(profile, slo, service.max_model_len).at, rates))
        for profile in profiles
    )
    runs = runnable(inputs.offers, profiles)
    offers = tuple({offer.key: offer for offer, _, _ in runs}.values())
    position = {offer.key: index for index, offer in enumerate(offers)}
    columns = tuple(
        make_column(offer, c, replicas, offer.usd_per_hour) for offer, c, replicas in runs
    )
    caps = _caps(inputs)
    problem = Problem(
        tuple(rates.values()),
        tuple(tuple(map(steady_rate, row)) for row in throughputs),
        columns,
        caps=column_caps(caps, columns),
        max_regions=service.limits.max_regions,
        survive=service.limits.survive,
        slices=slices,
    )
    return Composition(
        problem,
        tuple(rates),
        profiles,
        throughputs,
        offers,
        tuple(position[offer.key] for offer, _, _ in runs),
        caps,
    )


def filters_of(service: Service) -> Filters:
    """What a service's offers are chosen by."""
    offers = service.offers
    return {
        "providers": offers.providers,
        "regions": offers.regions,
        "gpus": offers.gpus,
        "purchase": offers.purchase,
    }


def offer_name(offer: Keyed) -> str:
    """One name for an offer: provider/region/instance type/purchase."""
    return "/".join(offer.key)


def runnable(offers: Iterable[B], profiles: Sequence[Replica]) -> list[tuple[B, int, int]]:
    """(offer, configuration, replicas per instance) of all that can run, in tie-breaking order."""
    found = [
        (offer, c, replicas)
        for offer in offers
        for c, profile in enumerate(profiles)
        if offer.gpu == profile.gpu and (replicas := offer.gpu_count // profile.tensor_parallel)
    ]
    found.sort(key=lambda item: _tie_order(item[0], profiles[item[1]]))
    return found


def make_column(offer: Buyable, configuration: int, replicas: int, usd_per_hour: float) -> Column:
    """The programme's choice to run a configuration on an offer."""
    region = f"{offer.key.provider}/{offer.key.region}"
    return Column(offer_name(offer), configuration, replicas, usd_per_hour, region, offer.gpu)


def column_caps(caps: Iterable[CapInput], columns: Sequence[Column]) -> tuple[Cap, ...]:
    """Caps over offers as caps over columns, without those that no column counts in."""
    by_column = (
        (
            cap,
            {
                j: cap.weights[col.offer]
                for j, col in enumerate(columns)
                if col.offer in cap.weights
            },
        )
        for cap in caps
    )
    return tuple(Cap(cap.name, cap.limit, weights) for cap, weights in by_column if weights)


def steady_rate(throughput: Throughput) -> float:
    """T, requests/s, rounded as the programme uses it."""
    return _steady(throughput.rate)


def _steady(number: float) -> float:
    """To 9 digits: logarithms differ in the last ones from machine to machine."""
    return float(f"{number:.9g}")


def _tie_order(offer: Buyable, profile: Replica) -> tuple[str, str, str, int, str]:
    key = offer.key
    return key.provider, key.region, key.instance_type, profile.tensor_parallel, key.purchase


def _caps(inputs: Inputs) -> tuple[CapInput, ...]:
    """The service's limits and the account's quotas, over all that may be bought."""
    limits, offers = inputs.service.limits, inputs.offers
    caps = [
        (
            f"limits.instances {instance_type}",
            limit,
            {offer_name(o): 1.0 for o in offers if o.instance_type == instance_type},
        )
        for instance_type, limit in sorted(limits.instances.items())
    ]
    caps += [
        (
            f"limits.gpus {gpu}",
            limit,
            {offer_name(o): float(o.gpu_count) for o in offers if o.gpu == gpu},
        )
        for gpu, limit in sorted(limits.gpus.items())
    ]
    found = [
        CapInput(name=name, limit=float(limit), weights=weights) for name, limit, weights in caps
    ]
    found += [
        CapInput(
            name=group.name,
            limit=float(group.limit),
            weights={"/".join(key): weight for key, weight in group.weights.items()},
        )
        for group in quota_groups(inputs.book, offers)
    ]
    return tuple(cap for cap in found if cap.weights)
