"""`melange-cloud profile import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, note
from melange_cloud.cli.files import check_files, deliver_profile
from melange_cloud.cli.profile_options import NO_LIMIT, DegreeOption, ProfileOutOption


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Results, or folders of them.", show_default=False),
    ],
    gpu: Annotated[
        str | None,
        typer.Option("--gpu", metavar="GPU", help="GPU type, where the files do not say."),
    ] = None,
    tensor_parallel: DegreeOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Hugging Face id, where the server gave the model another name.",
        ),
    ] = None,
    engine_version: Annotated[
        str | None,
        typer.Option("--engine-version", metavar="VERSION", help="As vLLM prints it."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="INxOUT", help="What mixed or unknown lengths stand for."),
    ] = None,
    tpot_ms: Annotated[
        float | None,
        typer.Option(
            "--tpot-ms",
            min=0.001,
            metavar="MS",
            help="The TPOT limit that rates without latencies were measured under.",
        ),
    ] = None,
    out: ProfileOutOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Make a profile of what others measured.

    Reads results of vllm bench serve (plain or --save-detailed), folders of vllm bench sweep,
    guidellm reports, AIBrix profiles, Mélange configs and profiles of this tool, whatever the
    files are called, and merges them. They must be of one model, GPU and engine.
    """
    from melange_cloud.profiles.check import check_profile
    from melange_cloud.profiles.imports.load import import_profiles
    from melange_cloud.profiles.imports.point import Given
    from melange_cloud.profiles.sizes import parse_sizes

    reads = {"what is imported": files}
    check_files(reads, {"--out": out})
    stands_for = parse_sizes([size])[0] if size else None
    given = Given(model, gpu, tensor_parallel, engine_version, stands_for, tpot_ms)
    result = import_profiles(files, given)
    for warning in result.warnings:
        note(f"warning: {warning}")
    failing = [finding for finding in check_profile(result.profile) if finding.level == "fails"]
    for finding in failing:
        note(f"warning: the profile fails its checks: {finding}")
    if format is Format.json:
        shown = result.profile.to_json()
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        shown = throughput_table(result.profile, Slo(NO_LIMIT))
    deliver_profile(out, result.profile, shown, format, reads)
