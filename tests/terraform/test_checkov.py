"""checkov over the rendered modules: nothing fails; a skip says why, beside the resource."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from rigs import ROOT, write_case
from test_provision import write as write_profiling
from tools import require_program

CHECKOV = ROOT / "build" / "checkov" / "bin"
"""A virtual environment of its own: make test-terraform makes it."""


@pytest.mark.terraform
@pytest.mark.parametrize("case", ["two-clouds", "chat-weighted", "gcp-documents-weighted"])
def test_checkov_finds_nothing(case: str, tmp_path: Path) -> None:
    assert_clean(write_case(case, tmp_path / "infra"))


@pytest.mark.terraform
def test_checkov_finds_nothing_about_profiling(tmp_path: Path) -> None:
    assert_clean(write_profiling("both", tmp_path / "profiling"))


def assert_clean(folder: Path) -> None:
    program = require_program("checkov", CHECKOV)
    words = ["--framework", "terraform", "--skip-download", "--quiet", "--compact"]
    ended = subprocess.run(
        [program, "--directory", str(folder), *words, "--output", "json"],
        capture_output=True,
        text=True,
    )
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
