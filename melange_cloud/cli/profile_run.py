"""`melange-cloud profile run`: measure a running server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, note, print_result
from melange_cloud.cli.files import refuse_standard_output
from melange_cloud.cli.lists import numbers, several
from melange_cloud.cli.profile_options import TPOT_OF_INTEREST, SizesOption


class Arrivals(StrEnum):
    """How requests come."""

    closed = "closed"
    poisson = "poisson"


def run(
    gpu: Annotated[
        str,
        typer.Option(
            "--gpu",
            metavar="GPU",
            help="GPU type that the server runs on, such as L4.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the profile to FILE, or to its place in a folder for --profiles.",
            show_default=False,
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="Measure the server that runs at URL: http://HOST:8000."
        ),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            "--serve", metavar="MODEL", help="Start `vllm serve MODEL`, measure it and stop it."
        ),
    ] = None,
    serve_arg: Annotated[
        list[str] | None,
        typer.Option(
            "--serve-arg",
            metavar="WORD",
            help="One more word for `vllm serve`, commas and all. Repeatable.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="The model's Hugging Face id.",
            show_default="as the server says",
        ),
    ] = None,
    tensor_parallel: Annotated[
        int,
        typer.Option(
            "--tensor-parallel", min=1, metavar="N", help="Tensor parallel degree: GPUs a replica."
        ),
    ] = 1,
    tpot_ms: Annotated[
        list[str] | None,
        several("--tpot-ms", metavar="MS", help=TPOT_OF_INTEREST, show_default="40 and 120"),
    ] = None,
    size: SizesOption = None,
    arrivals: Annotated[
        Arrivals,
        typer.Option(
            "--arrivals",
            help="closed: so many requests in flight at any time; poisson: then confirm the rates "
            "found with requests that arrive at random.",
        ),
    ] = Arrivals.closed,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            "--max-minutes",
            min=0.01,
            metavar="MINUTES",
            help="Time for measuring all sizes.",
            show_default="no limit",
        ),
    ] = None,
    max_concurrency: Annotated[
        int,
        typer.Option(
            "--max-concurrency", min=1, metavar="N", help="Most requests in flight at a time."
        ),
    ] = 1024,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the profile that --out names.")
    ] = False,
    format: FormatOption = Format.table,
) -> None:
    """Measure what a vLLM server sustains at each size.

    Each finished point is written at once, so that --resume can go on after an interruption.
    """
    from datetime import UTC, datetime

    from melange_cloud.profiles.run.run import RunOptions, run_profile

    refuse_standard_output(out, "profile run keeps each finished point in a file")
    slos = numbers("--tpot-ms", tpot_ms)
    options = RunOptions(
        gpu=gpu,
        out=out,
        url=url,
        serve=serve,
        serve_args=serve_arg or (),
        model=model,
        tensor_parallel=tensor_parallel,
        slos_ms=slos,
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
        print_result(result.profile.to_json(), format)
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        slo = Slo(max(options.slos_ms, default=120.0))
        print_result(throughput_table(result.profile, slo, None))
