"""Writing rendered files into a folder: generated files are replaced, the user's are kept.

Everything is written beside the folder's files first; then they are replaced one by one, the
manifest last. Meanwhile a marker stands in the folder that terraform refuses: whatever stops the
program, terraform accepts only the old files or the new ones, and the next rendering completes it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.names import shorten
from melange_cloud.terraform.manifest import (
    MANIFEST,
    MARKER,
    digest,
    is_generated,
    known_digests,
    manifest_text,
    marker_text,
)

_STAGING = ".melange-cloud.staging"


@dataclass(frozen=True)
class Changes:
    """What writing did, by path in the folder."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    overwritten: tuple[str, ...]
    """Generated files that somebody had edited; also in ``changed``."""
    kept: tuple[str, ...]
    """Files of an earlier rendering that are no longer needed but were edited: left in place."""


def write_files(folder: Path, files: Mapping[str, str]) -> Changes:
    """Make ``folder`` hold ``files`` (path -> text), with the user's own files unchanged.

    Raises InvalidInput when a file of the user's is where a generated one must go or a link leads
    out of the folder, and OutsideError when something cannot be written or another process is
    writing there; in each case nothing has changed.
    """
    made = False
    try:
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{folder} is not a folder")
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return _write(folder, files)
    except OSError as error:
        raise OutsideError(
            f"{shorten(folder, 200)} cannot be written: {error.strerror or error}; nothing was "
            "changed",
            hint="give another folder with --out",
        ) from None
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()  # empty where nothing was written


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time. Raises OutsideError where another one is writing."""
    try:
        import fcntl
    except ImportError:  # Windows cannot lock a folder
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OutsideError(
            f"another melange-cloud is writing to {folder}; nothing was changed",
            hint="wait until it has ended, then run this again",
        ) from None
    finally:
        os.close(descriptor)


def _write(folder: Path, files: Mapping[str, str]) -> Changes:
    _remove_staging(folder)  # of a program that was killed
    known = known_digests(folder)
    _refuse_links(folder, files)
    _refuse_foreign(folder, files, known)
    changes = _compare(folder, files, known)
    digests = {path: digest(text.encode()) for path, text in files.items()}
    manifest = manifest_text(digests)
    whole = _bytes(folder / MANIFEST) == manifest.encode() and not (folder / MARKER).exists()
    if not whole or changes.added or changes.changed or changes.removed:
        new = {path: files[path] for path in (*changes.added, *changes.changed)}
        for path in digests:
            known.setdefault(path, set()).add(digests[path])
        _replace_all(folder, new | {MANIFEST: manifest}, changes.removed, marker_text(known))
        _prune(folder, changes.removed)
    return changes


def _refuse_links(folder: Path, files: Mapping[str, str]) -> None:
    real = folder.resolve()
    for path in files:
        if not _lies_in(folder / path, real):
            raise InvalidInput(
                f"a link leads out of {folder}, so {folder / path} would be written elsewhere",
                hint="remove the link, or render into another folder",
            )


def _lies_in(path: Path, real: Path) -> bool:
    return path.parent.resolve().is_relative_to(real)


def _refuse_foreign(folder: Path, files: Mapping[str, str], known: Mapping[str, set[str]]) -> None:
    foreign = [
        path
        for path, text in files.items()
        if os.path.lexists(folder / path)
        and (path not in known or not (folder / path).is_file())
        and _bytes(folder / path) != text.encode()
    ]
    if foreign:
        raise InvalidInput(
            f"{folder} has other files where generated ones must go: " + ", ".join(sorted(foreign)),
            hint="move them away, or render into another folder",
        )


def _compare(folder: Path, files: Mapping[str, str], known: Mapping[str, set[str]]) -> Changes:
    added: list[str] = []
    changed: list[str] = []
    overwritten: list[str] = []
    removed: list[str] = []
    kept: list[str] = []
    for path, text in files.items():
        found = _bytes(folder / path)
        if found is None:
            added.append(path)
        elif found != text.encode():
            changed.append(path)
            if digest(found) not in known[path]:
                overwritten.append(path)
    real = folder.resolve()
    for path in known.keys() - files.keys():
        place = folder / path
        # a manifest may have been written by anybody: only what rendering writes is removed
        if not is_generated(path) or place.is_symlink() or not _lies_in(place, real):
            continue
        found = _bytes(place)
        if found is not None:
            (removed if digest(found) in known[path] else kept).append(path)
    return Changes(*(tuple(sorted(each)) for each in (added, changed, removed, overwritten, kept)))


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _replace_all(
    folder: Path, texts: Mapping[str, str], removed: tuple[str, ...], marker: str
) -> None:
    """Stage everything, then replace file by file in the order of ``texts`` while the marker
    stands; on an error put all back."""
    staging = folder / _STAGING
    new, old = staging / "new", staging / "old"
    existing = [path for path in (*texts, *removed) if (folder / path).is_file()]
    try:
        for path, text in {**texts, MARKER: marker}.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, encoding="utf-8", newline="")
        for path in existing:
            (old / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / path, old / path)
        (new / MARKER).replace(folder / MARKER)
        placed: list[str] = []
        try:
            for path in removed:
                (folder / path).unlink()
            for path in texts:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                placed.append(path)
                (new / path).replace(folder / path)
        except BaseException:
            for path in placed:
                if path not in existing:
                    (folder / path).unlink(missing_ok=True)
            for path in existing:
                (old / path).replace(folder / path)
            (folder / MARKER).unlink()
            _prune(folder, texts)
            raise
        (folder / MARKER).unlink()
    finally:
        _remove_staging(folder)


def _remove_staging(folder: Path) -> None:
    staging = folder / _STAGING
    if staging.is_symlink():
        staging.unlink()
    shutil.rmtree(staging, ignore_errors=True)


def _prune(folder: Path, removed: Iterable[str]) -> None:
    """Remove the folders that are empty now that their generated files are gone."""
    for path in removed:
        for parent in (folder / path).parents:
            if parent == folder:
                break
            with contextlib.suppress(OSError):
                parent.rmdir()
