"""Configs of the Mélange release: throughputs of several GPUs, rows by input, columns by output.

They hold neither the sizes nor the SLO that their throughputs are for: the paper's grid where the
shape is its 10 by 6, and an SLO that the user must tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from melange_cloud.documents import validate
from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, gpus_meant, one_gpu, unknown_gpu
from melange_cloud.profiles.imports.point import Foreign, Given, Imported, Number, Point
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES

KIND = "Mélange config"


class GpuInfo(Foreign):
    tputs: list[list[Number]]


class MelangeConfig(Foreign):
    gpu_info: dict[str, GpuInfo] = Field(min_length=1)


def recognises(data: Any) -> bool:
    """Whether ``data`` is a config of the Mélange release."""
    return isinstance(data, dict) and {"gpu_info", "workload_distribution"} <= set(data)


def read(data: Mapping[str, Any], name: str, given: Given) -> Imported:
    """The points of the GPU asked for, or of the only one: one load a size, at the SLO.

    Raises InvalidInput for a GPU that is not in it, a shape other than the paper's grid, and
    when no SLO is given.
    """
    config = validate(MelangeConfig, dict(data), name, KIND)
    gpu = _which(config, name, given)
    tputs = config.gpu_info[gpu].tputs
    if [len(row) for row in tputs] != [len(OUTPUT_EDGES)] * len(INPUT_EDGES):
        shape = f"{len(tputs)} by {len(tputs[0]) if tputs else 0}"
        raise InvalidInput(
            f"{name}: the throughputs of {gpu} are {shape}; the sizes are only known for the "
            f"paper's grid, {len(INPUT_EDGES)} input by {len(OUTPUT_EDGES)} output lengths",
            hint="`melange-cloud solve` takes such a config as it is",
        )
    if given.tpot_ms is None:
        raise InvalidInput(
            f"{name}: a Mélange config does not say which TPOT its throughputs hold",
            hint="give that TPOT with --tpot-ms",
        )
    points = [
        _point(inputs, outputs, tputs[row][column], given.tpot_ms)
        for row, inputs in enumerate(INPUT_EDGES)
        for column, outputs in enumerate(OUTPUT_EDGES)
    ]
    remark = f"the most requests/s under a mean TPOT of {given.tpot_ms:g} ms, one load a size"
    return Imported(name, KIND, points, gpu=canonical_gpu(given.gpu or gpu), remarks=[remark])


def _point(inputs: int, outputs: int, rate: float, tpot_ms: float) -> Point:
    load = "most under its SLO"
    if rate == 0:
        return Point(inputs, outputs, concurrency=1.0, request_rate=0.0, load=load)
    # Little's law at the SLO: not more than this many requests were in flight
    in_flight = rate * outputs * tpot_ms / 1e3
    return Point(inputs, outputs, in_flight, rate, tpot_ms_mean=tpot_ms, load=load)


def _which(config: MelangeConfig, name: str, given: Given) -> str:
    by_name = {canonical_gpu(gpu): gpu for gpu in config.gpu_info}
    if given.gpu is None:
        if len(by_name) == 1:
            return next(iter(by_name.values()))
        raise InvalidInput(
            f"{name}: it has throughputs of {', '.join(sorted(by_name))}",
            hint="say with --gpu which one to import",
        )
    wanted = one_gpu(given.gpu)
    for known, gpu in by_name.items():
        if wanted in gpus_meant(known):
            return gpu
    raise InvalidInput(f"{name}: " + unknown_gpu(given.gpu, by_name, "it has no rates of"))
