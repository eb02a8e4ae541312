"""Running terraform on a rendered folder: fmt, init and validate, with its own diagnostics."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melange_cloud.errors import OutsideError


@dataclass(frozen=True)
class Diagnostic:
    """One thing that terraform reports about a configuration."""

    severity: str
    """error or warning"""
    summary: str
    detail: str
    where: str
    """``file:line``, or empty"""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        detail = f"\n    {self.detail}" if self.detail else ""
        return f"{self.severity}: {place}{self.summary}{detail}"


def validate(folder: Path, generated: Sequence[str]) -> list[Diagnostic]:
    """Run fmt on the ``generated`` files, then init and validate on the folder.

    They run on a copy without state, so the folder does not change. Uses `terraform`, or
    OpenTofu's `tofu` where only that is installed. Raises OutsideError when neither is installed,
    or when init fails (no network, no provider).
    """
    program = shutil.which("terraform") or shutil.which("tofu")
    if program is None:
        raise OutsideError(
            "neither terraform nor tofu is installed",
            hint="install one (https://developer.hashicorp.com/terraform/install), or leave out "
            "--validate",
        )
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, "infra")
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        sources = [path for path in generated if path.endswith(".tf")]
        return [*_formatted(program, copy, sources), *_valid(program, copy)]


def report(diagnostics: Sequence[Diagnostic]) -> str:
    """The report when there are no errors, with warnings. Raises OutsideError with all errors."""
    lines = [str(found) for found in diagnostics]
    if any(found.severity == "error" for found in diagnostics):
        raise OutsideError("terraform does not accept the files:\n  " + "\n  ".join(lines))
    return "\n".join([*lines, "terraform fmt, init and validate found no errors"])


def _formatted(program: str, folder: Path, sources: Sequence[str]) -> list[Diagnostic]:
    code, out, err = _run(program, folder, "fmt", "-check", "-list=true", *sources)
    if code not in (0, 3):
        return [Diagnostic("error", "terraform fmt cannot read the files", err.strip(), "")]
    return [
        Diagnostic("error", "the file is not formatted as terraform fmt does", "", name)
        for name in out.splitlines()
    ]


def _valid(program: str, folder: Path) -> list[Diagnostic]:
    code, out, err = _run(program, folder, "init", "-backend=false", "-input=false", "-no-color")
    if code != 0:
        raise OutsideError(
            "terraform init failed:\n  " + "\n  ".join((err or out).strip().splitlines()),
            hint="it must be able to download the providers hashicorp/aws and hashicorp/google",
        )
    _, out, err = _run(program, folder, "validate", "-json")
    try:
        found: dict[str, Any] = json.loads(out)
    except ValueError:
        raise OutsideError(f"terraform validate failed: {(err or out).strip()}") from None
    return [_diagnostic(entry) for entry in found["diagnostics"]]


def _diagnostic(entry: dict[str, Any]) -> Diagnostic:
    at = entry.get("range")
    where = f"{at['filename']}:{at['start']['line']}" if at else ""
    return Diagnostic(entry["severity"], entry["summary"], entry.get("detail", ""), where)


def _run(program: str, folder: Path, command: str, *words: str) -> tuple[int, str, str]:
    from python_terraform import Terraform

    # it logs failures, which are reported here
    logging.getLogger("python_terraform").setLevel(logging.CRITICAL)
    terraform = Terraform(working_dir=str(folder), terraform_bin_path=program)
    code, out, err = terraform.cmd(command, *words)
    return code, out or "", err or ""
