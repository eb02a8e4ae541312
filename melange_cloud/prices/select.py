"""Choosing among offers by provider, region, GPU and purchase option."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, unknown
from melange_cloud.prices.book import Exclusion
from melange_cloud.prices.offer import PURCHASES, Offer


def select_offers(
    offers: Sequence[Offer],
    *,
    providers: Collection[str] | None = None,
    regions: Collection[str] | None = None,
    gpus: Collection[str] | None = None,
    purchase: Collection[str] | None = None,
    known_gpus: Iterable[str] = (),
) -> list[Offer]:
    """The offers that match all filters given; a filter that is None or empty lets all pass.

    A region is ``us-east-1``, or ``aws/us-east-1`` where two providers use one name.
    ``known_gpus`` are GPU types known from elsewhere (profiles): no error, though none is offered.

    Raises InvalidInput for values that no offer has, all of them, each with the nearest known one.
    """
    wanted_gpus = {canonical_gpu(gpu) for gpu in gpus or ()}
    wanted_regions = {region.casefold() for region in regions or ()}
    wanted_providers = {provider.casefold() for provider in providers or ()}
    known_regions = {offer.region for offer in offers}
    pairs = {f"{offer.provider}/{offer.region}" for offer in offers}
    problems = [
        *_unknown("provider", wanted_providers, {offer.provider for offer in offers}),
        *_unknown("region", regions or (), known_regions, also=pairs),
        *_unknown("GPU", wanted_gpus, {offer.gpu for offer in offers} | set(known_gpus)),
        *_unknown("purchase option", purchase or (), PURCHASES),
    ]
    if problems:
        raise InvalidInput("\n".join(problems), hint="`melange-cloud prices list` shows all offers")
    return [
        offer
        for offer in offers
        if _is_at(offer, wanted_providers, wanted_regions)
        and (not wanted_gpus or offer.gpu in wanted_gpus)
        and (not purchase or offer.purchase in purchase)
    ]


def select_excluded(
    excluded: Sequence[Exclusion],
    *,
    providers: Collection[str] | None = None,
    regions: Collection[str] | None = None,
) -> list[Exclusion]:
    """What was left out of the providers and regions asked for."""
    wanted_providers = {provider.casefold() for provider in providers or ()}
    wanted_regions = {region.casefold() for region in regions or ()}
    return [item for item in excluded if _is_at(item, wanted_providers, wanted_regions)]


def _is_at(item: Offer | Exclusion, providers: set[str], regions: set[str]) -> bool:
    pair = f"{item.provider}/{item.region}"
    return (not providers or item.provider.casefold() in providers) and (
        not regions or item.region.casefold() in regions or pair.casefold() in regions
    )


def _unknown(
    kind: str, wanted: Iterable[str], known: Iterable[str], also: Iterable[str] = ()
) -> list[str]:
    names = set(known)
    folded = {name.casefold() for name in (*names, *also)}
    return [
        unknown(kind, name, names if "/" not in name else also)
        for name in sorted(set(wanted))
        if name.casefold() not in folded
    ]
