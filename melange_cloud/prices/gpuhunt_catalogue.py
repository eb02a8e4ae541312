"""gpuhunt's daily catalogue (github.com/dstackai/gpuhunt): many clouds, no account needed.

For planning and comparison. Terraform is rendered for AWS and GCP only; see `provisionable`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from melange_cloud.errors import InvalidInput
from melange_cloud.names import unknown
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.clouds import CloudError
from melange_cloud.prices.gpu_names import gpu_name
from melange_cloud.prices.listing import Listing, make_book, not_sold_on_demand

NOT_SINGLE_FLAGS = {"gcp-dws-calendar-mode", "runpod-cluster"}
"""Flags of items that nobody can buy one by one: reserved capacity, nodes of a cluster."""


def load_gpuhunt(providers: Collection[str] = ()) -> PriceBook:
    """Today's catalogue of the providers named, or of all it has without an account.

    The catalogue's address is gpuhunt's own, or what GPUHUNT_CATALOG_URL names. Raises
    InvalidInput (not installed, no such provider) and CloudError (not reachable).
    """
    try:
        from gpuhunt import Catalog, GPUHuntError
        from gpuhunt._internal.catalog import OFFLINE_PROVIDERS
    except ImportError:
        raise InvalidInput(
            "the price source gpuhunt needs the package gpuhunt",
            hint="install it with `pip install 'melange-cloud[gpuhunt]'`",
        ) from None
    wanted = sorted({name.casefold() for name in providers} or set(OFFLINE_PROVIDERS))
    problems = [
        unknown("gpuhunt provider", name, OFFLINE_PROVIDERS)
        for name in wanted
        if name not in OFFLINE_PROVIDERS
    ]
    if problems:
        raise InvalidInput("\n".join(problems))
    # it logs the failure of one provider with a traceback; the note below says it in words
    logging.getLogger("gpuhunt").setLevel(logging.CRITICAL + 1)
    catalogue = Catalog(auto_reload=False)
    try:
        catalogue.load()
    except (GPUHuntError, OSError) as error:
        raise CloudError(
            f"gpuhunt's catalogue cannot be read: {error.__cause__ or error}", hint="try later"
        ) from error
    versions = {name: entry.version for name, entry in catalogue.catalog.items()}
    items = catalogue.query(provider=[name for name in wanted if name in versions], min_gpu_count=1)
    return compose_gpuhunt(items, versions, wanted, _memory_sizes())


def compose_gpuhunt(
    items: Iterable[Any],
    versions: Mapping[str, str],
    wanted: Collection[str],
    memory_sizes: Mapping[str, float],
) -> PriceBook:
    """A price book of gpuhunt's CatalogItems: pure.

    ``versions``: provider -> version of its catalogue (it starts with its day);
    ``memory_sizes``: GPU -> its smallest memory, GiB: an item with much less has a share of one.
    """
    listings = [
        _listing(item, versions, memory_sizes)
        for item in items
        if _is_gpu(item) and not NOT_SINGLE_FLAGS & set(item.flags)
    ]
    missing = sorted(set(wanted) - set(versions))
    notes = [f"gpuhunt has no catalogue of {', '.join(missing)} today"] if missing else []
    return make_book(
        "gpuhunt",
        _dearest_zone(listings),
        sources={
            f"gpuhunt-{name}": f"gpuhunt catalogue of {name}, version {versions[name]}"
            for name in sorted(set(wanted) & set(versions))
        },
        notes=notes,
        not_sold=not_sold_on_demand(),
    )


def _listing(item: Any, versions: Mapping[str, str], memory_sizes: Mapping[str, float]) -> Listing:
    gpu = gpu_name(item.gpu_name, item.gpu_memory)
    name = "-".join(item.instance_name.split())
    region = "-".join(item.location.split()) or "global"
    zones: tuple[str, ...] = ()
    if item.provider == "gcp" and re.search(r"-[a-z]$", region):
        region, zones = region[:-2], (region,)
    if item.provider == "gcp" and name.startswith("n1-"):
        # the same machine is listed once for each number of GPUs that can be attached
        name = f"{name}+{item.gpu_count}x{gpu}"
    smallest = memory_sizes.get(item.gpu_name, 0.0)
    share = item.gpu_memory / smallest if item.gpu_memory and smallest else 1.0
    return Listing(
        provider=item.provider,
        region=region,
        instance_type=name,
        gpu=gpu,
        # a tenth less is how the same memory is counted elsewhere, not a share of a GPU
        gpu_count=item.gpu_count * share if share < 0.9 else item.gpu_count,
        usd_per_hour=item.price,
        purchase="spot" if item.spot else "on-demand",
        as_of=_day(versions.get(item.provider, "")),
        vcpus=int(item.cpu) or None,
        memory_gib=float(item.memory) or None,
        zones=zones,
        source=f"gpuhunt-{item.provider}",
    )


def _is_gpu(item: Any) -> bool:
    return bool(item.gpu_name) and getattr(item.gpu_vendor, "value", "nvidia") != "google"


def _dearest_zone(listings: Iterable[Listing]) -> list[Listing]:
    """One listing a region: zones may differ in price, and which one gets used is not ours."""
    best: dict[tuple[str, ...], Listing] = {}
    zones: dict[tuple[str, ...], set[str]] = {}
    for listing in listings:
        key = (listing.provider, listing.region, listing.instance_type, listing.purchase)
        zones.setdefault(key, set()).update(listing.zones)
        if key not in best or (listing.usd_per_hour or 0) > (best[key].usd_per_hour or 0):
            best[key] = listing
    return [
        Listing(**{**vars(listing), "zones": tuple(sorted(zones[key]))})
        for key, listing in best.items()
    ]


def _memory_sizes() -> dict[str, float]:
    from gpuhunt import KNOWN_NVIDIA_GPUS

    sizes: dict[str, float] = {}
    for known in KNOWN_NVIDIA_GPUS:
        sizes[known.name] = min(known.memory, sizes.get(known.name, known.memory))
    return sizes


def _day(version: str) -> str | None:
    """The day in a catalogue's version, such as 20261122-1234."""
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", version)
    if not match:
        return None
    try:
        return date(*map(int, match.groups())).isoformat()
    except ValueError:
        return None
