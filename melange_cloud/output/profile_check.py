"""What a check of profiles found, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from melange_cloud.documents import dump_json
from melange_cloud.output.text import bullets, sentence
from melange_cloud.profiles.assess import Checked
from melange_cloud.profiles.check import Finding

SHOWN = 20
"""Doubtful findings listed before the rest are counted; failing ones are all listed."""


def checked_text(checked: Sequence[Checked]) -> str:
    """A paragraph a profile."""
    return "\n".join(map(_paragraph, checked))


def checked_json(checked: Sequence[Checked]) -> str:
    """The same for programs; all findings."""
    return dump_json(
        {
            "schema": "melange-cloud/profile-check/v1",
            "profiles": [
                {
                    "name": one.name,
                    "model": one.profile.model,
                    "gpu": one.profile.gpu,
                    "tensor_parallel": one.profile.tensor_parallel,
                    "source": one.profile.source,
                    "fails": one.fails,
                    "findings": [_finding(finding) for finding in one.findings],
                    "estimate": asdict(one.estimate) if one.estimate else None,
                }
                for one in checked
            ],
        }
    )


def _paragraph(one: Checked) -> str:
    profile = one.profile
    text = sentence(
        f"{one.name}: {profile.model} on {profile.name}, {len(profile.sizes)} sizes, "
        f"{len(profile.points)} points: {_verdict(one)}"
    )
    failing = [str(finding) for finding in one.findings if finding.level == "fails"]
    doubtful = [str(finding) for finding in one.findings if finding.level == "doubtful"]
    if len(doubtful) > SHOWN:
        doubtful = [*doubtful[:SHOWN], f"and {len(doubtful) - SHOWN} more (--format json)"]
    parts = [f"{text}\n", bullets("fails:", failing), bullets("doubtful:", doubtful)]
    return "".join([*parts, *(f"{sentence(line)}\n" for line in _estimate_words(one))])


def _verdict(one: Checked) -> str:
    if one.profile.source == "estimated":
        return "estimated, there is nothing measured to check"
    if one.fails:
        return "FAILS"
    return "sane, with doubts" if one.findings else "sane"


def _estimate_words(one: Checked) -> list[str]:
    if one.estimate is None:
        why = one.why_no_estimate
        return [f"no estimate to compare with: {why}"] if why else []
    found = one.estimate
    if found.tpot is None or found.rate is None:
        return ["the estimate has none of this profile's sizes"]
    lines = [
        f"the estimate at these {found.tpot.points} points: TPOT off by {found.tpot}; "
        f"requests/s off by {found.rate}"
    ]
    if found.uncovered:
        lines.append(f"sizes that the estimate does not have: {len(found.uncovered)}")
    return lines


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "what": finding.what,
        "size": list(finding.size) if finding.size else None,
        "concurrency": finding.concurrency,
    }
