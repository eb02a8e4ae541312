"""Offers as a table for people, and what a refresh fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from melange_cloud.output.table import draw, new_table

if TYPE_CHECKING:
    from melange_cloud.prices.offer import Offer


def prices_table(offers: Iterable[Offer]) -> str:
    """One row an offer; prices per instance and per GPU, to a hundredth of a cent."""
    table = new_table(
        ("provider", "region", "instance type", "GPU"),
        ("GPUs", "vCPUs", "GiB", "$/h", "$/GPU h"),
        ("purchase", "as of"),
    )
    for offer in offers:
        table.add_row(
            offer.provider,
            offer.region,
            offer.instance_type,
            offer.gpu,
            str(offer.gpu_count),
            "" if offer.vcpus is None else str(offer.vcpus),
            "" if offer.memory_gib is None else f"{offer.memory_gib:g}",
            f"{offer.usd_per_hour:.4f}",
            f"{offer.usd_per_hour / offer.gpu_count:.4f}",
            offer.purchase,
            offer.as_of or "unknown",
        )
    return draw(table)


def refresh_table(counts: Iterable[Mapping[str, str | int]]) -> str:
    """One row a region: the offers it gave and how many listed types were left out."""
    table = new_table(("provider", "region"), ("offers", "left out"))
    for count in counts:
        table.add_row(*(str(count[key]) for key in ("provider", "region", "offers", "left_out")))
    return draw(table)
