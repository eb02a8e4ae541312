"""What must hold of live prices before a maintainer trusts them. Pure.

The checks look at data, not at code: a cloud that renames a SKU or a type breaks no test.
"""

from __future__ import annotations

from collections.abc import Iterable

from melange_cloud.names import named_gpus
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer

BOUNDS = {
    "T4": (0.2, 8.0),
    "L4": (0.4, 8.0),
    "A10G": (0.6, 10.0),
    "L40S": (1.0, 15.0),
    "RTX-PRO-6000": (1.5, 15.0),
    "A100-40GB": (1.5, 12.0),
    "A100-80GB": (2.0, 16.0),
    "H100": (3.0, 30.0),
    "H200": (3.0, 35.0),
    "B200": (5.0, 60.0),
}
"""Dollars per GPU hour, on demand, about half to twice what the bundled snapshot of 2026 spans
(an L4 0.71 to 3.40, an H100 6.88 to 15.83). Big hosts with one small GPU make the upper ends."""

ANY_GPU = (0.05, 100.0)
"""Bounds of all other GPUs."""

MUST_HAVE = ("A100-40GB", "A100-80GB", "H100")


def integrity_problems(book: PriceBook) -> list[str]:
    """Everything that looks wrong, in words; empty when all checks hold.

    That prices are above 0 needs no check here: no price book can hold another one.
    """
    problems = [text for offer in book.offers for text in _offer_problems(offer)]
    problems += _missing(book.offers)
    known = named_gpus()
    unnamed = sorted({offer.gpu for offer in book.offers} - known)
    problems += [f"GPU {gpu} is not in data/gpu_names.json" for gpu in unnamed]
    return problems


def _offer_problems(offer: Offer) -> Iterable[str]:
    if offer.purchase == "on-demand":
        low, high = BOUNDS.get(offer.gpu, ANY_GPU)
        each = offer.usd_per_hour / offer.gpu_count
        if not low <= each <= high:
            yield f"{offer.key}: {each:.4f} $ per GPU hour, outside {low:g} to {high:g}"
    if offer.vcpus is None or offer.memory_gib is None:
        yield f"{offer.key}: its vCPUs or memory are not known"


def _missing(offers: Iterable[Offer]) -> Iterable[str]:
    """Both A100 sizes and the H100, at each provider that is there at all."""
    by_provider: dict[str, set[str]] = {}
    for offer in offers:
        by_provider.setdefault(offer.provider, set()).add(offer.gpu)
    if not by_provider:
        yield "the book has no offers"
    for provider, gpus in sorted(by_provider.items()):
        for gpu in MUST_HAVE:
            if gpu not in gpus:
                yield f"{provider} offers no {gpu}"
