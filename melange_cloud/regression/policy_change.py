"""The policy that judges a change, and how the change would alter it.

Who may change the service could loosen the limits in the same pull request. So the limits may come
from another file, the service as it was before, and what differs is shown before all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from melange_cloud.documents import Document, validate
from melange_cloud.errors import InvalidDocument, Problem
from melange_cloud.reading import name_of
from melange_cloud.service import Service, ServicePolicy
from melange_cloud.yaml_file import load_yaml


class PolicyChange(Document):
    """A limit before and after, as people read it; ``none`` where there is none."""

    limit: str = Field(description="the field of the service's policy")
    before: str
    after: str


class _OfAService(Document):
    """What is read of the service whose policy counts."""

    policy: ServicePolicy = Field(default_factory=ServicePolicy)


def load_policy(path: Path) -> ServicePolicy | None:
    """The policy in a service file, whatever else that holds; None where there is no such file.

    Raises InvalidInput for a file that cannot be read, InvalidDocument for what is no service or
    no policy.
    """
    if not path.exists():
        return None
    data, lines = load_yaml(path, "service")
    if not isinstance(data, Mapping) or not data.keys() & Service.model_fields.keys():
        what = "a service was expected, for its policy"
        raise InvalidDocument(name_of(path), "service", [Problem("", what)])
    # other fields may be of another version of the tool: they do not judge
    only: dict[str, Any] = {"policy": data["policy"]} if "policy" in data else {"policy": {}}
    return validate(_OfAService, only, name_of(path), "service", lines).policy


def policy_changes(before: ServicePolicy, after: ServicePolicy) -> list[PolicyChange]:
    """The limits that differ."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in _UNITS]
    return [
        PolicyChange(limit=name, before=_words(name, old), after=_words(name, new))
        for name, old, new in pairs
        if old != new
    ]


_UNITS = {"max_increase": "$/h", "warn_increase": "$/h", "budget": "$/month", "stale_plan": ""}


def _words(name: str, value: str | float | None) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:,.2f} {_UNITS[name]}"
