"""`melange-cloud profile show`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from melange_cloud.cli.common import OutOption, PricesOption, ProfilesOption, note, print_result
from melange_cloud.cli.profile_options import (
    NO_LIMIT,
    ContextOption,
    Percentile,
    PercentileOption,
    PlotOption,
    TtftSloOption,
    slo_of,
)


class ShowFormat(StrEnum):
    """How a profile is shown."""

    table = "table"
    json = "json"
    aibrix = "aibrix"


def show(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Hugging Face id, or a profile's file.")
    ],
    gpu: Annotated[
        str | None, typer.Argument(metavar="GPU", help="GPU type, where a model is given.")
    ] = None,
    tensor_parallel: Annotated[
        int | None,
        typer.Option("--tensor-parallel", min=1, help="Default: the smallest profiled."),
    ] = None,
    tpot_ms: Annotated[
        float,
        typer.Option("--tpot-ms", min=0, help="Time per output token, ms.", show_default="none"),
    ] = NO_LIMIT,
    ttft_ms: TtftSloOption = None,
    percentile: PercentileOption = Percentile.mean,
    max_model_len: ContextOption = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size", metavar="INxOUT", help="Show throughput load by load there. Repeatable."
        ),
    ] = None,
    plot: PlotOption = None,
    usd_per_hour: Annotated[
        float | None,
        typer.Option(
            "--usd-per-hour", min=0, help="Cost for aibrix; default: of the cheapest offer."
        ),
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="Its name for aibrix; default: the GPU's.")
    ] = None,
    prices: PricesOption = None,
    profiles: ProfilesOption = None,
    out: OutOption = None,
    format: Annotated[
        ShowFormat, typer.Option("--format", help="How to print it; json is the document.")
    ] = ShowFormat.table,
) -> None:
    """Show the requests/s of one replica at each size, or load by load at some.

    --plot draws throughput and TPOT against load. --format aibrix gives the profile that AIBrix's
    GPU optimizer reads, under this SLO.
    """
    from melange_cloud.profiles.pick import pick_profile
    from melange_cloud.profiles.sizes import parse_sizes

    slo = slo_of(tpot_ms, ttft_ms, percentile)
    if gpu is None:
        profile = pick_profile(model, folders=profiles or [])
    else:
        profile = pick_profile(gpu, model, tensor_parallel, profiles or [])
    sizes = parse_sizes(size or [])
    if plot is not None:
        from melange_cloud.output.profile_curves import require_sizes
        from melange_cloud.output.profile_plot import check_plot_path, plot_curves

        require_sizes(profile, sizes)
        check_plot_path(plot)
        plot_curves(plot, profile, sizes or profile.sizes, slo)
        note(f"wrote {plot}")
    if format is ShowFormat.json:
        text = profile.to_json()
    elif format is ShowFormat.aibrix:
        import time

        from melange_cloud.profiles.imports.aibrix import to_aibrix
        from melange_cloud.profiles.priced import priced

        given = [] if usd_per_hour is None else [f"{profile.name}={usd_per_hour}"]
        cost = priced({profile.name: profile}, given, prices=prices or "bundled")[0].usd_per_hour
        text = to_aibrix(
            profile,
            slo,
            deployment=deployment or profile.name,
            usd_per_hour=cost,
            created=time.time(),
            max_model_len=max_model_len,
        )
    elif sizes:
        from melange_cloud.output.profile_curves import curves_text

        text = curves_text(profile, sizes, slo)
    else:
        from melange_cloud.output.profile_table import throughput_table

        text = throughput_table(profile, slo, max_model_len)
    print_result(text)
    if out is not None:
        from melange_cloud.documents import write_text

        write_text(out, text if format is ShowFormat.aibrix else profile.to_json())
        note(f"wrote {out}")
