"""What the GitHub action and the GitLab job install: the locked dependencies, and the package."""

from __future__ import annotations

import os
import re
import subprocess
import venv
from pathlib import Path

import pytest
import yaml
from installation import ROOT

GITLAB = ROOT / "integrations" / "gitlab" / "melange-cloud.gitlab-ci.yml"


@pytest.fixture(autouse=True)
def locked_only(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--dependencies") != "locked":
        pytest.skip("these install the locked dependencies")


def shell(script: str, **environment: str) -> str:
    ended = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def assert_locked(python: Path) -> None:
    """The environment holds the package, and of every dependency the version that is locked."""
    frozen = shell(f'"{python}" -m pip list --format freeze').splitlines()
    locked = (ROOT / "requirements" / "run.txt").read_text()
    names = {line.split("==")[0].lower().replace("_", "-"): line for line in frozen}
    assert "melange-cloud" in names
    for name in {"highspy", "pulp", "pydantic", "typer", "duckdb"}:
        assert re.search(rf"^{re.escape(names[name].lower())} ", locked, re.M)


def test_the_action(tmp_path: Path) -> None:
    script = ROOT / "integrations" / "github" / "install.sh"
    shell(f'bash "{script}"', RUNNER_TEMP=str(tmp_path), MELANGE_VERSION="")
    assert_locked(tmp_path / "melange-cloud" / "bin" / "python")
    shown = shell(f'"{tmp_path}/melange-cloud/bin/melange-cloud" --version')
    assert shown.startswith("melange-cloud ")


def test_the_gitlab_job(built: Path, tmp_path: Path) -> None:
    job = yaml.safe_load(GITLAB.read_text())["melange-cloud-check"]
    venv.create(tmp_path / "venv", with_pip=True)
    (wheel,) = built.glob("*.whl")
    shell(
        "\n".join(job["before_script"]),
        PATH=f"{tmp_path}/venv/bin:{os.environ['PATH']}",
        MELANGE_CLOUD_PACKAGE=str(wheel),
        MELANGE_CLOUD_REQUIREMENTS=str(ROOT / "requirements" / "run.txt"),
    )
    assert_locked(tmp_path / "venv" / "bin" / "python")
