"""AIBrix profiles (`gen_profile.py` of its GPU optimizer), in and out.

Axes: ``tputs[output][input]`` and ``indexes = [output_tokens, input_tokens]``, outputs first, as
gen_profile.py writes and the optimizer reads (a docstring of the project shows inputs first; no
file of it is so). Latencies and SLOs are seconds. ``gpu`` is the name of a deployment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from melange_cloud.documents import dump_json, validate
from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.imports.point import Count, Foreign, Given, Imported, Number, Point
from melange_cloud.profiles.throughput import Slo, Throughputs

KIND = "AIBrix profile"

Matrix = list[list[Number]]
Lengths = Annotated[list[Annotated[Count, Field(gt=0)]], Field(min_length=1)]


class AibrixProfile(Foreign):
    """The fields that are read; ``tputs`` is the most requests/s under the SLOs, 0 for none."""

    gpu: str
    tputs: Matrix
    indexes: Annotated[list[Lengths], Field(min_length=2, max_length=2)]
    e2e: Matrix | None = None
    ttft: Matrix | None = None
    slos: dict[str, float | int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shapes_agree(self) -> AibrixProfile:
        outputs, inputs = self.indexes
        for name in ("tputs", "e2e", "ttft"):
            matrix = getattr(self, name)
            if matrix is not None and [len(row) for row in matrix] != [len(inputs)] * len(outputs):
                raise ValueError(
                    f"{name}: must have a row for each of the {len(outputs)} output lengths "
                    f"(indexes[0]), with {len(inputs)} values, one for each input length "
                    "(indexes[1])"
                )
        return self


def recognises(data: Any) -> bool:
    """Whether ``data`` is one profile of AIBrix."""
    return isinstance(data, dict) and {"gpu", "tputs", "indexes"} <= set(data)


def read(data: Mapping[str, Any], name: str, given: Given) -> Imported:
    """A point a size: the rate that held the profile's SLOs, and what is known of its latency.

    The mean TPOT follows from the mean latency and TTFT; without a TTFT it is an upper bound,
    latency over the tokens after the first, or the SLO on the mean TPOT where that is lower.
    Raises InvalidInput when nothing tells the TPOT: neither e2e nor an SLO.
    """
    profile = validate(AibrixProfile, dict(data), name, KIND)
    remarks = [f"the most requests/s under {_slo_words(profile.slos)}, one load a size"]
    limit = _tpot_limit(profile.slos, given)
    if profile.e2e is None and limit is None:
        raise InvalidInput(
            f"{name}: it gives neither how long requests took (e2e) nor the TPOT that its "
            "throughputs hold",
            hint="give that TPOT with --tpot-ms",
        )
    if profile.ttft is None:
        remarks.append("TPOT is an upper bound, as the profile has no TTFT")
    outputs, inputs = profile.indexes
    points = [
        _point(profile, i, o, inputs[i], outputs[o], limit)
        for i in range(len(inputs))
        for o in range(len(outputs))
    ]
    return Imported(name, KIND, points, remarks=remarks)


def to_aibrix(
    profile: Profile,
    slo: Slo,
    *,
    deployment: str,
    usd_per_hour: float,
    created: float,
    max_model_len: int | None = None,
) -> str:
    """``profile`` under ``slo`` as AIBrix reads it, sizes by their profiled lengths.

    ``created`` is a Unix time: AIBrix takes a profile only if it is later than the one it has.
    """
    throughputs = Throughputs(profile, slo, max_model_len)
    inputs = sorted({i for i, _ in profile.sizes})
    outputs = sorted({o for _, o in profile.sizes})
    slos: dict[str, float | int] = {"percentile": 0 if slo.percentile == "mean" else slo.percentile}
    if math.isfinite(slo.tpot_ms):
        slos["tpot"] = slo.tpot_ms / 1e3
    if slo.ttft_ms is not None:
        slos["ttft"] = slo.ttft_ms / 1e3
    return dump_json(
        {
            "gpu": deployment,
            "cost": usd_per_hour,
            "tputs": [[throughputs.at_size(i, o).rate for i in inputs] for o in outputs],
            "indexes": [outputs, inputs],
            "created": created,
            "slos": slos,
        }
    )


def _point(
    profile: AibrixProfile, i: int, o: int, inputs: int, outputs: int, limit: float | None
) -> Point:
    rate = profile.tputs[o][i]
    load = "most under its SLOs"
    if rate == 0:
        return Point(inputs, outputs, concurrency=1.0, request_rate=0.0, load=load)
    latency = profile.e2e[o][i] if profile.e2e is not None else None
    ttft = profile.ttft[o][i] if profile.ttft is not None else None
    tpot = limit
    if latency is not None and outputs > 1:
        bound = (latency - (ttft or 0.0)) / (outputs - 1) * 1e3
        tpot = bound if ttft is not None else min(bound, limit or math.inf)
    if latency is None:
        latency = (tpot or 0.0) / 1e3 * outputs
    return Point(
        inputs,
        outputs,
        concurrency=rate * latency or 1.0,  # Little's law
        request_rate=rate,
        ttft_ms_mean=ttft * 1e3 if ttft is not None else None,
        tpot_ms_mean=tpot,
        load=load,
    )


def _tpot_limit(slos: Mapping[str, float], given: Given) -> float | None:
    """The mean TPOT that the throughputs hold, ms."""
    if "tpot" in slos and not slos.get("percentile"):
        return slos["tpot"] * 1e3
    return given.tpot_ms


def _slo_words(slos: Mapping[str, float]) -> str:
    limits = [f"{name} {limit:g}" for name, limit in slos.items() if name != "percentile"]
    about = f"p{slos['percentile']:g}" if slos.get("percentile") else "mean"
    return f"AIBrix's SLOs ({about}): {', '.join(limits)}" if limits else "no SLO"
