"""Options that several of the `profile` commands have."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melange_cloud.cli.lists import several

if TYPE_CHECKING:
    from melange_cloud.profiles.throughput import Slo


class Percentile(StrEnum):
    """Which latencies an SLO limits: their mean or a percentile."""

    mean = "mean"
    p99 = "99"


OfModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="The model's Hugging Face id; PROFILE is then a GPU, such as H100-tp4.",
    ),
]
DegreeOption = Annotated[
    int | None,
    typer.Option(
        "--tensor-parallel", min=1, metavar="N", help="Tensor parallel degree: GPUs a replica."
    ),
]
TtftSloOption = Annotated[
    float | None,
    typer.Option(
        "--ttft-ms",
        min=0,
        metavar="MS",
        help="Limit of time to first token (TTFT).",
        show_default="none",
    ),
]
PercentileOption = Annotated[
    Percentile,
    typer.Option(
        "--percentile",
        help="Whether the limits hold for mean latencies or for the 99th percentile.",
    ),
]
ContextOption = Annotated[
    int | None,
    typer.Option(
        "--max-model-len",
        min=1,
        metavar="TOKENS",
        help="Context length.",
        show_default="the model's",
    ),
]
SizesOption = Annotated[
    list[str] | None,
    several(
        "--size",
        metavar="INxOUT",
        help="Request size: input and output tokens, such as 1000x250.",
        show_default="the whole grid",
    ),
]
TPOT_OF_INTEREST = "Limit of time per output token (TPOT) that plans will have."
ProfilesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PROFILE",
        help="Files of profiles, or with --model GPUs (L4, H100-tp4).",
        show_default=False,
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Also draw it into FILE, .png or .svg (needs melange-cloud[plots]).",
    ),
]
ProfileOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Write the profile to FILE, or to its place in a folder for --profiles; "
        "- prints it alone.",
    ),
]


def slo_of(tpot_ms: float, ttft_ms: float | None, percentile: Percentile) -> Slo:
    """The SLO of these options."""
    from melange_cloud.profiles.throughput import Slo

    return Slo(tpot_ms, ttft_ms, "mean" if percentile is Percentile.mean else 99)


NO_LIMIT = math.inf
"""The TPOT of an SLO that limits nothing."""
