"""`melange-cloud plan`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import (
    Format,
    FormatOption,
    GpuOption,
    HeadroomOption,
    PricesOption,
    ProfilesOption,
    ProviderOption,
    PurchaseOption,
    RateOption,
    RegionOption,
    ServiceArgument,
    SlicesOption,
    TimeLimitOption,
    ToleranceOption,
    TpotOption,
    TtftOption,
    refuse_keep_with_slices,
    standard_input,
    tolerance_of,
    warn_of_old_prices,
)
from melange_cloud.cli.files import deliver
from melange_cloud.cli.inputs import read_inputs
from melange_cloud.cli.live_prices import MaxAgeOption
from melange_cloud.reading import STANDARD_INPUT


def plan(
    service: ServiceArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the plan to FILE; - prints it alone.",
        ),
    ] = Path("plan.json"),
    rate: RateOption = None,
    tpot_ms: TpotOption = None,
    ttft_ms: TtftOption = None,
    headroom: HeadroomOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    purchase: PurchaseOption = None,
    prices: PricesOption = None,
    max_age: MaxAgeOption = "24h",
    profiles: ProfilesOption = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="PLAN",
            help="Stay close to the fleet of this plan, which runs now; - for standard input.",
            callback=standard_input,
        ),
    ] = None,
    tolerance: ToleranceOption = None,
    slices: SlicesOption = None,
    time_limit: TimeLimitOption = 60.0,
    format_: FormatOption = Format.table,
) -> None:
    """Find the cheapest fleet for a service.

    Prints it, beside the cheapest fleet of each GPU type alone, and writes the plan: the whole
    decision with its inputs.
    """
    start = time.perf_counter()
    from melange_cloud.documents import dump_json
    from melange_cloud.plan import load_plan, with_timing
    from melange_cloud.planning.planner import make_plan

    overrides = {
        "rate": rate,
        "tpot_ms": tpot_ms,
        "ttft_ms": ttft_ms,
        "headroom": headroom,
        "provider": provider,
        "region": region,
        "gpu": gpu,
        "purchase": purchase,
        "prices": prices,
    }
    refuse_keep_with_slices(bool(keep), slices)
    within = tolerance_of(bool(keep), tolerance)
    # the new plan may take the place of the one that it stays close to
    reads = {"--keep": keep if keep == STANDARD_INPUT else None}
    inputs = read_inputs(service, overrides, profiles, max_age, reads=reads, writes={"--out": out})
    running = None
    if keep:
        running = load_plan(keep)
    planned = make_plan(
        inputs,
        slices=slices,
        time_limit=time_limit,
        keep=running,
        tolerance=within,
    )
    if format_ is Format.json:
        total = time.perf_counter() - start
        shown = dump_json(with_timing(planned.plan, planned.solve_seconds, total))
    else:
        from melange_cloud.output.plan_table import plan_table

        shown = plan_table(planned.plan)
    warn_of_old_prices(planned.plan.prices.as_of)
    deliver(out, planned.plan.to_json(), shown, format_)
