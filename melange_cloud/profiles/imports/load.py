"""Reading foreign files, whatever their format: recognised by what they hold, not by their name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from melange_cloud.documents import parse_json
from melange_cloud.errors import InvalidDocument, InvalidInput
from melange_cloud.paths import is_directory
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.imports import aibrix, guidellm, melange, own, vllm_bench
from melange_cloud.profiles.imports.merge import merge
from melange_cloud.profiles.imports.point import Given, Imported
from melange_cloud.profiles.imports.vllm_sweep import result_files, server_args
from melange_cloud.reading import read_text

MAX_BYTES = 256 * 1024 * 1024
"""Largest file read: detailed results hold the time of every token."""

KIND = "benchmark result"


@dataclass(frozen=True)
class Format:
    """A foreign format: how it is recognised and how it is read."""

    name: str
    recognises: Callable[[Any], bool]
    read: Callable[[Mapping[str, Any], str, Given], Imported]


FORMATS = tuple(
    Format(module.KIND, module.recognises, module.read)
    for module in (vllm_bench, guidellm, aibrix, melange, own)
)
"""A new format is a module and its name here."""


@dataclass(frozen=True)
class Result:
    """The merged profile, and what the user should be told."""

    profile: Profile
    warnings: list[str]


def import_profiles(paths: Sequence[Path], given: Given) -> Result:
    """One profile of all files and folders.

    Raises InvalidInput for what is no known format, disagrees, or is missing (model or GPU);
    InvalidDocument for a damaged file.
    """
    read = [imported for path in paths for imported in _read(path, given)]
    profile, remarks = merge(read, given)
    return Result(profile, [line for one in read for line in one.warnings] + remarks)


def _read(path: Path, given: Given) -> Iterator[Imported]:
    if not is_directory(path):
        yield from _read_file(path, given, typed=True)
        return
    for file in result_files(path):
        for imported in _read_file(file, given):
            yield replace(imported, engine_args=imported.engine_args or server_args(file))


def _read_file(path: Path, given: Given, *, typed: bool = False) -> Iterator[Imported]:
    text = read_text(path, KIND, MAX_BYTES, typed=typed)
    found = _documents(text, str(path))
    for number, data in enumerate(found, 1):
        name = str(path) if len(found) == 1 else f"{path}, result {number}"
        for format_ in FORMATS:
            if format_.recognises(data):
                yield format_.read(data, name, given)
                break
        else:
            raise InvalidInput(
                f"{name} is not a result that can be imported",
                hint="these formats can be: " + ", ".join(format_.name for format_ in FORMATS),
            )


def _documents(text: str, name: str) -> list[Any]:
    """The results of one file: one, a sweep's list of them, or one a line (--append-result)."""
    try:
        data = parse_json(text, name, KIND)
    except InvalidDocument:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(_is_an_object(line) for line in lines):
            raise
        return [parse_json(line, f"{name}, line {n}", KIND) for n, line in enumerate(lines, 1)]
    if isinstance(data, list) and data:
        return data
    return [data]


def _is_an_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
