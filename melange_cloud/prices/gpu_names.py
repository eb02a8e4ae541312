"""From what a cloud calls a GPU to the one name used here."""

from __future__ import annotations

from melange_cloud.names import canonical_gpu, gpu_book


def gpu_name(reported: str, memory_gib: float | None) -> str:
    """The one name of a GPU that a cloud reports by a name and, perhaps, the memory of one GPU.

    Memory is reported raw: AWS gives an L4 22888 MiB, an A100 of 80 GB 81920 MiB.
    """
    name = canonical_gpu(reported)
    if memory_gib is not None:
        for below, sized in gpu_book()["by_memory_gib"].get(name, ()):
            if memory_gib < below:
                return str(sized)
    return name


def gcp_gpu_name(accelerator: str) -> str:
    """The one name of a GCP accelerator type, such as ``nvidia-h100-80gb``."""
    return canonical_gpu(accelerator)
