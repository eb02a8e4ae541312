"""Options that several of the `profile` commands have."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from melange_cloud.profiles.throughput import Slo


class Percentile(StrEnum):
    """What of the latencies an SLO is about."""

    mean = "mean"
    p99 = "99"


OfModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Hugging Face id; profiles are then named by GPU, as H100-tp4."),
]
DegreeOption = Annotated[
    int | None, typer.Option("--tensor-parallel", min=1, help="GPUs that share the model.")
]
TtftSloOption = Annotated[
    float | None, typer.Option("--ttft-ms", min=0, help="Time to first token, ms.")
]
PercentileOption = Annotated[
    Percentile, typer.Option("--percentile", help="What the SLO is about.")
]
ContextOption = Annotated[
    int | None,
    typer.Option("--max-model-len", min=1, help="Context length; default: the model's."),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot", metavar="FILE", help="Also draw it: .png or .svg (needs melange-cloud[plots])."
    ),
]
ProfileOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the profile to FILE, or to its place in a folder for --profiles.",
    ),
]


def slo_of(tpot_ms: float, ttft_ms: float | None, percentile: Percentile) -> Slo:
    """The SLO of these options."""
    from melange_cloud.profiles.throughput import Slo

    return Slo(tpot_ms, ttft_ms, "mean" if percentile is Percentile.mean else 99)


NO_LIMIT = math.inf
"""The TPOT of an SLO that limits nothing."""
