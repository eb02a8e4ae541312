"""Profiles with what a replica of each costs: what `profile compare` sets side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.names import one_gpu, shorten
from melange_cloud.prices.offer import Offer
from melange_cloud.prices.select import Filters, select_offers, why_none
from melange_cloud.prices.sources import load_prices
from melange_cloud.profiles.document import Profile


@dataclass(frozen=True)
class Contender:
    """A profile, and what one replica of it costs."""

    name: str
    profile: Profile
    usd_per_hour: float
    price_of: str
    """Where the price comes from: an offer, or the command line."""


def priced(
    profiles: Mapping[str, Profile],
    usd_per_hour: Sequence[str] = (),
    *,
    prices: str = "bundled",
    providers: Sequence[str] = (),
    regions: Sequence[str] = (),
    purchase: Sequence[str] = ("on-demand",),
) -> list[Contender]:
    """Each profile with the price that ``usd_per_hour`` gives it (``L4=0.7``, a GPU's), or else
    with that of the cheapest offer of these filters that can run it.

    Prices are only read when one is not given. Raises InvalidInput for what nothing prices.
    """
    given = _parsed(usd_per_hour)
    gpus = {profile.gpu for profile in profiles.values()}
    unused = set(given) - gpus - set(profiles)
    if unused:
        raise InvalidInput(
            f"--usd-per-hour gives a price for {', '.join(sorted(unused))}, but the profiles "
            f"compared are {', '.join(sorted(profiles))}"
        )
    missing = {p.gpu for name, p in profiles.items() if not {name, p.gpu} & set(given)}
    offers: list[Offer] = []
    if missing:
        book = load_prices(prices, Path())
        filters: Filters = {"providers": providers, "regions": regions, "purchase": purchase}
        offers = select_offers(book.offers, **filters)
        if not offers:
            raise InvalidInput("\n  ".join(why_none(book, **filters)))
    return price_replicas(profiles, offers, given)


def price_replicas(
    profiles: Mapping[str, Profile], offers: Sequence[Offer], given: Mapping[str, float]
) -> list[Contender]:
    """Each profile with the price of a replica: as given, a GPU's price counting for each of its
    GPUs, or of the cheapest offer that can run it.

    Raises InvalidInput, with all of them, for what nothing prices.
    """
    found, unpriced = [], []
    for name, profile in profiles.items():
        own = given.get(name)
        if own is None and profile.gpu in given:
            own = given[profile.gpu] * profile.tensor_parallel
        if own is not None:
            found.append(Contender(name, profile, own, "given"))
            continue
        cheapest = min(
            (
                (offer.usd_per_hour / replicas, offer.key)
                for offer in offers
                if offer.gpu == profile.gpu
                and (replicas := offer.gpu_count // profile.tensor_parallel) > 0
            ),
            default=None,
        )
        if cheapest is None:
            unpriced.append(name)
        else:
            found.append(Contender(name, profile, cheapest[0], str(cheapest[1])))
    if unpriced:
        raise InvalidInput(
            f"these prices and filters have no offer that runs {', '.join(unpriced)}",
            hint=f"give a price with --usd-per-hour {unpriced[0]}=USD",
        )
    return found


def _parsed(texts: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            price = float(number)
        except ValueError:
            price = 0.0
        if not equals or not (isfinite(price) and price > 0):
            raise InvalidInput(
                f'--usd-per-hour: "{shorten(text)}" is not a price; write GPU=USD, such as L4=0.7'
            )
        # a file's name stays as it is; a GPU gets its one name
        found[name if name.endswith(".json") else _configuration(name)] = price
    return found


def _configuration(name: str) -> str:
    gpu, separator, degree = name.partition("-tp")
    return one_gpu(gpu) + separator + degree
