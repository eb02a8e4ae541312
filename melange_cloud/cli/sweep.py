"""`melange-cloud sweep`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from melange_cloud.cli.common import (
    GpuOption,
    HeadroomOption,
    OutOption,
    PricesOption,
    ProfilesOption,
    ProviderOption,
    PurchaseOption,
    RegionOption,
    ServiceArgument,
    SlicesOption,
    TimeLimitOption,
    TtftOption,
    note,
    numbers,
    print_result,
    progress,
)
from melange_cloud.cli.inputs import read_inputs
from melange_cloud.cli.live_prices import MaxAgeOption


class SweepFormat(StrEnum):
    """How a sweep is printed."""

    table = "table"
    json = "json"
    csv = "csv"


def sweep(
    service: ServiceArgument,
    rates: Annotated[
        str | None,
        typer.Option("--rates", metavar="R,R,…", help="Requests/s. Default: the service's rate."),
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="One rate, as for plan.")] = None,
    tpot_ms: Annotated[
        str | None,
        typer.Option("--tpot-ms", metavar="MS,MS,…", help="TPOT targets, ms."),
    ] = None,
    ttft_ms: TtftOption = None,
    headroom: HeadroomOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    purchase: PurchaseOption = None,
    prices: PricesOption = None,
    max_age: MaxAgeOption = "24h",
    profiles: ProfilesOption = None,
    slices: SlicesOption = None,
    time_limit: TimeLimitOption = 60.0,
    out: OutOption = None,
    format_: Annotated[
        SweepFormat, typer.Option("--format", help="How to print the result.")
    ] = SweepFormat.table,
) -> None:
    """Cost over request rates and TPOT targets.

    Each point is the cheapest mix, beside the cheapest fleet of each GPU type alone.
    """
    from melange_cloud.documents import write_text
    from melange_cloud.errors import Infeasible
    from melange_cloud.output.sweep_table import sweep_csv, sweep_table
    from melange_cloud.planning.sweep import Sweep, sweep_of, sweep_points

    overrides = {
        "rate": rate,
        "ttft_ms": ttft_ms,
        "headroom": headroom,
        "provider": provider,
        "region": region,
        "gpu": gpu,
        "purchase": purchase,
        "prices": prices,
    }
    inputs = read_inputs(service, overrides, profiles, max_age)
    loaded = inputs.service
    at_rates = numbers("--rates", rates) or [loaded.workload.rate]
    at_tpots = numbers("--tpot-ms", tpot_ms) or [loaded.slo.tpot_ms]
    steps = sweep_points(inputs, at_rates, at_tpots, slices=slices, time_limit=time_limit)
    points = list(progress(steps, len(at_rates) * len(at_tpots), "sweep"))
    result = sweep_of(inputs, points)
    write = {
        SweepFormat.table: sweep_table,
        SweepFormat.json: Sweep.to_json,
        SweepFormat.csv: sweep_csv,
    }[format_]
    print_result(write(result))
    if out:
        write_text(out, sweep_csv(result) if out.suffix == ".csv" else result.to_json())
        note(f"wrote {out}")
    if not any(point.feasible for point in result.points):
        raise Infeasible(f"no fleet can serve {loaded.name} at any of these points")
