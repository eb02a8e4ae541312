"""`melange-cloud profile compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from melange_cloud.cli.common import (
    Format,
    FormatOption,
    OutOption,
    PricesOption,
    ProfilesOption,
    ProviderOption,
    RegionOption,
    note,
    numbers,
    print_result,
)
from melange_cloud.cli.profile_options import (
    NO_LIMIT,
    ContextOption,
    OfModelOption,
    Percentile,
    PercentileOption,
    PlotOption,
    TtftSloOption,
    slo_of,
)


def compare(
    compared: Annotated[
        list[str],
        typer.Argument(
            metavar="PROFILE…",
            help="Files of profiles, or GPUs (L4, H100-tp4) with --model.",
            show_default=False,
        ),
    ],
    model: OfModelOption = None,
    tpot_ms: Annotated[
        str | None,
        typer.Option("--tpot-ms", metavar="MS,MS,…", help="TPOT targets, ms. Default: none."),
    ] = None,
    ttft_ms: TtftSloOption = None,
    percentile: PercentileOption = Percentile.mean,
    max_model_len: ContextOption = None,
    size: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="INxOUT", help="Instead of all profiled. Repeatable."),
    ] = None,
    usd_per_hour: Annotated[
        list[str] | None,
        typer.Option(
            "--usd-per-hour", metavar="GPU=USD", help="Instead of the cheapest offer. Repeatable."
        ),
    ] = None,
    prices: PricesOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    purchase: Annotated[
        list[str] | None,
        typer.Option("--purchase", help="on-demand or spot. Default: on-demand. Repeatable."),
    ] = None,
    profiles: ProfilesOption = None,
    plot: PlotOption = None,
    out: OutOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Compare tokens per dollar: which GPU wins each size, and by how much.

    Each replica costs what the cheapest offer costs that can run it.
    """
    from melange_cloud.output.profile_compare import comparison_table
    from melange_cloud.profiles.compare import compare as compare_profiles
    from melange_cloud.profiles.compare import comparison_json
    from melange_cloud.profiles.pick import pick_profiles
    from melange_cloud.profiles.priced import priced
    from melange_cloud.profiles.sizes import parse_sizes

    slos = [
        slo_of(tpot, ttft_ms, percentile) for tpot in numbers("--tpot-ms", tpot_ms) or [NO_LIMIT]
    ]
    contenders = priced(
        pick_profiles(compared, model, profiles or []),
        usd_per_hour or [],
        prices=prices or "bundled",
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
    print_result(comparison_json(result) if format is Format.json else comparison_table(result))
    if out is not None:
        from melange_cloud.documents import write_text

        write_text(out, comparison_json(result))
        note(f"wrote {out}")
