"""`melange-cloud profile estimate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, note, print_result
from melange_cloud.cli.profile_options import (
    NO_LIMIT,
    GpuTypeOption,
    ModelOption,
    ProfileOutOption,
)


class Quantization(StrEnum):
    """How weights are stored."""

    none = "none"
    fp8 = "fp8"
    int8 = "int8"
    int4 = "int4"


class KvCache(StrEnum):
    """How the key-value cache is stored."""

    auto = "auto"
    fp8 = "fp8"


def estimate(
    model: ModelOption,
    gpu: GpuTypeOption,
    tensor_parallel: Annotated[
        int, typer.Option("--tensor-parallel", min=1, help="GPUs that share the model.")
    ] = 1,
    model_config: Annotated[
        Path | None,
        typer.Option(
            "--model-config",
            metavar="FILE",
            help="Hugging Face config.json of the model; for the bundled models not needed.",
        ),
    ] = None,
    quantization: Annotated[
        Quantization | None,
        typer.Option("--quantization", help="Of the weights. Default: what the config says."),
    ] = None,
    kv_cache: Annotated[
        KvCache, typer.Option("--kv-cache", help="auto: 16 bits, as the model.")
    ] = KvCache.auto,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            metavar="PROFILE",
            help="A measured profile of a few sizes: the estimate's constants are corrected by it.",
        ),
    ] = None,
    interconnect: Annotated[
        str | None,
        typer.Option("--interconnect", help="Default: what clouds join this GPU by."),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="INxOUT", help="Instead of the whole grid. Repeatable."),
    ] = None,
    out: ProfileOutOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Estimate a profile with a roofline model, where nothing or little was measured."""
    from melange_cloud.profiles.asked import Asked, estimate_asked
    from melange_cloud.profiles.store import save_profile

    profile, remarks = estimate_asked(
        Asked(
            model,
            gpu,
            tensor_parallel,
            interconnect,
            size,
            model_config,
            quantization.value if quantization else None,
            kv_cache.value,
            calibrate,
        )
    )
    for remark in remarks:
        note(remark)
    if out is not None:
        note(f"wrote {save_profile(out, profile)}")
    if format is Format.json:
        print_result(profile.to_json())
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        whole = max(map(sum, profile.sizes))
        print_result(throughput_table(profile, Slo(NO_LIMIT), whole))
