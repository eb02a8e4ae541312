"""`melange-cloud sweep`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from melange_cloud.cli.common import (
    SERVICES,
    GpuOption,
    HeadroomOption,
    OutOption,
    PricesOption,
    ProfilesOption,
    ProviderOption,
    PurchaseOption,
    RateOption,
    RegionOption,
    ServiceArgument,
    SlicesOption,
    TimeLimitOption,
    TtftOption,
    progress,
)
from melange_cloud.cli.files import STANDARD_OUTPUT, deliver
from melange_cloud.cli.inputs import read_inputs
from melange_cloud.cli.lists import numbers, several
from melange_cloud.cli.live_prices import MaxAgeOption
from melange_cloud.errors import InvalidInput


class SweepFormat(StrEnum):
    """How a sweep is printed."""

    table = "table"
    json = "json"
    csv = "csv"


def sweep(
    service: ServiceArgument,
    rates: Annotated[
        list[str] | None,
        several(
            "--rates",
            metavar="RATE",
            help="Request rate to plan for, requests/s.",
            show_default=SERVICES,
        ),
    ] = None,
    rate: RateOption = None,
    tpot_ms: Annotated[
        list[str] | None,
        several(
            "--tpot-ms",
            metavar="MS",
            help="Limit of time per output token (TPOT) to plan for.",
            show_default=SERVICES,
        ),
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
        SweepFormat, typer.Option("--format", help="How the result is printed.")
    ] = SweepFormat.table,
) -> None:
    """Show what a service costs over request rates and TPOT limits.

    Each point is the cheapest mix, beside the cheapest fleet of each GPU type alone. An --out FILE
    that ends in .csv gets CSV, any other JSON.
    """
    from melange_cloud.errors import Infeasible
    from melange_cloud.output.sweep_table import sweep_csv, sweep_table
    from melange_cloud.planning.sweep import Sweep, sweep_of, sweep_points

    if rate is not None and rates:
        raise InvalidInput(
            "--rate and --rates do not go together", hint="give all rates by --rates"
        )
    at_rates, at_tpots = numbers("--rates", rates), numbers("--tpot-ms", tpot_ms)
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
    inputs = read_inputs(service, overrides, profiles, max_age, writes={"--out": out})
    loaded = inputs.service
    at_rates = at_rates or [loaded.workload.rate]
    at_tpots = at_tpots or [loaded.slo.tpot_ms]
    steps = sweep_points(inputs, at_rates, at_tpots, slices=slices, time_limit=time_limit)
    points = list(progress(steps, len(at_rates) * len(at_tpots), "sweep"))
    result = sweep_of(inputs, points)
    write = {
        SweepFormat.table: sweep_table,
        SweepFormat.json: Sweep.to_json,
        SweepFormat.csv: sweep_csv,
    }[format_]
    as_csv = out is not None and (
        format_ is SweepFormat.csv if out == STANDARD_OUTPUT else out.suffix == ".csv"
    )
    deliver(out, sweep_csv(result) if as_csv else result.to_json(), write(result), format_)
    if not any(point.feasible for point in result.points):
        raise Infeasible(f"no fleet can serve {loaded.name} at any of these points")
