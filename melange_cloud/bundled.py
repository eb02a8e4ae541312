"""Where the data that ships with the tool is: in the wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path


def bundled_folder(name: str) -> Path:
    """The folder ``profiles``, ``templates``, … of this installation."""
    package = Path(__file__).parent
    installed = package / "bundled" / name
    return installed if installed.is_dir() else package.parent / name
