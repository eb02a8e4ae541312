"""`melange-cloud profile compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from melange_cloud.cli.common import (
    Format,
    FormatOption,
    ListedPricesOption,
    OutOption,
    ProfilesOption,
    ProviderOption,
    RegionOption,
    note,
)
from melange_cloud.cli.files import check_files, deliver
from melange_cloud.cli.lists import numbers, several
from melange_cloud.cli.profile_options import (
    NO_LIMIT,
    ContextOption,
    OfModelOption,
    Percentile,
    PercentileOption,
    PlotOption,
    ProfilesArgument,
    TtftSloOption,
    slo_of,
)


def compare(
    compared: ProfilesArgument,
    model: OfModelOption = None,
    tpot_ms: Annotated[
        list[str] | None,
        several(
            "--tpot-ms",
            metavar="MS",
            help="Limit of time per output token (TPOT) to compare at.",
            show_default="none",
        ),
    ] = None,
    ttft_ms: TtftSloOption = None,
    percentile: PercentileOption = Percentile.mean,
    max_model_len: ContextOption = None,
    size: Annotated[
        list[str] | None,
        several(
            "--size",
            metavar="INxOUT",
            help="Request size: input and output tokens, such as 1000x250.",
            show_default="all that are profiled",
        ),
    ] = None,
    usd_per_hour: Annotated[
        list[str] | None,
        several(
            "--usd-per-hour",
            metavar="GPU=USD",
            help="What a replica on this GPU costs.",
            show_default="of the cheapest offer",
        ),
    ] = None,
    prices: ListedPricesOption = "bundled",
    provider: ProviderOption = None,
    region: RegionOption = None,
    purchase: Annotated[
        list[str] | None,
        several(
            "--purchase",
            metavar="KIND",
            help="Only offers of this kind: on-demand or spot.",
            show_default="on-demand",
        ),
    ] = None,
    profiles: ProfilesOption = None,
    plot: PlotOption = None,
    out: OutOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Compare what GPUs serve for a dollar, size by size.

    Shows which GPU gives most tokens per dollar at each size, and by how much. A replica costs its
    part of the cheapest offer that can run it.
    """
    from melange_cloud.output.profile_compare import comparison_table
    from melange_cloud.profiles.compare import compare as compare_profiles
    from melange_cloud.profiles.compare import comparison_json
    from melange_cloud.profiles.pick import pick_profiles
    from melange_cloud.profiles.priced import priced
    from melange_cloud.profiles.sizes import parse_sizes
    from melange_cloud.profiles.store import files_in

    folders = profiles or []

    reads = {"a profile": [Path(name) for name in compared], "the profiles": files_in(folders)}
    check_files(reads, {"--out": out, "--plot": plot})
    slos = [
        slo_of(tpot, ttft_ms, percentile) for tpot in numbers("--tpot-ms", tpot_ms) or [NO_LIMIT]
    ]
    contenders = priced(
        pick_profiles(compared, model, folders),
        usd_per_hour or [],
        prices=prices,
        providers=provider or [],
        regions=region or [],
        purchase=purchase or ["on-demand"],
    )
    result = compare_profiles(contenders, slos, parse_sizes(size or []) or None, max_model_len)
    if plot is not None:
        from melange_cloud.output.profile_plot import check_plot_path, plot_comparison

        check_plot_path(plot)
        plot_comparison(plot, result)
        note(f"wrote {plot}")
    document = comparison_json(result)
    shown = document if format is Format.json else comparison_table(result)
    deliver(out, document, shown, format)
