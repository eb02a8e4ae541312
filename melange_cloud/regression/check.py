"""A service planned anew and compared with its committed plan: the change, why, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from melange_cloud import __version__
from melange_cloud.allocation.deadline import Deadline
from melange_cloud.documents import Document
from melange_cloud.errors import OutsideError
from melange_cloud.names import shorten
from melange_cloud.plan import Kept, Plan
from melange_cloud.planning.compose import Inputs
from melange_cloud.regression.attribution import PENALTY, Attribution, apportion, attribute
from melange_cloud.regression.difference import PoolChange, cause_words, pool_changes
from melange_cloud.regression.policy import Limit, Policy, Verdict, judge
from melange_cloud.service import ServicePolicy

CauseName = Literal["tool", "workload", "slo", "model", "prices", "offers", "choice"]

TITLES: dict[str, str] = {
    "tool": "version of the tool",
    "workload": "workload",
    "slo": "SLO",
    "model": "model and profiles",
    "prices": "prices",
    "offers": "offers and limits",
    "choice": "fleet kept, slices or time limit",
}
"""Cause -> what people read."""


class Side(Document):
    """One of the two plans."""

    tool_version: str
    digest: str
    usd_per_hour: float
    usd_per_month: float
    status: Literal["optimal", "feasible"]
    prices: str
    prices_as_of: str | None


class CostChange(Document):
    """By how much more the fleet costs; negative when it costs less."""

    usd_per_hour: float
    usd_per_month: float
    relative: float | None = Field(description="0.05 = 5%; null when the baseline costs nothing")


class CauseShare(Document):
    """A cause, and its part of the change."""

    cause: CauseName
    usd_per_hour: float
    changed: bool
    details: list[str] = Field(description="what differs")


class UnservedCombination(Document):
    """A combination of old and new inputs that the division needs and no fleet serves in full."""

    new: list[str] = Field(description="the causes that are new in it")
    unserved_rate: float = Field(description="requests/s that nobody serves")


class Unserved(Document):
    """How such combinations were costed: the elastic programme, and a penalty."""

    usd_per_hour_per_request_rate: float = Field(description="the penalty for each request/s")
    combinations: list[UnservedCombination]


class Check(Document):
    """What `melange-cloud check` found."""

    schema_: Literal["melange-cloud/check/v1"] = Field("melange-cloud/check/v1", alias="schema")
    tool_version: str
    service: str
    service_file: str
    baseline_file: str
    verdict: Verdict
    reasons: list[str] = Field(description="the limits exceeded, or why no fleet can serve it")
    limits: list[Limit]
    baseline: Side | None = Field(description="null when there was none (only with --update)")
    current: Side | None = Field(description="null when no fleet can serve it")
    change: CostChange | None
    causes: list[CauseShare] = Field(description="they sum to the change; empty if not divided")
    unserved: Unserved | None
    pools: list[PoolChange]
    kept: Kept | None
    notes: list[str]


@dataclass(frozen=True)
class Files:
    """What the check is about, as named on the command line."""

    service: str
    baseline: str


def check(
    inputs: Inputs,
    baseline: Plan | None,
    current: Plan,
    policy: Policy,
    files: Files,
    *,
    time_limit: float | Deadline | None = None,
) -> Check:
    """Compare ``current``, planned from ``inputs``, with the committed ``baseline``."""
    verdict, limits = judge(policy, baseline.cost if baseline else None, current.cost)
    notes = _notes(baseline, current)
    causes: list[CauseShare] = []
    unserved = None
    if baseline is not None:
        book = {offer.key: offer.usd_per_hour for offer in inputs.book.offers}
        try:
            divided = attribute(baseline, current, book, time_limit=time_limit)
        except OutsideError:
            notes.insert(
                0, "the change is not divided among its causes: the time limit was reached first"
            )
        else:
            words = cause_words(baseline, current, book)
            causes = [
                CauseShare(
                    cause=cause,
                    usd_per_hour=divided.parts[cause],
                    changed=cause in divided.changed or bool(divided.parts[cause]),
                    details=words.get(cause, []),
                )
                for cause in _CAUSE_NAMES
            ]
            unserved = _unserved(divided)
    return Check(
        tool_version=__version__,
        service=inputs.service.name,
        service_file=files.service,
        baseline_file=files.baseline,
        verdict=verdict,
        reasons=[limit.words for limit in limits if limit.exceeded],
        limits=limits,
        baseline=_side(baseline) if baseline else None,
        current=_side(current),
        change=_change(baseline, current) if baseline else None,
        causes=causes,
        unserved=unserved,
        pools=pool_changes(baseline, current),
        kept=current.kept,
        notes=notes,
    )


def infeasible(name: str, baseline: Plan | None, reasons: list[str], files: Files) -> Check:
    """The check of a service that no fleet can serve."""
    return Check(
        tool_version=__version__,
        service=name,
        service_file=files.service,
        baseline_file=files.baseline,
        verdict="infeasible",
        reasons=reasons,
        limits=[],
        baseline=_side(baseline) if baseline else None,
        current=None,
        change=None,
        causes=[],
        unserved=None,
        pools=[],
        kept=None,
        notes=[],
    )


def shown_parts(found: Check) -> list[tuple[CauseShare, float]]:
    """The causes with something to show, and their parts in cents that sum to the change."""
    if found.change is None or not found.causes:
        return []
    parts = [share.usd_per_hour for share in found.causes]
    cents = apportion(parts, found.change.usd_per_hour, 2)
    return [
        (share, part)
        for share, part in zip(found.causes, cents, strict=True)
        if share.changed or part
    ]


def headline(found: Check) -> str:
    """The result in one line: ``chat: 18.91 → 20.11 $/h, +1.20 $/h (+6.3%): fail``."""
    if found.current is None:
        return f"{shorten(found.service)}: no fleet can serve it"
    now = f"{found.current.usd_per_hour:,.2f} $/h"
    if found.baseline is None or found.change is None:
        return f"{shorten(found.service)}: {now}, no baseline to compare with: {found.verdict}"
    return (
        f"{shorten(found.service)}: {found.baseline.usd_per_hour:,.2f} → {now}, "
        f"{change_words(found.change)}: {found.verdict}"
    )


def change_words(change: CostChange) -> str:
    """``+1.20 $/h (+6.3%)``, or ``no change``."""
    if abs(change.usd_per_hour) < 5e-7:
        return "no change"
    relative = "" if change.relative is None else f" ({change.relative:+.1%})"
    return f"{change.usd_per_hour:+,.2f} $/h{relative}"


def unserved_words(unserved: Unserved) -> str:
    """What a reader must know about the parts when a combination could not be served."""
    first = unserved.combinations[0]
    new = ", ".join(TITLES[cause] for cause in first.new) or "nothing"
    many = len(unserved.combinations)
    which = "1 combination" if many == 1 else f"{many} combinations"
    return (
        f"{which} of old and new inputs cannot be served in full (in the first, with new {new}, "
        f"{first.unserved_rate:.3g} requests/s go unserved); each unserved request/s counts as "
        f"{unserved.usd_per_hour_per_request_rate:,.2f} $/h, {PENALTY:g} times the mean cost of "
        "one, so the parts depend on that penalty; their sum does not"
    )


_CAUSE_NAMES: tuple[CauseName, ...] = (
    "tool", "workload", "slo", "model", "prices", "offers", "choice",
)  # fmt: skip


def _side(plan: Plan) -> Side:
    return Side(
        tool_version=plan.tool_version,
        digest=plan.digest,
        usd_per_hour=plan.cost.usd_per_hour,
        usd_per_month=plan.cost.usd_per_month,
        status=plan.status,
        prices=plan.prices.source,
        prices_as_of=plan.prices.as_of,
    )


def _change(old: Plan, new: Plan) -> CostChange:
    by = new.cost.usd_per_hour - old.cost.usd_per_hour
    return CostChange(
        usd_per_hour=round(by, 6),
        usd_per_month=round(new.cost.usd_per_month - old.cost.usd_per_month, 2),
        relative=round(by / old.cost.usd_per_hour, 6) if old.cost.usd_per_hour else None,
    )


def _unserved(divided: Attribution) -> Unserved | None:
    if not divided.unserved:
        return None
    return Unserved(
        usd_per_hour_per_request_rate=round(divided.penalty, 6),
        combinations=[
            UnservedCombination(new=list(found.new), unserved_rate=found.rate)
            for found in divided.unserved
        ],
    )


def _notes(old: Plan | None, new: Plan) -> list[str]:
    """What is new among the plan's notes, and what makes the two hard to compare."""
    if old is None:
        return list(new.notes)
    notes = []
    for plan, name in ((old, "the baseline"), (new, "the new plan")):
        if plan.status != "optimal":
            notes.append(f"{name} is not proven cheapest: a time limit ended its proof")
    notes += _policy_notes(old.service.policy, new.service.policy)
    return notes + [note for note in new.notes if note not in old.notes]


def _policy_notes(old: ServicePolicy, new: ServicePolicy) -> list[str]:
    """A looser policy in the same change as a dearer fleet is something a reviewer must see."""
    notes = []
    for name in ("max_increase", "warn_increase", "budget"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            unit = "$/month" if name == "budget" else "$/h"
            pair = [_limit(value, unit) for value in (before, after)]
            notes.append(f"policy.{name} changed: {pair[0]} → {pair[1]}")
    return notes


def _limit(value: str | float | None, unit: str) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:,.2f} {unit}"
