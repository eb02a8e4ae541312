"""Choosing among offers by provider, region, GPU and purchase option."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypedDict, Unpack

from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, unknown, unknown_gpu
from melange_cloud.prices.book import Exclusion, PriceBook
from melange_cloud.prices.offer import PURCHASES, Offer
from melange_cloud.prices.sources import SOURCES


class Placed(Protocol):
    """What has a place."""

    @property
    def provider(self) -> str: ...
    @property
    def region(self) -> str: ...


class Buyable(Placed, Protocol):
    """What offers are told apart by."""

    @property
    def gpu(self) -> str: ...
    @property
    def purchase(self) -> str: ...


class Filters(TypedDict, total=False):
    """What offers are chosen by; a filter that is None, empty or missing lets all pass."""

    providers: Collection[str] | None
    regions: Collection[str] | None
    """``us-east-1``, or ``aws/us-east-1`` where two providers use one name."""
    gpus: Collection[str] | None
    purchase: Collection[str] | None


def select_offers(
    offers: Sequence[Offer],
    *,
    known_gpus: Iterable[str] = (),
    **filters: Unpack[Filters],
) -> list[Offer]:
    """The offers that match all filters given.

    ``known_gpus`` are GPU types known from elsewhere (profiles): no error, though none is offered.

    Raises InvalidInput for values that no offer has, all of them, each with the nearest known one.
    """
    providers, regions = filters.get("providers") or (), filters.get("regions") or ()
    gpus, purchase = filters.get("gpus") or (), filters.get("purchase") or ()
    known_regions = {offer.region for offer in offers}
    pairs = {f"{offer.provider}/{offer.region}" for offer in offers}
    all_gpus = {offer.gpu for offer in offers} | set(known_gpus)
    problems = [
        *_unknown("provider", map(str.casefold, providers), {offer.provider for offer in offers}),
        *_unknown("region", regions, known_regions, also=pairs),
        *(
            unknown_gpu(gpu, all_gpus, "these prices have no offers of")
            for gpu in gpus
            if canonical_gpu(gpu) not in all_gpus
        ),
        *_unknown("purchase option", purchase, PURCHASES),
    ]
    if problems:
        raise InvalidInput(
            "\n".join(problems),
            hint="`melange-cloud prices list` shows all offers, with their regions and GPUs",
        )
    tests = [test for _, test in _tests(filters)]
    return [offer for offer in offers if all(test(offer) for test in tests)]


def passes(offer: Buyable, **filters: Unpack[Filters]) -> bool:
    """Whether an offer matches all filters given."""
    return all(test(offer) for _, test in _tests(filters))


def why_none(book: PriceBook, **filters: Unpack[Filters]) -> list[str]:
    """Why no offer of ``book`` passes these filters, and what to do; empty when one does.

    Filters are those of `select_offers`; each is named with what it leaves, up to the one that
    leaves nothing.
    """
    named = book.source in SOURCES
    prices = f"the {book.source} prices" if named else f"the prices in {book.source}"
    purchase = filters.get("purchase")
    if purchase and not any(offer.purchase in purchase for offer in book.offers):
        return [f"{prices} have no {' or '.join(purchase)} offers", _buy_instead(book)]
    left: Sequence[Offer] = book.offers
    counts: list[str] = []
    for words, test in _tests(filters):
        left = [offer for offer in left if test(offer)]
        counts.append(f"{words} leaves {len(left) or 'none'}")
        if not left:
            return [
                f"{prices} have {len(book.offers)} offers; {', '.join(counts)}",
                "widen that filter, or give other prices with --prices; "
                "`melange-cloud prices list` shows all offers",
            ]
    return []


def _buy_instead(book: PriceBook) -> str:
    """What to do when a book has no offers of the purchase option that was asked for."""
    others = sorted({offer.purchase for offer in book.offers})
    gpuhunt = "--prices gpuhunt or " if book.source != "gpuhunt" else ""
    return (
        f"use prices that have some, such as {gpuhunt}a CSV file whose column purchase says so"
        + "".join(f", or buy what these prices have with --purchase {other}" for other in others)
    )


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


def _tests(filters: Filters) -> list[tuple[str, Callable[[Buyable], bool]]]:
    """Each filter that is given, in words and as a test."""
    providers, regions = filters.get("providers"), filters.get("regions")
    gpus, purchase = filters.get("gpus"), filters.get("purchase")
    wanted_providers = {provider.casefold() for provider in providers or ()}
    wanted_regions = {region.casefold() for region in regions or ()}
    wanted_gpus = {canonical_gpu(gpu) for gpu in gpus or ()}
    tests: list[tuple[str, Collection[str] | None, Callable[[Buyable], bool]]] = [
        ("provider", providers, lambda offer: _is_at(offer, wanted_providers, set())),
        ("region", regions, lambda offer: _is_at(offer, set(), wanted_regions)),
        ("GPU", gpus, lambda offer: offer.gpu in wanted_gpus),
        ("purchase", purchase, lambda offer: offer.purchase in (purchase or ())),
    ]
    return [(f"{kind} {' or '.join(values)}", test) for kind, values, test in tests if values]


def _is_at(item: Placed, providers: set[str], regions: set[str]) -> bool:
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
