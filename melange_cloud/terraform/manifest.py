"""What a rendered folder says of itself: which files in it are generated, with their digests.

The manifest lists the files of the last rendering that was completed. The marker stands in the
folder while files are being replaced: terraform refuses it, and it lists every digest that a
generated file may have meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from melange_cloud.documents import dump_json
from melange_cloud.errors import InvalidInput

MANIFEST = ".melange-cloud.json"
MARKER = "melange-cloud-render-interrupted.tf"
_SCHEMA = "melange-cloud/rendered/v1"
_LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest or marker: ours have some kilobytes."""

_MARKER_BLOCK = 'render_was_interrupted "run melange-cloud render again" {}\n# '
"""A block that terraform does not know: its message shows this line. The digests follow as a
comment."""

_GENERATED = re.compile(
    r"""(README\.md|plan\.json|(main|outputs|variables|versions)\.tf
    |gateway/[\w.-]+\.(cfg|map)
    |modules/(aws|gcp)-[a-z]+/([\w-]+/)*[\w.-]+\.(tf|md|sh|py|tftpl|hcl|json|cfg|map)
    |program/[\w.+-]+\.base64)""",
    re.VERBOSE | re.ASCII,
)


def digest(data: bytes) -> str:
    """``sha256:…`` of a file's content."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_generated(path: str) -> bool:
    """Whether rendering writes files of this kind, whatever a manifest says."""
    return _GENERATED.fullmatch(path) is not None


def manifest_text(digests: Mapping[str, str]) -> str:
    """The manifest of a completed rendering: path -> digest."""
    return dump_json(
        {"schema": _SCHEMA, "files": {path: digests[path] for path in sorted(digests)}}
    )


def marker_text(digests: Mapping[str, set[str]]) -> str:
    """The marker of a rendering that is under way: path -> digests that the file may have."""
    files = {path: sorted(digests[path]) for path in sorted(digests)}
    return _MARKER_BLOCK + json.dumps({"schema": _SCHEMA, "files": files}) + "\n"


def known_digests(folder: Path) -> dict[str, set[str]]:
    """Path -> digests of what rendering wrote into ``folder``, or was writing when it was stopped.

    Raises InvalidInput for a manifest or marker that melange-cloud did not write.
    """
    found: dict[str, set[str]] = {}
    for path in (folder / MANIFEST, folder / MARKER):
        text = _read(path)
        if text is not None:
            for name, digests in _parse(path, text.removeprefix(_MARKER_BLOCK)).items():
                found.setdefault(name, set()).update(digests)
    return found


def _read(path: Path) -> str | None:
    """The text of one of our own files; None where there is none."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            if not path.is_symlink() and not path.exists():
                return None
            raise _not_ours(path)
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise _not_ours(path) from None


def _parse(path: Path, text: str) -> dict[str, list[str]]:
    try:
        data = json.loads(text)
        found = {
            name: [value] if isinstance(value, str) else list(value)
            for name, value in data["files"].items()
        }
        digests = [value for values in found.values() for value in values]
        if data["schema"] != _SCHEMA or not all(isinstance(value, str) for value in digests):
            raise ValueError
        if not all(map(_inside, found)):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _not_ours(path) from None
    return found


def _not_ours(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path} is not a manifest that melange-cloud wrote",
        hint="render into an empty folder, and move your own files there",
    )


def _inside(name: str) -> bool:
    return not {"", ".", ".."} & set(name.split("/")) and not {"\0", "\\"} & set(name)
