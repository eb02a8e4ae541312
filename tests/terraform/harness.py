"""Running terraform in tests: against stand-ins of the providers, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VERSIONS = {"aws": "6.69.1", "google": "8.7.0"}
"""Of the schemas that the stand-ins serve."""


@dataclass
class Terraform:
    """terraform in one folder, with one CLI configuration."""

    folder: Path
    environment: Mapping[str, str]
    program: str = "terraform"

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command; on failure the test shows what it printed."""
        ended = subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=900,
        )
        if check:
            assert ended.returncode == 0, f"{words}: {ended.stdout}\n{ended.stderr}"
        return ended

    def init(self) -> None:
        self.run("init", "-input=false", "-no-color")

    def apply(self, *words: str) -> None:
        self.run("apply", "-auto-approve", "-input=false", "-no-color", *words)

    def destroy(self) -> None:
        self.run("destroy", "-auto-approve", "-input=false", "-no-color")

    def plan(self, *words: str) -> dict[str, Any]:
        """A plan as JSON."""
        self.run("plan", "-input=false", "-no-color", "-out=test.tfplan", *words)
        found = json.loads(self.run("show", "-json", "test.tfplan").stdout)
        (self.folder / "test.tfplan").unlink()
        return found

    def state(self) -> list[dict[str, Any]]:
        """All resources of the state, of all modules."""
        shown = json.loads(self.run("show", "-json").stdout)
        return resources(shown.get("values", {}).get("root_module", {}))

    def outputs(self) -> dict[str, Any]:
        found = json.loads(self.run("output", "-json").stdout)
        return {name: output["value"] for name, output in found.items()}


def resources(module: dict[str, Any]) -> list[dict[str, Any]]:
    """The managed resources of a module and of those it calls."""
    found = [item for item in module.get("resources", []) if item["mode"] == "managed"]
    for child in module.get("child_modules", []):
        found += resources(child)
    return found


def changes(plan: dict[str, Any]) -> dict[str, list[str]]:
    """Address -> actions of all that a plan changes."""
    return {
        change["address"]: change["change"]["actions"]
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    }


def standin_environment(folder: Path) -> dict[str, str]:
    """A filesystem mirror with the stand-ins in ``folder``, and the environment that uses it."""
    for name, version in VERSIONS.items():
        place = folder / "mirror/registry.terraform.io/hashicorp" / name / version / platform()
        place.mkdir(parents=True)
        program = place / f"terraform-provider-{name}_v{version}"
        schema = HERE / "schemas" / f"{name}.json"
        program.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{HERE}/standin/provider.py" "{schema}"\n'
        )
        program.chmod(0o755)
    return cli_environment(folder)


def cli_environment(folder: Path) -> dict[str, str]:
    """The environment that makes terraform take its providers from ``folder``/mirror only."""
    configuration = folder / "terraform.rc"
    configuration.write_text(
        "disable_checkpoint = true\n"
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path = "{folder}/mirror"\n  }}\n'
        "}\n"
    )
    return {
        "TF_CLI_CONFIG_FILE": str(configuration),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }


def platform() -> str:
    """As terraform names it."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    return f"{os.uname().sysname.lower()}_{machine}"
