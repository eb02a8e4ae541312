"""`melange-cloud profile show`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import ListedPricesOption, OutOption, ProfilesOption, note
from melange_cloud.cli.files import check_files, deliver
from melange_cloud.cli.lists import several
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
        str,
        typer.Argument(metavar="MODEL", help="A model's Hugging Face id, or a file of a profile."),
    ],
    gpu: Annotated[
        str | None, typer.Argument(metavar="GPU", help="GPU type; not with a file of a profile.")
    ] = None,
    tensor_parallel: Annotated[
        int | None,
        typer.Option(
            "--tensor-parallel",
            min=1,
            metavar="N",
            help="Tensor parallel degree: GPUs a replica.",
            show_default="the smallest that is profiled",
        ),
    ] = None,
    tpot_ms: Annotated[
        float,
        typer.Option(
            "--tpot-ms",
            min=0,
            metavar="MS",
            help="Limit of time per output token (TPOT).",
            show_default="none",
        ),
    ] = NO_LIMIT,
    ttft_ms: TtftSloOption = None,
    percentile: PercentileOption = Percentile.mean,
    max_model_len: ContextOption = None,
    size: Annotated[
        list[str] | None,
        several(
            "--size",
            metavar="INxOUT",
            help="Show this request size load by load: input and output tokens, such as 1000x250.",
        ),
    ] = None,
    plot: PlotOption = None,
    usd_per_hour: Annotated[
        float | None,
        typer.Option(
            "--usd-per-hour",
            min=0,
            metavar="USD",
            help="With --format aibrix: what a replica costs.",
            show_default="of the cheapest offer",
        ),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option(
            "--deployment",
            metavar="NAME",
            help="With --format aibrix: the name of the deployment.",
            show_default="the GPU's",
        ),
    ] = None,
    prices: ListedPricesOption = "bundled",
    profiles: ProfilesOption = None,
    out: OutOption = None,
    format: Annotated[
        ShowFormat,
        typer.Option(
            "--format", help="How the profile is printed; json is the document, aibrix is AIBrix's."
        ),
    ] = ShowFormat.table,
) -> None:
    """Show the requests/s that one replica sustains at each size.

    --size shows some sizes load by load, and --plot draws throughput and TPOT against the load.
    --format aibrix makes the profile that AIBrix's GPU optimizer reads, under these limits.
    """
    from melange_cloud.profiles.pick import model_and_gpu, pick_profile
    from melange_cloud.profiles.sizes import parse_sizes
    from melange_cloud.profiles.store import files_in

    reads = {"the profile": [Path(model)], "the profiles": files_in(profiles or [])}
    check_files(reads, {"--out": out, "--plot": plot})
    slo = slo_of(tpot_ms, ttft_ms, percentile)
    if gpu is None:
        how = f"give a model and a GPU: `melange-cloud profile show {model_and_gpu(model)}`"
        profile = pick_profile(model, folders=profiles or [], how=how)
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
        cost = priced({profile.name: profile}, given, prices=prices)[0].usd_per_hour
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
    document = text if format is ShowFormat.aibrix else profile.to_json()
    deliver(out, document, text, format)
