"""What differs between two plans: their pools, and what a person changed, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from melange_cloud.documents import Document
from melange_cloud.plan import CapInput, Plan, Pool
from melange_cloud.planning.keeping import pool_key
from melange_cloud.prices.offer import OfferKey
from melange_cloud.profiles.document import profile_name
from melange_cloud.regression.situation import Cause, Market, Situation, situations

SHOWN = 5
"""Changed prices and limits named one by one before the rest are counted."""


class PoolChange(Document):
    """A pool before and now."""

    id: str
    change: Literal["added", "removed", "resized", "same"]
    count_before: int
    count: int
    usd_per_hour_each_before: float | None = Field(description="null where it is new")
    usd_per_hour_each: float | None = Field(description="null where it is gone")
    usd_per_hour: float = Field(description="by how much the pool costs more, USD/h")


def pool_changes(old: Plan | None, new: Plan) -> list[PoolChange]:
    """Every pool of either plan, in the new plan's order, those that are gone last."""
    before = {pool_key(pool): pool for pool in (old.pools if old else ())}
    after = {pool_key(pool): pool for pool in new.pools}
    return [_pool_change(before.get(key), after.get(key)) for key in {**after, **before}]


def cause_words(old: Plan, new: Plan, book: Mapping[OfferKey, float]) -> dict[str, list[str]]:
    """Cause -> what differs. Empty for a cause that did not change."""
    then, now = situations(old, new, book)
    tool = _step("version", old.tool_version, new.tool_version)
    words: dict[Cause, Callable[[], Iterator[str]]] = {
        "workload": lambda: _workload(old, new),
        "slo": lambda: _fields(old, new, "slo", ("tpot_ms", "ttft_ms", "percentile")),
        "model": lambda: _model(old, new, then, now),
        "prices": lambda: _prices(old, new, then, now),
        "offers": lambda: _offers(old, new, then.offers, now.offers),
    }
    found = {"tool": [tool] if old.tool_version != new.tool_version else []}
    for cause, say in words.items():
        found[cause] = list(say()) if then.of(cause) != now.of(cause) else []
    return found


def _pool_change(old: Pool | None, new: Pool | None) -> PoolChange:
    some = new or old
    assert some is not None
    counts = (old.count if old else 0, new.count if new else 0)
    kind: Literal["added", "removed", "resized", "same"] = "same"
    if old is None or new is None:
        kind = "added" if old is None else "removed"
    elif counts[0] != counts[1]:
        kind = "resized"
    return PoolChange(
        id=some.id,
        change=kind,
        count_before=counts[0],
        count=counts[1],
        usd_per_hour_each_before=old.usd_per_hour_each if old else None,
        usd_per_hour_each=new.usd_per_hour_each if new else None,
        usd_per_hour=round(
            (new.usd_per_hour if new else 0.0) - (old.usd_per_hour if old else 0.0), 6
        ),
    )


def _workload(old: Plan, new: Plan) -> Iterator[str]:
    before, after = old.service, new.service
    if before.workload.rate != after.workload.rate:
        yield _step("rate", f"{before.workload.rate:g}", f"{after.workload.rate:g} req/s")
    if before.headroom != after.headroom:
        yield _step("headroom", f"{before.headroom:.3g}", f"{after.headroom:.3g}")
    names = [
        sizes if isinstance(sizes := plan.service.workload.sizes, str) else "inline"
        for plan in (old, new)
    ]
    if names[0] != names[1]:
        yield _step("sizes", *names)
    elif not _same_shares(_shares(old), _shares(new)):
        yield f"the shares of sizes {names[1]} changed"


Sizes = dict[tuple[int, ...], float]


def _shares(plan: Plan) -> Sizes:
    whole = sum(line.rate for line in plan.assignment)
    return {
        (*line.input_tokens, *line.output_tokens): line.rate / whole for line in plan.assignment
    }


def _same_shares(old: Sizes, new: Sizes) -> bool:
    """Whether the shares are the same, except for the last digits, which a plan rounds."""
    return old.keys() == new.keys() and all(
        math.isclose(share, new[size], rel_tol=1e-6) for size, share in old.items()
    )


def _model(old: Plan, new: Plan, then: Situation, now: Situation) -> Iterator[str]:
    if old.service.model != new.service.model:
        yield _step("model", old.service.model, new.service.model)
    yield from _fields(old, new, "", ("max_model_len",))
    before = {profile_name(p.gpu, p.tensor_parallel): p for p in then.model.profiles}
    after = {profile_name(p.gpu, p.tensor_parallel): p for p in now.model.profiles}
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"profile of {name} added ({after[name].source})"
        elif name not in after:
            yield f"profile of {name} removed"
        elif before[name] != after[name]:
            sources = before[name].source, after[name].source
            how = f" ({' → '.join(sources)})" if sources[0] != sources[1] else ""
            yield f"profile of {name} changed{how}"


def _prices(old: Plan, new: Plan, then: Situation, now: Situation) -> Iterator[str]:
    """Those of offers that either fleet uses first, then the largest changes."""
    used = {pool.key for plan in (old, new) for pool in plan.pools}
    moved = [
        (key not in used, -abs(now.prices[key] / price - 1) if price else 0.0, key)
        for key, price in then.prices.items()
        if now.prices[key] != price
    ]
    moved.sort()
    for _, _, key in moved[:SHOWN]:
        before, after = then.prices[key], now.prices[key]
        by = f" ({after / before - 1:+.1%})" if before else ""
        yield _step(f"{key.instance_type} in {key.region}", f"{before:.4f}", f"{after:.4f} $/h{by}")
    yield from _more(len(moved), "price")


def _offers(old: Plan, new: Plan, then: Market, now: Market) -> Iterator[str]:
    yield from _fields(old, new, "offers", ("providers", "regions", "gpus", "purchase"))
    gone, came = set(then.machines) - set(now.machines), set(now.machines) - set(then.machines)
    if gone or came:
        yield f"{len(came)} offers added, {len(gone)} removed"
    yield from _fields(old, new, "limits", ("max_regions", "survive"))
    before, after = _by_name(then.limits.caps), _by_name(now.limits.caps)
    caps = [
        _step(name, _limit(before.get(name)), _limit(after.get(name)))
        for name in sorted({*before, *after})
        if _limit(before.get(name)) != _limit(after.get(name))
    ]
    yield from caps[:SHOWN]
    yield from _more(len(caps), "limit")


def _more(count: int, noun: str) -> Iterator[str]:
    if count > SHOWN:
        yield f"and {count - SHOWN} more {noun}" + ("s" if count - SHOWN > 1 else "")


def _by_name(caps: list[CapInput]) -> dict[str, CapInput]:
    return {cap.name: cap for cap in caps}


def _limit(cap: CapInput | None) -> str:
    return "none" if cap is None else f"{cap.limit:g}"


def _fields(old: Plan, new: Plan, part: str, names: tuple[str, ...]) -> Iterator[str]:
    """Fields of a part of the service that differ."""
    before = getattr(old.service, part) if part else old.service
    after = getattr(new.service, part) if part else new.service
    for name in names:
        pair = getattr(before, name), getattr(after, name)
        if pair[0] != pair[1]:
            yield _step(f"{part}.{name}" if part else name, *map(_shown, pair))


def _shown(value: object) -> str:
    if value is None:
        return "any"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _step(what: str, before: str, after: str) -> str:
    return f"{what}: {before} → {after}"
