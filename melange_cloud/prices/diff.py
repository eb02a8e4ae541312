"""What changed between two price books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer, OfferKey

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Change:
    """One offer that is new, gone, or sold at another price or in another shape."""

    kind: Kind
    key: OfferKey
    gpu: str
    gpu_count: int
    old_usd_per_hour: float | None
    new_usd_per_hour: float | None
    note: str = ""
    """What else differs, such as its GPU."""

    @property
    def change(self) -> float | None:
        """Relative change of the price: 0.05 is 5% dearer. None for what is new or gone."""
        if self.old_usd_per_hour is None or self.new_usd_per_hour is None:
            return None
        return self.new_usd_per_hour / self.old_usd_per_hour - 1


def diff_books(old: PriceBook, new: PriceBook) -> list[Change]:
    """Every difference, by provider, region, type and purchase. Dates alone are no change."""
    before = {offer.key: offer for offer in old.offers}
    after = {offer.key: offer for offer in new.offers}
    changes = [_change(before.get(key), after.get(key)) for key in sorted({*before, *after})]
    return [change for change in changes if change is not None]


def _change(old: Offer | None, new: Offer | None) -> Change | None:
    if old is None or new is None:
        offer = new or old
        assert offer is not None
        return Change(
            kind="added" if old is None else "removed",
            key=offer.key,
            gpu=offer.gpu,
            gpu_count=offer.gpu_count,
            old_usd_per_hour=None if old is None else old.usd_per_hour,
            new_usd_per_hour=None if new is None else new.usd_per_hour,
        )
    note = _shape_change(old, new)
    if old.usd_per_hour == new.usd_per_hour and not note:
        return None
    return Change(
        "changed", new.key, new.gpu, new.gpu_count, old.usd_per_hour, new.usd_per_hour, note
    )


def _shape_change(old: Offer, new: Offer) -> str:
    """Differences of the machine itself, where both books know it."""
    found = []
    for name in ("gpu", "gpu_count", "vcpus", "memory_gib"):
        before, after = getattr(old, name), getattr(new, name)
        if None not in (before, after) and before != after:
            found.append(f"{name} {before} -> {after}")
    return ", ".join(found)
