"""checkov over the rendered modules: nothing fails; a skip says why, beside the resource."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from rigs import ROOT, write_case
from tools import require_program

CHECKOV = ROOT / "build" / "checkov" / "bin"
"""A virtual environment of its own: make test-terraform makes it."""


@pytest.mark.terraform
@pytest.mark.parametrize("case", ["two-clouds", "chat-weighted", "gcp-documents-weighted"])
def test_checkov_finds_nothing(case: str, tmp_path: Path) -> None:
    program = require_program("checkov", CHECKOV)
    folder = write_case(case, tmp_path / "infra")
    ended = subprocess.run(
        [
            program, "--directory", str(folder), "--framework", "terraform", "--skip-download",
            "--quiet", "--compact", "--output", "json",
        ],
        capture_output=True,
        text=True,
    )  # fmt: skip
    found = json.loads(ended.stdout)
    assert found["summary"]["passed"] > 20
    assert found["summary"]["parsing_errors"] == 0
    failed = [
        f"{check['check_id']} {check['file_path']} {check['resource']}: {check['check_name']}"
        for check in found["results"]["failed_checks"]
    ]
    assert failed == []
    assert all(
        len(check["check_result"]["suppress_comment"]) > 20
        for check in found["results"].get("skipped_checks", [])
    )
