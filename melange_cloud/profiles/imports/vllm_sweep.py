"""Folders of `vllm bench sweep`: one result of `vllm bench serve` a run, in folders by parameter.

`EXPERIMENT/SERVE-…-BENCH-…/run=N.json`, each a result to which the parameters were added, and
summary.json beside them with the same again. Warm-ups, failures and other files are no results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from melange_cloud.errors import InvalidInput

_SERVER = re.compile(r"SERVE-(.*?)-?(?:BENCH-.*)?")

_NO_RESULTS = ("warmup.json", "*.failure.json", "*-failure.json", "*.pytorch.json", ".*")


def result_files(folder: Path) -> list[Path]:
    """The results in ``folder`` and below, in order; its summaries only where nothing else is.

    Raises InvalidInput when there are none, or when they are of several settings of the server,
    which are several profiles.
    """
    found = sorted(path for path in folder.rglob("*.json") if not _ignored(path))
    runs = [path for path in found if path.name != "summary.json"] or found
    if not runs:
        raise InvalidInput(
            f"{folder} holds no results (*.json)", hint="vllm bench sweep writes run=N.json files"
        )
    servers = sorted(
        {
            setting
            for path in runs
            for setting in _server_settings(path.relative_to(folder).parts[:-1])
        }
    )
    if len(servers) > 1:
        raise InvalidInput(
            f"{folder} holds runs of {len(servers)} settings of the server: {', '.join(servers)}",
            hint="each is a profile of its own: import one SERVE-… folder at a time",
        )
    return runs


def server_args(path: Path) -> list[str] | None:
    """What a sweep's folder name says the server was given (``max_num_seqs=64``), if anything."""
    settings = list(_server_settings(path.parts[:-1]))
    return [f"sweep:{setting}" for setting in settings if setting] or None


def _server_settings(folders: Iterable[str]) -> Iterator[str]:
    for part in folders:
        match = _SERVER.fullmatch(part)
        if match:
            yield match[1]


def _ignored(path: Path) -> bool:
    return any(path.match(pattern) for pattern in _NO_RESULTS)
