"""A check for programs: the document itself."""

from __future__ import annotations

from melange_cloud.regression.check import Check


def check_json(found: Check) -> str:
    """The Check document, `melange-cloud/check/v1`."""
    return found.to_json()
