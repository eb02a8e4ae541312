"""From a service and what it rests on to the plain numbers of an allocation problem. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer
from melange_cloud.prices.quota import quota_groups
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.throughput import Slo, Throughput, Throughputs
from melange_cloud.service import Service
from melange_cloud.workload.document import Histogram
from melange_cloud.workload.grid import Bucket


@dataclass(frozen=True)
class Inputs:
    """What a plan is made from, read and checked."""

    service: Service
    histogram: Histogram
    profiles: tuple[Profile, ...]
    book: PriceBook
    offers: tuple[Offer, ...]
    """Those of the book that the service may buy."""


@dataclass(frozen=True)
class Composition:
    """A problem, and what its indices stand for."""

    problem: Problem
    buckets: tuple[Bucket, ...]
    profiles: tuple[Profile, ...]
    """By configuration: one profile each."""
    throughputs: tuple[tuple[Throughput, ...], ...]
    """[configuration][bucket], with the reason where it is 0."""
    offers: tuple[Offer, ...]
    """Offers that some configuration can run on."""
    column_offers: tuple[int, ...]
    """Index into ``offers``, by column."""


def compose(inputs: Inputs, slices: int | None = None) -> Composition:
    """The problem of a service.

    Raises InvalidInput when a profile lacks what the SLO is about (p99 of an estimate).
    """
    service = inputs.service
    demand = service.workload.rate * (1 + service.headroom)
    rates = inputs.histogram.rates(demand)
    offered = {offer.gpu for offer in inputs.offers}
    profiles = tuple(profile for profile in inputs.profiles if profile.gpu in offered)
    slo = Slo(service.slo.tpot_ms, service.slo.ttft_ms, service.slo.percentile)
    throughputs = tuple(
        tuple(map(Throughputs(profile, slo, service.max_model_len).at, rates))
        for profile in profiles
    )
    runnable = [
        (offer, c, replicas)
        for offer in inputs.offers
        for c, profile in enumerate(profiles)
        if offer.gpu == profile.gpu and (replicas := offer.gpu_count // profile.tensor_parallel)
    ]
    runnable.sort(key=lambda item: _tie_order(item[0], profiles[item[1]]))
    offers = tuple({offer.key: offer for offer, _, _ in runnable}.values())
    position = {offer.key: index for index, offer in enumerate(offers)}
    columns = tuple(
        Column(
            offer_name(offer),
            c,
            replicas,
            offer.usd_per_hour,
            region=f"{offer.provider}/{offer.region}",
            gpu=offer.gpu,
        )
        for offer, c, replicas in runnable
    )
    column_offers = tuple(position[offer.key] for offer, _, _ in runnable)
    problem = Problem(
        tuple(rates.values()),
        tuple(tuple(throughput.rate for throughput in row) for row in throughputs),
        columns,
        caps=tuple(_caps(inputs, offers, column_offers)),
        max_regions=service.limits.max_regions,
        survive=service.limits.survive,
        slices=slices,
    )
    return Composition(problem, tuple(rates), profiles, throughputs, offers, column_offers)


def offer_name(offer: Offer) -> str:
    """One name for an offer: provider/region/instance type/purchase."""
    return "/".join(offer.key)


def _tie_order(offer: Offer, profile: Profile) -> tuple[str, str, str, int, str]:
    return (
        offer.provider,
        offer.region,
        offer.instance_type,
        profile.tensor_parallel,
        offer.purchase,
    )


def _caps(inputs: Inputs, offers: Sequence[Offer], column_offers: Sequence[int]) -> list[Cap]:
    """The service's limits and the account's quotas, over columns; those that bind nothing go."""
    limits = inputs.service.limits
    by_offer: list[tuple[str, float, dict[str, float]]] = [
        (
            f"limits.instances {instance_type}",
            limit,
            {offer_name(o): 1.0 for o in offers if o.instance_type == instance_type},
        )
        for instance_type, limit in sorted(limits.instances.items())
    ]
    by_offer += [
        (
            f"limits.gpus {gpu}",
            limit,
            {offer_name(o): float(o.gpu_count) for o in offers if o.gpu == gpu},
        )
        for gpu, limit in sorted(limits.gpus.items())
    ]
    by_offer += [
        (group.name, group.limit, {"/".join(key): w for key, w in group.weights.items()})
        for group in quota_groups(inputs.book, offers)
    ]
    caps = []
    for name, limit, weights in by_offer:
        by_column = {
            j: weights[offer_name(offers[index])]
            for j, index in enumerate(column_offers)
            if offer_name(offers[index]) in weights
        }
        if by_column:
            caps.append(Cap(name, float(limit), by_column))
    return caps
