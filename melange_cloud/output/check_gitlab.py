"""A check as a GitLab code quality report, the part of Code Climate's format that GitLab reads.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
from typing import Any

from melange_cloud.documents import dump_json
from melange_cloud.regression.check import Check
from melange_cloud.regression.words import change_words, headline, policy_words

_SEVERITIES = {"fail": "major", "warn": "minor"}


def check_gitlab(found: Check) -> str:
    """First that the policy changes; then a finding for each limit that is passed, or one for
    information where the cost changed."""
    title, changes = policy_words(found)
    said = "; ".join([title, *changes])
    policy = [_finding(found, "policy", "major", said, before="")] if changes else []
    if found.current is None:
        why = _finding(found, "infeasible", "blocker", "; ".join(found.reasons))
        return dump_json([*policy, why])
    findings = [
        _finding(found, limit.limit, _SEVERITIES[limit.verdict], limit.words)
        for limit in found.limits
        if limit.exceeded
    ]
    if not findings and found.change and change_words(found.change) != "no change":
        findings.append(_finding(found, "cost", "info", "within all limits"))
    return dump_json([*policy, *findings])


def _finding(
    found: Check, name: str, severity: str, words: str, before: str | None = None
) -> dict[str, Any]:
    """A finding, which says the result ``before`` its own words unless that is given."""
    before = f"{headline(found)}; " if before is None else before
    # GitLab tells by the fingerprint which findings a merge request adds: the same for every run
    identity = "\n".join((found.service_file, found.service, name))
    return {
        "description": before + words,
        "check_name": f"melange-cloud/{name}",
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": severity,
        "location": {"path": found.service_file.removeprefix("./"), "lines": {"begin": 1}},
    }
