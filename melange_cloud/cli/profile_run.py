"""`melange-cloud profile run`: measure a running server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, note, print_result


class Arrivals(StrEnum):
    """How requests come."""

    closed = "closed"
    poisson = "poisson"


def run(
    gpu: Annotated[
        str, typer.Option("--gpu", help="GPU type that it runs on, as L4.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the profile to FILE, or to its place in a folder for --profiles.",
            show_default=False,
        ),
    ],
    url: Annotated[
        str | None, typer.Option("--url", help="Of a running server: http://HOST:8000.")
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option("--serve", metavar="MODEL", help="Start and stop `vllm serve MODEL`."),
    ] = None,
    serve_arg: Annotated[
        list[str] | None,
        typer.Option("--serve-arg", help="One word more for `vllm serve`. Repeatable."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Hugging Face id. Default: as the server says."),
    ] = None,
    tensor_parallel: Annotated[
        int, typer.Option("--tensor-parallel", min=1, help="GPUs that share the model.")
    ] = 1,
    tpot_ms: Annotated[
        list[float] | None,
        typer.Option(
            "--tpot-ms", help="An SLO of interest, ms. Repeatable.", show_default="40 and 120"
        ),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="INxOUT", help="Instead of the whole grid. Repeatable."),
    ] = None,
    arrivals: Annotated[
        Arrivals,
        typer.Option("--arrivals", help="poisson: confirm the rates found, arriving at random."),
    ] = Arrivals.closed,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", min=0.01, help="Time for all sizes.", show_default="none"),
    ] = None,
    max_concurrency: Annotated[
        int, typer.Option("--max-concurrency", min=1, help="Requests in flight at most.")
    ] = 1024,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the profile that --out names.")
    ] = False,
    format: FormatOption = Format.table,
) -> None:
    """Measure what a vLLM server sustains at each size. Each finished point is kept."""
    from datetime import UTC, datetime

    from melange_cloud.profiles.run.run import RunOptions, run_profile

    options = RunOptions(
        gpu=gpu,
        out=out,
        url=url,
        serve=serve,
        serve_args=serve_arg or (),
        model=model,
        tensor_parallel=tensor_parallel,
        slos_ms=tpot_ms or (),
        sizes=size or (),
        confirm=arrivals is Arrivals.poisson,
        max_minutes=max_minutes,
        highest_concurrency=max_concurrency,
        resume=resume,
    )
    result = run_profile(options, datetime.now(UTC).date(), note)
    note(f"wrote {result.path}")
    if result.short:
        names = ", ".join(f"{i}x{o}" for i, o in result.short)
        note(f"warning: too little time for all loads at {names}; --resume goes on with them")
    if format is Format.json:
        print_result(result.profile.to_json())
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        slo = Slo(max(options.slos_ms, default=120.0))
        print_result(throughput_table(result.profile, slo, None))
