"""Rendering over a folder: ours is replaced, the user's is kept, all or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.terraform.manifest import MANIFEST
from melange_cloud.terraform.write import write_files

FIRST = {"main.tf": "a\n", "modules/aws-x/main.tf": "b\n", "modules/aws-y/main.tf": "c\n"}


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def test_a_new_folder_gets_all_files(tmp_path: Path) -> None:
    changes = write_files(tmp_path / "deep" / "infra", FIRST)
    assert changes.added == tuple(sorted(FIRST))
    assert contents(tmp_path / "deep" / "infra") == FIRST


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, FIRST)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tf")}
    changes = write_files(tmp_path, FIRST)
    assert (changes.added, changes.changed, changes.removed) == ((), (), ())
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tf")}


def test_only_generated_files_change_and_what_changed_is_said(tmp_path: Path) -> None:
    write_files(tmp_path, FIRST)
    mine = {
        "terraform.tfvars": "x = 1\n",
        "extra.tf": "# mine\n",
        "modules/aws-y/notes.txt": "mine\n",
        "terraform.tfstate": "{}",
    }
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    second = {"main.tf": "A\n", "modules/aws-x/main.tf": "b\n", "new.tf": "n\n"}
    changes = write_files(tmp_path, second)
    assert changes.added == ("new.tf",)
    assert changes.changed == ("main.tf",)
    assert changes.removed == ("modules/aws-y/main.tf",)
    assert changes.overwritten == ()
    assert contents(tmp_path) == {**second, **mine}


def test_empty_folders_of_removed_files_go(tmp_path: Path) -> None:
    write_files(tmp_path, FIRST)
    write_files(tmp_path, {"main.tf": "a\n"})
    assert not (tmp_path / "modules").exists()


def test_an_edited_generated_file_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, FIRST)
    (tmp_path / "main.tf").write_text("edited\n")
    assert write_files(tmp_path, FIRST).overwritten == ("main.tf",)
    assert (tmp_path / "main.tf").read_text() == "a\n"


def test_a_file_of_the_users_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("mine\n")
    with pytest.raises(InvalidInput, match=r"main\.tf"):
        write_files(tmp_path, FIRST)
    assert contents(tmp_path) == {"main.tf": "mine\n"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "x", "files": {"../x": "y"}}', "\xff"]
)
def test_a_foreign_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(InvalidInput):
        write_files(tmp_path, FIRST)


def test_a_path_out_of_the_folder_in_the_manifest_removes_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    folder = tmp_path / "infra"
    write_files(folder, FIRST)
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"main.tf"', '"../outside.txt"'))
    with pytest.raises(InvalidInput):
        write_files(folder, {"main.tf": "A\n"})
    assert outside.read_text() == "mine"


def test_all_or_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, FIRST)
    # a folder of the user's where a new file's folder must be: renaming into it fails midway
    (tmp_path / "z").write_text("a file, no folder\n")
    second = {"main.tf": "A\n", "modules/aws-x/main.tf": "B\n", "z/main.tf": "C\n"}
    with pytest.raises((OutsideError, InvalidInput)):
        write_files(tmp_path, second)
    assert contents(tmp_path) == {**FIRST, "z": "a file, no folder\n"}
    assert not [
        path
        for path in tmp_path.iterdir()
        if path.name.startswith(".melange-cloud.") and path.is_dir()
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutsideError):
        write_files(tmp_path / "infra", FIRST)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "infra").write_text("x")
    with pytest.raises(InvalidInput):
        write_files(tmp_path / "infra", FIRST)
