"""A check for a pull request: a line that says it all, and the detail to unfold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from melange_cloud.output.markdown import code, fitting, prose, table
from melange_cloud.output.text import usd
from melange_cloud.regression.check import CauseShare, Check
from melange_cloud.regression.difference import PoolChange
from melange_cloud.regression.words import (
    TITLES,
    change_words,
    committed_words,
    policy_words,
    shown_parts,
    unserved_words,
)

LIMIT = 65_536
"""Characters of a comment on GitHub at most; the sections below have room within it."""

_VERDICTS = {
    "pass": "✅ pass",
    "warn": "⚠️ warning",
    "fail": "❌ fail",
    "infeasible": "❌ no fleet can serve this",
}


def check_markdown(found: Check) -> str:
    """The comment. Its first line, which is not shown, tells it from other comments."""
    lines = [marker(found.service_file, found.service), *_policy(found), _headline(found), ""]
    lines += fitting((f"- {prose(why)}" for why in found.reasons), 12_000, "- and {} more")
    lines += _causes(found)
    lines += _pools(found)
    lines += _notes(found)
    return "\n".join(lines).rstrip("\n") + "\n"


def marker(file: str, service: str) -> str:
    """What a comment of the check of a service begins with: the same for every run, and another
    for a service of the same name in another file."""
    identity = f"{file.removeprefix('./')}\n{service}"
    name = hashlib.sha256(identity.encode(errors="replace")).hexdigest()[:16]
    return f"<!-- melange-cloud check {name} -->"


def _policy(found: Check) -> Iterator[str]:
    """Above all else and never folded away: who loosens the limits may be who exceeds them."""
    title, changes = policy_words(found)
    if changes:
        yield from (f"**⚠️ {title}**", "", *(f"- {prose(line)}" for line in changes), "")


def _headline(found: Check) -> str:
    verdict, name = _VERDICTS[found.verdict], code(found.service)
    if found.current is None:
        return f"**{name}: {verdict}**"
    now = f"{usd(found.current.usd_per_hour)} $/h, {usd(found.current.usd_per_month)} $/month"
    but = prose(committed_words(found))
    if found.change is None:
        return f"**{name}: {verdict}**, {now}; there is no baseline to compare with{but}"
    monthly = f"{found.change.usd_per_month:+,.2f} $/month"
    change = change_words(found.change)
    by = change if change == "no change" else f"{change}, {monthly}"
    return f"**{name}: {verdict}, {by}**: now {now}{but}"


def _causes(found: Check) -> Iterator[str]:
    parts = shown_parts(found)
    if not parts:
        return
    rows = ([TITLES[share.cause], _details(share), f"{part:+,.2f}"] for share, part in parts)
    yield from ("", *table(("why", "what changed"), ("$/h",), rows))
    if found.unserved:
        yield from ("", prose(unserved_words(found.unserved), 800))


def _details(share: CauseShare) -> str:
    return "<br>".join(prose(text, 160) for text in share.details[:8]) or "-"


def _pools(found: Check) -> Iterator[str]:
    if not found.pools:
        return
    counts = [
        (kind, sum(pool.change == kind for pool in found.pools))
        for kind in ("added", "removed", "resized", "same")
    ]
    summary = ", ".join(f"{count} {_KINDS[kind]}" for kind, count in counts if count)
    yield from _unfold(f"Pools: {summary}")
    head = table(
        ("pool", "change"), ("instances", "$/h each", "$/h"), map(_pool_cells, found.pools)
    )
    yield from fitting(head, 16_000, "| and {} more | | | | |")
    yield from ("", "</details>")


_KINDS = {"added": "added", "removed": "removed", "resized": "resized", "same": "unchanged"}


def _pool_cells(pool: PoolChange) -> list[str]:
    return [
        code(pool.id, 100),
        _KINDS[pool.change],
        _arrow(str(pool.count_before), str(pool.count)),
        _arrow(_price(pool.usd_per_hour_each_before), _price(pool.usd_per_hour_each)),
        f"{pool.usd_per_hour:+,.2f}",
    ]


def _price(price: float | None) -> str:
    return "-" if price is None else f"{price:,.4f}"


def _arrow(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _notes(found: Check) -> Iterator[str]:
    if not found.notes:
        return
    yield from _unfold("Notes")
    yield from fitting((f"- {prose(note)}" for note in found.notes), 12_000, "- and {} more")
    yield from ("", "</details>")


def _unfold(summary: str) -> tuple[str, ...]:
    # markdown inside needs the empty line behind the summary
    return "", f"<details><summary>{summary}</summary>", ""
