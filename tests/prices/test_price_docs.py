"""What docs/prices.md promises of permissions is what the code asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "prices.md").read_text(encoding="utf-8")


def asked_for(module: str, pattern: str) -> set[str]:
    code = (ROOT / "melange_cloud" / "prices" / module).read_text(encoding="utf-8")
    return set(re.findall(rf'explained\("({pattern})"', code))


def test_the_aws_policy_allows_what_is_called_and_no_more() -> None:
    policy = json.loads(re.search(r"```json\n(.*?)```", DOCS, re.DOTALL)[1])  # type: ignore[index]
    (statement,) = policy["Statement"]
    assert set(statement["Action"]) == asked_for("aws_fetch.py", r"\w+:\w+")


def test_the_gcp_role_allows_what_is_called_and_no_more() -> None:
    permissions = re.search(r"--permissions (\S+)", DOCS)[1].split(",")  # type: ignore[index]
    assert set(permissions) == asked_for("gcp_fetch.py", r"compute\.\w+\.\w+")
