"""An estimate as a user asks for it: of a known model or of a config.json, quantised, corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.aliases import same_model
from melange_cloud.profiles.bounds import refuse_impossible
from melange_cloud.profiles.calibrate import Calibration, calibrate
from melange_cloud.profiles.distance import served
from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.estimate import estimate
from melange_cloud.profiles.facts import (
    ModelFacts,
    Quantization,
    gpu_facts,
    interconnect_facts,
    model_facts,
)
from melange_cloud.profiles.model_config import facts_from_config
from melange_cloud.profiles.roofline import Roofline
from melange_cloud.profiles.sizes import DEFAULT_SIZES, parse_sizes


@dataclass(frozen=True)
class Asked:
    """What `profile estimate` was asked for; None where the usual is meant."""

    model: str
    gpu: str
    tensor_parallel: int = 1
    interconnect: str | None = None
    sizes: Sequence[str] | None = None
    model_config: Path | None = None
    quantization: Quantization | None = None
    """None: what the config says, which is none for a known model."""
    kv_cache: Literal["auto", "fp8"] = "auto"
    measured: Path | None = None
    """A measured profile of the same configuration, to correct the constants by."""
    max_position_embeddings: int | None = None
    """The context length in tokens, where the config has none."""


def estimate_asked(asked: Asked) -> tuple[Profile, list[str]]:
    """The profile, and what its reader should be told.

    Raises InvalidInput for what is unknown, does not fit, or cannot be corrected by.
    """
    model, remarks = _model(asked)
    gpu = gpu_facts(asked.gpu)
    link = interconnect_facts(asked.interconnect or gpu.interconnect)
    provenance = None
    if asked.measured is not None:
        measured = _same_configuration(load_profile(asked.measured), asked, gpu.gpu)
        replica, points = Roofline(model, gpu, asked.tensor_parallel, link), served(measured)
        refuse_impossible(replica, points, str(asked.measured))
        found = calibrate(replica, points)
        gpu = replace(gpu, constants=found.constants)
        provenance = _corrected(found, measured)
        remarks.append(_worth(found))
    sizes = parse_sizes(asked.sizes) if asked.sizes else DEFAULT_SIZES
    return estimate(model, gpu, asked.tensor_parallel, link, sizes, provenance), remarks


def _model(asked: Asked) -> tuple[ModelFacts, list[str]]:
    if asked.model_config is not None:
        facts, remarks = facts_from_config(
            asked.model_config, asked.model, max_model_len=asked.max_position_embeddings
        )
    elif asked.max_position_embeddings is not None:
        raise InvalidInput(
            "--max-position-embeddings supplements a config.json; give one with --model-config"
        )
    else:
        facts, remarks = model_facts(asked.model), []
    changes: dict[str, object] = {}
    if asked.quantization is not None:
        changes["quantization"] = asked.quantization
    if asked.kv_cache == "fp8":
        changes["bytes_per_kv_value"] = 1.0
    return facts.model_copy(update=changes), remarks


def _same_configuration(measured: Profile, asked: Asked, gpu: str) -> Profile:
    if measured.source == "estimated":
        raise InvalidInput(
            f"{asked.measured} holds an estimate; --calibrate needs a measured profile"
        )
    if measured.model not in same_model(asked.model):
        raise InvalidInput(f"{asked.measured} is a profile of {measured.model}, not {asked.model}")
    wanted = (gpu, asked.tensor_parallel)
    if (measured.gpu, measured.tensor_parallel) != wanted:
        raise InvalidInput(
            f"{asked.measured} is a profile of {measured.tensor_parallel} x {measured.gpu}, "
            f"not of {asked.tensor_parallel} x {gpu}"
        )
    return measured


def _corrected(found: Calibration, measured: Profile) -> str:
    c = found.constants
    return (
        f"Roofline model of continuous batching, not a measurement; constants corrected by "
        f"{found.points} measured points at {found.sizes} sizes to eb {c.eb:.3g}, ef {c.ef:.3g}, "
        f"t0 {c.t0_s * 1e3:.3g} ms, t1 {c.t1_s * 1e3:.3g} ms ({_worth(found)}; "
        f"measured: {measured.provenance})"
    )


def _worth(found: Calibration) -> str:
    text = (
        f"error of TPOT at the measured points: {found.tpot_before} before, {found.tpot_after} "
        f"after; of requests/s: {found.rate_before} before, {found.rate_after} after"
    )
    if found.tpot_left_out is not None and found.rate_left_out is not None:
        text += (
            f"; at sizes left out of the correction: TPOT {found.tpot_left_out}, "
            f"requests/s {found.rate_left_out}"
        )
    return text
