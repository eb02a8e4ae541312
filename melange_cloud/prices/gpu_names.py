"""From what a cloud calls a GPU to the one name used here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from melange_cloud.names import canonical_gpu

NAMES_FILE = Path(__file__).parent / "data" / "gpu_names.json"


def gpu_name(reported: str, memory_gib: float | None) -> str:
    """The one name of a GPU that a cloud reports by a name and, perhaps, the memory of one GPU.

    Memory is reported raw: AWS gives an L4 22888 MiB, an A100 of 80 GB 81920 MiB.
    """
    known = _names()
    name = reported.strip().upper().removeprefix("NVIDIA ")
    if memory_gib is not None:
        for below, sized in known["by_memory_gib"].get(name, ()):
            if memory_gib < below:
                return str(sized)
    return canonical_gpu(known["names"].get(name, name.replace(" ", "-")))


def gcp_gpu_name(accelerator: str) -> str:
    """The one name of a GCP accelerator type, such as ``nvidia-h100-80gb``."""
    known: dict[str, str] = _names()["gcp_accelerators"]
    return known.get(accelerator) or canonical_gpu(accelerator.removeprefix("nvidia-"))


def named_gpus() -> frozenset[str]:
    """Every GPU that the names file knows, by its one name."""
    known = _names()
    sized = {name for sizes in known["by_memory_gib"].values() for _, name in sizes}
    alike = set(known["same_everywhere"])
    return frozenset(
        {*sized, *known["names"].values(), *known["gcp_accelerators"].values(), *alike}
    )


@cache
def _names() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(NAMES_FILE.read_text(encoding="utf-8"))
    return data
