"""A service planned anew and compared with its committed plan: the change, why, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from melange_cloud import __version__
from melange_cloud.allocation.deadline import Deadline
from melange_cloud.documents import Document
from melange_cloud.errors import OutsideError
from melange_cloud.plan import Cost, Kept, Plan
from melange_cloud.planning.compose import Inputs
from melange_cloud.regression.attribution import Attribution, attribute
from melange_cloud.regression.committed import Committed
from melange_cloud.regression.difference import PoolChange, cause_words, pool_changes
from melange_cloud.regression.policy import Limit, Policy, Verdict, judge
from melange_cloud.regression.policy_change import PolicyChange, policy_changes
from melange_cloud.service import ServicePolicy

_SHOWN = 4
"""Differences of a stale plan named one by one before the rest are counted."""

CauseName = Literal["tool", "workload", "slo", "model", "prices", "offers", "choice"]


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
    policy_file: str | None = Field(description="whose policy counts; null for the service's own")
    policy_changes: list[PolicyChange] = Field(
        description="how the service's policy differs from that of the file, or of the baseline"
    )
    verdict: Verdict
    reasons: list[str] = Field(description="the limits exceeded, or why no fleet can serve it")
    limits: list[Limit]
    baseline: Side | None = Field(description="null when there was none (only with --update)")
    current: Side | None = Field(description="null when no fleet can serve it")
    change: CostChange | None
    committed: Committed | None = Field(description="null where no committed plan was given")
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
    policy: str | None = None
    """The service file whose policy counts; None for the service's own."""
    committed: str | None = None


def check(
    inputs: Inputs,
    baseline: Plan | None,
    current: Plan,
    policy: Policy,
    files: Files,
    *,
    earlier: ServicePolicy | None = None,
    committed: Committed | None = None,
    time_limit: float | Deadline | None = None,
) -> Check:
    """Compare ``current``, planned from ``inputs``, with the ``baseline``.

    ``earlier`` is the policy that the service had: what differs from it is said. ``committed`` is
    the plan that will be applied, as it compares with ``current``.
    """
    verdict, limits = judge(
        policy,
        baseline.cost if baseline else None,
        current.cost,
        Cost(
            usd_per_hour=committed.usd_per_hour,
            usd_per_month=committed.usd_per_month,
            lower_bound_usd_per_hour=0.0,
        )
        if committed
        else None,
        _stale_words(committed, files),
    )
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
        policy_file=files.policy,
        policy_changes=_policy_changes(inputs, baseline, earlier),
        verdict=verdict,
        reasons=[limit.words for limit in limits if limit.exceeded],
        limits=limits,
        baseline=_side(baseline) if baseline else None,
        current=_side(current),
        change=_change(baseline, current) if baseline else None,
        committed=committed,
        causes=causes,
        unserved=unserved,
        pools=pool_changes(baseline, current),
        kept=current.kept,
        notes=notes,
    )


def infeasible(
    inputs: Inputs,
    baseline: Plan | None,
    reasons: list[str],
    files: Files,
    earlier: ServicePolicy | None = None,
) -> Check:
    """The check of a service that no fleet can serve."""
    return Check(
        tool_version=__version__,
        service=inputs.service.name,
        service_file=files.service,
        baseline_file=files.baseline,
        policy_file=files.policy,
        policy_changes=_policy_changes(inputs, baseline, earlier),
        verdict="infeasible",
        reasons=reasons,
        limits=[],
        baseline=_side(baseline) if baseline else None,
        current=None,
        change=None,
        committed=None,
        causes=[],
        unserved=None,
        pools=[],
        kept=None,
        notes=[],
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
    return notes + [note for note in new.notes if note not in old.notes]


def _policy_changes(
    inputs: Inputs, baseline: Plan | None, earlier: ServicePolicy | None
) -> list[PolicyChange]:
    """Against the policy that counts, or else against that of the baseline."""
    if earlier is None and baseline is not None:
        earlier = baseline.service.policy
    return [] if earlier is None else policy_changes(earlier, inputs.service.policy)


def _stale_words(committed: Committed | None, files: Files) -> str:
    if committed is None or not committed.stale:
        return ""
    shown = committed.differences[:_SHOWN]
    more = len(committed.differences) - len(shown)
    said = "; ".join(shown) + (f"; and {more} more differences" if more else "")
    return f"the committed plan {files.committed} is stale, plan again and commit it: {said}"
