"""Reading what a service names: its sizes, profiles and prices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, unknown, unknown_gpu
from melange_cloud.paths import StrPath
from melange_cloud.planning.compose import Inputs, filters_of
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer
from melange_cloud.prices.select import select_offers
from melange_cloud.prices.sources import SOURCES, load_prices, price_file
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.store import files_in, load_profiles
from melange_cloud.service import Service
from melange_cloud.workload.document import Histogram
from melange_cloud.workload.store import bundled_names, load_workload

if TYPE_CHECKING:
    from melange_cloud.prices.wanted import Wanted


def load_inputs(
    service: Service,
    base: StrPath,
    *,
    prices_base: StrPath | None = None,
    profile_folders: StrPath | Sequence[StrPath] = (),
    wanted: Wanted | None = None,
) -> Inputs:
    """Read the sizes, profiles and prices that ``service`` names: all that `make_plan` needs.

    Relative paths in the service start at ``base``, the folder of its file; a relative path of
    its price source starts at ``prices_base`` where that is given, as for ``--prices``.
    ``profile_folders`` are searched for profiles before the bundled ones. ``wanted`` says how old
    live prices may be and whom to tell about fetching; what to fetch follows from the service.

    Raises InvalidInput for a file, model, GPU, region or instance type that is missing, unknown
    or invalid, and OutsideError when live prices cannot be fetched.
    """
    profiles = tuple(load_profiles(service.model, profile_folders))
    book, offers = load_offers(
        service,
        base if prices_base is None else prices_base,
        wanted,
        known_gpus={profile.gpu for profile in profiles},
    )
    _check_limits(service, book, profiles)
    return Inputs(service, _histogram(service, base), profiles, book, offers)


def load_offers(
    service: Service, base: StrPath, wanted: Wanted | None, known_gpus: Collection[str]
) -> tuple[PriceBook, tuple[Offer, ...]]:
    """The prices that ``service`` names, relative to ``base``, and those of its offers that it may
    buy. ``wanted`` and what is raised are as in `load_inputs`.

    ``known_gpus`` are GPU types known from elsewhere: no mistake, though none is on offer.
    """
    filters = service.offers
    if wanted is not None:
        wanted = replace(wanted, providers=filters.providers or (), regions=filters.regions or ())
    book = load_prices(service.prices, base, wanted)
    offers = select_offers(book.offers, known_gpus=known_gpus, **filters_of(service))
    return book, tuple(offers)


def files_read(
    service: Service, base: Path, *, prices_base: Path | None, profile_folders: Sequence[Path]
) -> dict[str, list[Path]]:
    """The files that ``load_inputs`` reads of the user's, by what they are to it."""
    sizes = service.workload.sizes
    found = {"the profiles": files_in(profile_folders)}
    if isinstance(sizes, str) and sizes not in bundled_names():
        found["the workload"] = [base / sizes]
    if service.prices not in SOURCES:
        found["the prices"] = [price_file(service.prices, prices_base or base)]
    return found


def _histogram(service: Service, base: StrPath) -> Histogram:
    sizes = service.workload.sizes
    return load_workload(sizes, base) if isinstance(sizes, str) else sizes


def _check_limits(service: Service, book: PriceBook, profiles: Sequence[Profile]) -> None:
    """A limit on something that does not exist is a typing mistake that would limit nothing."""
    types = {offer.instance_type for offer in book.offers}
    types |= {exclusion.instance_type for exclusion in book.excluded}
    gpus = {offer.gpu for offer in book.offers} | {profile.gpu for profile in profiles}
    problems = [
        "limits.instances: " + unknown("instance type", name, types)
        for name in service.limits.instances
        if name not in types
    ]
    problems += [
        "limits.gpus: " + unknown_gpu(name, gpus, "there are no offers and no profiles of")
        for name in service.limits.gpus
        if canonical_gpu(name) not in gpus
    ]
    if problems:
        raise InvalidInput("\n".join(problems))
