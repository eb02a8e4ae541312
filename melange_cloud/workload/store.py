"""Workloads by name or by path: the bundled histograms and the documents users write."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from melange_cloud.documents import load_json
from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten, unknown
from melange_cloud.paths import StrPath, is_there
from melange_cloud.workload.document import Workload

_TRACES = (".csv", ".tsv", ".jsonl", ".gz")

_BUNDLED = Path(__file__).parent / "bundled"


@cache
def bundled_names() -> tuple[str, ...]:
    """Names of the histograms that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _BUNDLED.glob("*.json")))


def load_workload(name_or_path: StrPath, base: StrPath) -> Workload:
    """The workload of a bundled name, or the one in the document at a path.

    It holds the share of requests in each range of input and output tokens; its ``rates`` gives
    requests/s. A relative path starts at ``base``, the folder of the file that names it. A bundled
    name comes first; a file of the same name is reached as ``./arena``.

    Raises InvalidInput for an unknown name or a missing file, InvalidDocument for a file that is
    not a valid workload.
    """
    text = os.fspath(name_or_path)
    if text in bundled_names():
        return load_json(_BUNDLED / f"{text}.json", Workload, "workload")
    path = Path(base) / text
    if not is_there(path):
        raise InvalidInput(
            f"{shorten(path, 200)}: no such workload file (looked for in "
            f"{shorten(path.parent.absolute(), 200)})"
            if _looks_like_a_path(text)
            else unknown("workload", text, bundled_names()),
            hint="`melange-cloud workload show` lists the bundled workloads; or give the path of a "
            "workload document",
        )
    if path.name.casefold().endswith(_TRACES):
        raise InvalidInput(
            f"{shorten(path, 200)} is a trace of requests by its name, not a workload document",
            hint=f"make one of it: `melange-cloud workload from-trace {path} --out sizes.json`",
        )
    return load_json(path, Workload, "workload")


def _looks_like_a_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.endswith(".json")
