"""On which GPUs, and how many together, a service's model could run: what to profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from melange_cloud.prices.offer import Offer
from melange_cloud.profiles.listing import DEGREES


def configurations(
    offers: Iterable[Offer], degrees: Sequence[int] | None = None
) -> list[tuple[str, int]]:
    """(GPU type, tensor parallel degree) of every replica that fills an instance on offer, alone
    or with others like it.

    ``degrees`` are those wanted; by default those that the estimates are made at.
    """
    return sorted(
        {
            (offer.gpu, degree)
            for offer in offers
            for degree in degrees or DEGREES
            if offer.gpu_count % degree == 0
        }
    )
