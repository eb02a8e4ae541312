"""`melange-cloud profile`: what one model replica sustains on each GPU type."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, ProfilesOption, note, print_result

app = typer.Typer(help="What a GPU sustains of a model.", no_args_is_help=True)


class Percentile(StrEnum):
    """What of the latencies an SLO is about."""

    mean = "mean"
    p99 = "99"


ModelOption = Annotated[str, typer.Option("--model", help="Hugging Face id.", show_default=False)]
GpuTypeOption = Annotated[
    str, typer.Option("--gpu", help="GPU type, as L4 or A100-80GB.", show_default=False)
]


@app.command("list")
def list_(
    model: Annotated[
        str | None, typer.Option("--model", help="Only this model (Hugging Face id).")
    ] = None,
    profiles: ProfilesOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Show which profiles there are, and why a GPU has none."""
    from melange_cloud.profiles.listing import list_profiles, listing_json

    listing = list_profiles(model, profiles or [])
    if format is Format.json:
        print_result(listing_json(listing))
    else:
        from melange_cloud.output.profile_table import listing_table

        print_result(listing_table(listing))


@app.command()
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Hugging Face id.")],
    gpu: Annotated[str, typer.Argument(metavar="GPU", help="GPU type.")],
    tensor_parallel: Annotated[
        int | None,
        typer.Option("--tensor-parallel", min=1, help="Default: the smallest profiled."),
    ] = None,
    tpot_ms: Annotated[
        float,
        typer.Option("--tpot-ms", min=0, help="Time per output token, ms.", show_default="none"),
    ] = math.inf,
    ttft_ms: Annotated[
        float | None, typer.Option("--ttft-ms", min=0, help="Time to first token, ms.")
    ] = None,
    percentile: Annotated[
        Percentile, typer.Option("--percentile", help="What the SLO is about.")
    ] = Percentile.mean,
    max_model_len: Annotated[
        int | None,
        typer.Option("--max-model-len", min=1, help="Context length; default: the model's."),
    ] = None,
    profiles: ProfilesOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Show the requests/s of one replica at each size. --format json prints the document."""
    from melange_cloud.profiles.store import load_one

    profile = load_one(model, gpu, tensor_parallel, profiles or [])
    if format is Format.json:
        print_result(profile.to_json())
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        slo = Slo(tpot_ms, ttft_ms, "mean" if percentile is Percentile.mean else 99)
        print_result(throughput_table(profile, slo, max_model_len))


@app.command()
def estimate(
    model: ModelOption,
    gpu: GpuTypeOption,
    tensor_parallel: Annotated[
        int, typer.Option("--tensor-parallel", min=1, help="GPUs that share the model.")
    ] = 1,
    interconnect: Annotated[
        str | None,
        typer.Option("--interconnect", help="Default: what clouds join this GPU by."),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="INxOUT", help="Instead of the whole grid. Repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the profile to FILE, or to its place in a folder for --profiles.",
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Estimate a profile with a roofline model, where nothing was measured."""
    from melange_cloud.profiles.estimate import estimate_by_name
    from melange_cloud.profiles.store import save_profile

    profile = estimate_by_name(model, gpu, tensor_parallel, interconnect, size)
    if out is not None:
        note(f"wrote {save_profile(out, profile)}")
    if format is Format.json:
        print_result(profile.to_json())
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        whole = max(map(sum, profile.sizes))
        print_result(throughput_table(profile, Slo(math.inf), whole))
