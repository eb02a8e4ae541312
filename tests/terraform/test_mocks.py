"""`terraform test` with mock providers: what the modules make of their variables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import HERE
from rigs import ROOT, standins, terraform

__all__ = ["standins"]
FILES = sorted((HERE / "tftest").glob("*.tftest.hcl"))


@pytest.mark.terraform
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_a_module_in_terraforms_own_tests(path: Path, standins, tmp_path: Path) -> None:
    module = path.name.split(".")[0].replace("_", "-")
    folder = tmp_path / module
    shutil.copytree(ROOT / "templates" / "modules" / module, folder)
    shutil.copy(path, folder)
    run = terraform(folder, standins)
    ended = run.run("test", "-no-color", check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("... pass") >= path.read_text().count('\nrun "')
