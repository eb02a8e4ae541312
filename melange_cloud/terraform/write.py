"""Writing rendered files into a folder: generated files are replaced, the user's are kept.

A manifest in the folder lists the generated files with their digests. Either all files are
written or none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from melange_cloud.documents import dump_json
from melange_cloud.errors import InvalidInput, OutsideError

MANIFEST = ".melange-cloud.json"
_SCHEMA = "melange-cloud/rendered/v1"


@dataclass(frozen=True)
class Changes:
    """What writing did, by path in the folder."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    overwritten: tuple[str, ...]
    """Generated files that somebody had edited; also in ``changed`` or ``removed``."""


def write_files(folder: Path, files: Mapping[str, str]) -> Changes:
    """Make ``folder`` hold ``files`` (path -> text), with the user's own files unchanged.

    Raises InvalidInput when a file of the user's is where a generated one must go, and
    OutsideError when something cannot be written; in both cases nothing has changed.
    """
    before = _manifest(folder)
    _refuse_foreign(folder, files, before)
    changes = _compare(folder, files, before)
    digests = {path: _digest(files[path].encode()) for path in sorted(files)}
    manifest = dump_json({"schema": _SCHEMA, "files": digests})
    touched = {path: files[path] for path in (*changes.added, *changes.changed)}
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace_all(folder, touched | {MANIFEST: manifest}, changes.removed)
    except OSError as error:
        if made:
            shutil.rmtree(folder, ignore_errors=True)
        raise OutsideError(
            f"{folder} cannot be written: {error.strerror or error}; nothing was changed",
            hint="give another folder with --out",
        ) from None
    return changes


def _manifest(folder: Path) -> dict[str, str]:
    """Path -> digest of the files generated before."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        files = data["files"]
        if data["schema"] != _SCHEMA or not all(
            isinstance(value, str) and _inside(name) for name, value in files.items()
        ):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput(
            f"{path} is not a manifest that melange-cloud wrote",
            hint="render into an empty folder, and move your own files there",
        ) from None
    return dict(files)


def _inside(name: str) -> bool:
    parts = name.split("/")
    return not name.startswith("/") and ".." not in parts and "" not in parts


def _refuse_foreign(folder: Path, files: Mapping[str, str], before: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder")
    foreign = [
        path
        for path, text in files.items()
        if path not in before
        and (folder / path).exists()
        and (not (folder / path).is_file() or (folder / path).read_bytes() != text.encode())
    ]
    if foreign:
        raise InvalidInput(
            f"{folder} has other files where generated ones must go: " + ", ".join(sorted(foreign)),
            hint="move them away, or render into another folder",
        )


def _compare(folder: Path, files: Mapping[str, str], before: Mapping[str, str]) -> Changes:
    added, changed, overwritten = [], [], []
    for path, text in files.items():
        found = _bytes(folder / path)
        if found is None:
            added.append(path)
        elif found != text.encode():
            changed.append(path)
            if _digest(found) != before.get(path):
                overwritten.append(path)
    removed = []
    for path in before:
        found = _bytes(folder / path)
        if path not in files and found is not None:
            removed.append(path)
            if _digest(found) != before[path]:
                overwritten.append(path)
    return Changes(
        tuple(sorted(added)),
        tuple(sorted(changed)),
        tuple(sorted(removed)),
        tuple(sorted(overwritten)),
    )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _replace_all(folder: Path, texts: Mapping[str, str], removed: tuple[str, ...]) -> None:
    """Stage all files, then move old ones aside and new ones in; on a failure move all back."""
    with tempfile.TemporaryDirectory(prefix=".melange-cloud.", dir=folder) as name:
        new, old = Path(name, "new"), Path(name, "old")
        for path, text in texts.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, encoding="utf-8", newline="")
        moved_out: list[str] = []
        moved_in: list[str] = []
        try:
            for path in (*texts, *removed):
                if (folder / path).is_file():
                    (old / path).parent.mkdir(parents=True, exist_ok=True)
                    _move(folder / path, old / path)
                    moved_out.append(path)
            for path in texts:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                _move(new / path, folder / path)
                moved_in.append(path)
        except OSError:
            for path in moved_in:
                (folder / path).unlink()
            for path in moved_out:
                _move(old / path, folder / path)
            raise
    _prune(folder, removed)


def _move(source: Path, target: Path) -> None:
    os.rename(source, target)  # noqa: PTH104 - one file system, and nothing may be copied


def _prune(folder: Path, removed: tuple[str, ...]) -> None:
    """Remove the folders that are empty now that their generated files are gone."""
    for path in removed:
        for parent in (folder / path).parents:
            if parent == folder:
                break
            with contextlib.suppress(OSError):
                parent.rmdir()
