"""What a maintainer relies on: make's targets, the lock, the release, the pages on them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from tools import require_program

import melange_cloud

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def script(name: str) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_help_names_every_target() -> None:
    ended = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0
    named = set(re.findall(r"^make ([a-z-]+) ", ended.stdout, re.M))
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE, re.M)
    assert phony
    assert named == set(phony[1].replace("\\\n", " ").split())


def test_what_make_runs_in_ci_exists() -> None:
    loop = re.search(r"^for target in (.*); do", (ROOT / ".ci" / "run").read_text(), re.M)
    assert loop
    for target in [*loop[1].split(), "smoke-newest"]:
        assert re.search(rf"^[a-z -]*\b{target}\b[a-z -]*:", MAKEFILE, re.M), target


def test_no_dependency_is_written_twice() -> None:
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    groups += PROJECT["project"]["optional-dependencies"].values()
    names = [re.split(r"[^A-Za-z0-9._-]", line)[0] for group in groups for line in group
             if isinstance(line, str)]  # fmt: skip
    # the build backend is named a third time in [build-system], which cannot refer to a group
    assert sorted(set(names)) == sorted(names)


def test_the_lock_is_that_of_pyproject() -> None:
    """Every direct dependency is locked, at a version that its range admits."""
    newer = script("newer_dependencies")
    locked = newer.pins((ROOT / "requirements" / "run.txt").read_text())
    for requirement in newer.direct():
        assert locked[newer.canonicalize_name(requirement.name)] in requirement.specifier
    developing = newer.pins((ROOT / "requirements" / "dev.txt").read_text())
    # in environments of both files, as `make` makes them, nothing is installed twice
    assert {name: developing[name] for name in locked} == locked


def test_the_lock_is_not_stale() -> None:
    uv = require_program("uv", Path(sys.executable).parent)
    words = [uv, "lock", "--check", "--offline", "--quiet"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, f"run `make lock`: {ended.stderr}"


def test_the_versions_that_users_copy_are_this_one() -> None:
    """Pages and templates name the tag that belongs to this version."""
    for path in (ROOT / "docs/ci.md", *(ROOT / "integrations/gitlab").glob("*.yml")):
        naming = r"(?:/v|@v|branch v|rev: v|melange-cloud==)(\d+\.\d+\.\d+)"
        tags = re.findall(naming, path.read_text())
        assert tags
        assert set(tags) == {melange_cloud.__version__}


def test_no_release_while_its_account_is_a_placeholder(tmp_path: Path, monkeypatch) -> None:
    release = script("release")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    for name in ("pyproject.toml", "action.yml", "docs/ci.md"):
        (tmp_path / name).write_text("x")
    release.require_an_account()
    (tmp_path / "docs" / "ci.md").write_text("uses: OWNER/melange-cloud")
    with pytest.raises(release.NotReady, match=r"docs/ci\.md"):
        release.require_an_account()


def test_every_requirement_has_its_hash() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        for block in re.split(r"\n(?=[a-z])", path.read_text())[1:]:
            assert "--hash=sha256:" in block, f"{path.name}: {block.splitlines()[0]}"


def test_the_changelog_gives_the_tag_message() -> None:
    release = script("release")
    text = "# Changelog\n\n## 1.1.0 (2027-01-02)\n\n- b\n\n## 1.0.0 (2026-12-01)\n\n- a\n- c\n"
    assert release.changelog_section(text, "1.1.0") == "- b"
    assert release.changelog_section(text, "1.0.0") == "- a\n- c"
    for version in ("1.2.0", "1.0", "0.0"):
        with pytest.raises(release.NotReady, match=re.escape(version)):
            release.changelog_section(text, version)
    with pytest.raises(release.NotReady):
        release.changelog_section("## 1.0.0 (2026-12-01)\n\n## 0.9.0 (2026-11-01)\n- x\n", "1.0.0")


def test_contributors_read_of_files_that_exist() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page):
        if not name.startswith((".venv/", "dist/")):
            assert (ROOT / name).exists() or (ROOT / "melange_cloud" / name).exists(), name
    for target in re.findall(r"`make ([a-z-]+)", page):
        assert f"# make {target} " in MAKEFILE, target


def test_forms_and_hooks_are_yaml() -> None:
    for path in [*(ROOT / ".github").rglob("*.yml"), *ROOT.glob(".pre-commit-*.yaml")]:
        assert yaml.safe_load(path.read_text()), path
