"""Rendering that is stopped at any of its file operations, and folders that somebody prepared."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import stopped_at
from harness import Terraform
from rigs import rendered, standins

from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.terraform.manifest import MANIFEST, MARKER, digest, is_generated, known_digests
from melange_cloud.terraform.write import write_files

__all__ = ["standins"]
OLD = {"main.tf": "old\n", "modules/aws-x/main.tf": "old\n", "modules/aws-y/main.tf": "old\n"}
NEW = {"main.tf": "new\n", "modules/aws-x/main.tf": "new\n", "gateway/a.map": "new\n"}
THIRD = {"main.tf": "third\n", "modules/gcp-z/main.tf": "third\n"}
MINE = {"terraform.tfstate": "{}", "mine.auto.tfvars": "x = 1\n", "modules/aws-y/notes.txt": "n"}


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".melange-cloud.staging" not in path.parts and path.name != MANIFEST
    }


def prepare(folder: Path, first: bool) -> None:
    folder.mkdir()
    for name, text in MINE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if not first:
        write_files(folder, OLD)


@pytest.mark.parametrize("first", [True, False], ids=["first", "again"])
@pytest.mark.parametrize("how", ["kill", "ENOSPC", "EACCES"])
def test_whatever_stops_it_terraform_sees_old_or_new(tmp_path: Path, how: str, first: bool) -> None:
    old, number, outcome = ({} if first else OLD), 0, ""
    while outcome != "ended":
        folder = tmp_path / f"{number}"
        prepare(folder, first)
        outcome = stopped_at(number, folder, lambda: write_files(folder, NEW), how)  # noqa: B023
        found = contents(folder)
        if MARKER not in found:  # terraform refuses the folder otherwise
            assert found in ({**old, **MINE}, {**NEW, **MINE})
        if how != "kill" and outcome == "stopped" and MARKER not in found:
            assert found == {**old, **MINE}  # the message says that nothing was changed
        assert all(found[name] == text for name, text in MINE.items())
        number += 1
    assert number > 8
    assert found == {**NEW, **MINE}


@pytest.mark.parametrize("then", [NEW, OLD, THIRD], ids=["same", "back", "other"])
def test_the_next_rendering_completes_it(tmp_path: Path, then: dict[str, str]) -> None:
    number, outcome = 0, ""
    while outcome != "ended":
        folder = tmp_path / f"{number}"
        prepare(folder, first=False)
        outcome = stopped_at(number, folder, lambda: write_files(folder, NEW), "kill")  # noqa: B023
        # the next one is stopped too, and the one after it completes
        stopped_at(number // 2, folder, lambda: write_files(folder, then), "kill")  # noqa: B023
        changes = write_files(folder, then)
        assert changes.overwritten == changes.kept == ()
        assert contents(folder) == {**then, **MINE}
        assert known_digests(folder) == {
            name: {digest(text.encode())} for name, text in then.items()
        }
        assert not (folder / ".melange-cloud.staging").exists()
        number += 1


def test_terraform_refuses_a_folder_that_is_being_rendered(standins, tmp_path: Path) -> None:
    files = rendered("large-model").files
    write_files(tmp_path, files)
    changed = files | {"main.tf": files["main.tf"] + "# more\n"}
    number = 0
    while not (tmp_path / MARKER).exists():
        stop = stopped_at(number, tmp_path, lambda: write_files(tmp_path, changed), "kill")
        assert stop == "stopped"
        number += 1
    run = Terraform(tmp_path, standins)
    ended = run.run("init", "-input=false", "-no-color", check=False)
    assert ended.returncode != 0
    assert "run melange-cloud render again" in ended.stdout + ended.stderr
    write_files(tmp_path, changed)
    run.run("init", "-input=false", "-no-color")


def test_two_at_once(tmp_path: Path) -> None:
    write_files(tmp_path, OLD)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(OutsideError, match="another melange-cloud"):
        write_files(tmp_path, NEW)
    assert contents(tmp_path) == OLD
    os.close(descriptor)
    write_files(tmp_path, NEW)
    assert contents(tmp_path) == NEW


def test_a_new_folder_is_not_left_behind_empty(tmp_path: Path) -> None:
    folder = tmp_path / "infra"

    def fail() -> object:
        return write_files(folder, NEW)

    assert stopped_at(3, folder, fail, "ENOSPC") == "stopped"
    assert not folder.exists()


def hostile(folder: Path, victim: str, text: str) -> None:
    """A manifest that calls a file of the user's a generated one, with its true digest."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][victim] = digest(text.encode())
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "victim",
    [
        *("terraform.tfstate", "prod.tfvars", ".terraform.lock.hcl", "backend.tf", "notes.md"),
        *("modules/own/main.tf", ".ssh/id", "gateway/key.pem", "program/x.tf", "MAIN.TF"),
    ],
)
def test_a_manifest_cannot_remove_files_of_the_user(tmp_path: Path, victim: str) -> None:
    write_files(tmp_path, OLD)
    (tmp_path / victim).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / victim).write_text("mine")
    hostile(tmp_path, victim, "mine")
    write_files(tmp_path, NEW)
    assert (tmp_path / victim).read_text() == "mine"


def test_nothing_is_removed_or_written_through_a_link(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "infra"
    (outside / "aws-evil").mkdir(parents=True)
    (outside / "aws-evil" / "main.tf").write_text("mine")
    write_files(folder, {"main.tf": "old\n"})
    (folder / "modules").symlink_to(outside)
    hostile(folder, "modules/aws-evil/main.tf", "mine")
    write_files(folder, {"main.tf": "new\n"})
    assert (outside / "aws-evil" / "main.tf").read_text() == "mine"
    with pytest.raises(InvalidInput, match="a link leads out of"):
        write_files(folder, NEW)
    assert [path.name for path in outside.rglob("*")] == ["aws-evil", "main.tf"]


def test_a_link_in_the_place_of_the_staging_folder_is_no_way_out(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "infra"
    outside.mkdir()
    folder.mkdir()
    (folder / ".melange-cloud.staging").symlink_to(outside)
    write_files(folder, NEW)
    assert contents(folder) == NEW
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", [MANIFEST, MARKER])
@pytest.mark.parametrize("kind", ["link", "folder", "fifo", "large"])
def test_a_manifest_or_marker_of_another_kind_is_refused(
    tmp_path: Path, name: str, kind: str
) -> None:
    make: dict[str, Callable[[Path], object]] = {
        "link": lambda path: path.symlink_to("/dev/zero"),
        "folder": Path.mkdir,
        "fifo": os.mkfifo,
        "large": lambda path: path.write_text(" " * (5 * 1024 * 1024)),
    }
    make[kind](tmp_path / name)
    with pytest.raises(InvalidInput, match="not a manifest"):
        write_files(tmp_path, NEW)


def test_an_edited_file_that_is_no_longer_needed_stays_and_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, OLD)
    (tmp_path / "modules/aws-y/main.tf").write_text("edited\n")
    changes = write_files(tmp_path, NEW)
    assert changes.kept == ("modules/aws-y/main.tf",)
    assert (tmp_path / "modules/aws-y/main.tf").read_text() == "edited\n"


@pytest.mark.parametrize("case", ["two-clouds", "gcp-documents-weighted"])
def test_all_that_is_rendered_is_of_a_kind_that_may_be_removed(case: str) -> None:
    for path in rendered(case).files:
        assert is_generated(path), path
