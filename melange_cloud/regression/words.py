"""What a check found, in the words that all formats share."""

from __future__ import annotations

from melange_cloud.names import shorten
from melange_cloud.regression.attribution import PENALTY, apportion
from melange_cloud.regression.check import CauseShare, Check, CostChange, Unserved

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
    now, but = f"{found.current.usd_per_hour:,.2f} $/h", committed_words(found)
    if found.baseline is None or found.change is None:
        name = shorten(found.service)
        return f"{name}: {now}, no baseline to compare with{but}: {found.verdict}"
    return (
        f"{shorten(found.service)}: {found.baseline.usd_per_hour:,.2f} → {now}, "
        f"{change_words(found.change)}{but}: {found.verdict}"
    )


def committed_words(found: Check) -> str:
    """``, but the committed plan costs 9.05 $/h``, where it is not what planning now gives."""
    now, committed = found.current, found.committed
    if now is None or committed is None or abs(committed.usd_per_hour - now.usd_per_hour) < 0.005:
        return ""
    return f", but the committed plan costs {committed.usd_per_hour:,.2f} $/h"


def policy_words(found: Check) -> tuple[str, list[str]]:
    """That the policy itself changes, and how: what a reviewer must see first."""
    if not found.policy_changes:
        return "", []
    title = "The policy changed since the baseline; the new one counts"
    if found.policy_file is not None:
        title = "The policy changes with this service; the earlier one counts"
    return title, [f"policy.{x.limit}: {x.before} → {x.after}" for x in found.policy_changes]


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
