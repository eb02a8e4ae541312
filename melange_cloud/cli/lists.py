"""Options that take several values: repeated, or with commas between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.paths import is_directory

REPEATABLE = "Repeatable, or with commas."
"""What the help of each of these options ends with."""


def several(
    *names: str, help: str, metavar: str, show_default: bool | str = False
) -> Any:  # typer's own option is typed so
    """A typer option that may be repeated or hold commas; its parameter is a ``list[str]``."""
    return typer.Option(
        *names,
        metavar=metavar,
        help=f"{help} {REPEATABLE}",
        callback=_split,
        show_default=show_default,
    )


def items(
    option: str, values: Sequence[str], whole: Callable[[str], bool] = lambda _: False
) -> list[str]:
    """Every item of every value; one for which ``whole`` holds is not split at its commas.

    Raises InvalidInput for an empty item.
    """
    found = []
    for value in values:
        for part in [value] if whole(value) else value.split(","):
            if not part.strip():
                said = f'an item of "{shorten(value)}" is empty' if value.strip() else "it is empty"
                raise InvalidInput(
                    f"{option}: {said}",
                    hint="put one comma between two values, or repeat the option for each",
                )
            found.append(part.strip())
    return found


def folders(option: str, values: Sequence[Path]) -> list[Path]:
    """As ``items``, for folders: one whose very name has commas is meant itself."""
    return [Path(word) for word in items(option, list(map(str, values)), _is_folder)]


def numbers(option: str, values: Sequence[str] | None) -> list[float]:
    """The items as numbers above 0; InvalidInput names what is not one."""
    return [_number(option, word) for word in values or ()]


def _is_folder(text: str) -> bool:
    return is_directory(Path(text))


def _number(option: str, word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InvalidInput(f'{option}: "{shorten(word)}" is not a number above 0')
    return number


def split_folders(param: typer.CallbackParam, values: list[Path] | None) -> list[Path] | None:
    """Callback of an option that takes folders."""
    return folders(param.opts[0], values) if values else values


def _split(param: typer.CallbackParam, values: list[str] | None) -> list[str] | None:
    return items(param.opts[0], values) if values else values
