"""Mélange's own JSON config: the bare programme, for comparison with the paper's solver."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from melange_cloud.allocation.problem import Column, Problem
from melange_cloud.allocation.solve import Solution
from melange_cloud.documents import Document
from melange_cloud.errors import InvalidInput
from melange_cloud.workload.document import SHARES_TOLERANCE

RESULT_KEYS = ("cost", "status", "lower_bound", "solve_seconds")
"""Keys of the output beside the GPU names."""

Number = Annotated[float, Field(ge=0)]


def _is_no_result_key(name: str) -> str:
    if name in RESULT_KEYS:
        raise ValueError(f'a GPU cannot be called "{name}": the output has a key of that name')
    return name


class GpuInfo(Document):
    """A GPU type: its price, and T at each bucket."""

    cost: Annotated[float, Field(gt=0)] = Field(description="USD per hour")
    tputs: list[list[Number]] = Field(description="requests/s; rows input, columns output")


class MelangeConfig(Document):
    """Input of `solve`. All matrices have the shape of ``workload_distribution``."""

    gpu_info: dict[Annotated[str, AfterValidator(_is_no_result_key)], GpuInfo] = Field(min_length=1)
    workload_distribution: list[list[Number]] = Field(min_length=1)
    total_request_rate: Annotated[float, Field(gt=0)]
    slice_factor: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _shapes_agree(self) -> MelangeConfig:
        shape = [len(row) for row in self.workload_distribution]
        if len(set(shape)) != 1 or not shape[0]:
            raise ValueError(
                "workload_distribution: all rows must have the same length, and not be empty"
            )
        for name, info in self.gpu_info.items():
            if [len(row) for row in info.tputs] != shape:
                raise ValueError(
                    f"gpu_info.{name}.tputs: must have the shape of workload_distribution, "
                    f"{len(shape)} rows of {shape[0]}"
                )
        total = sum(map(sum, self.workload_distribution))
        if abs(total - 1) > SHARES_TOLERANCE:
            raise ValueError(f"workload_distribution: shares must sum to 1, but sum to {total:.6g}")
        return self


def problem_of(config: MelangeConfig, *, sliced: bool = False) -> Problem:
    """The allocation problem of a config; each GPU is an offer of one replica.

    Raises InvalidInput when ``sliced`` is asked for and the config has no slice_factor.
    """
    if sliced and config.slice_factor is None:
        raise InvalidInput("--slices needs a slice_factor in the config")
    cells = [
        (i, j) for i, row in enumerate(config.workload_distribution) for j, s in enumerate(row) if s
    ]
    return Problem(
        rates=tuple(
            config.total_request_rate * config.workload_distribution[i][j] for i, j in cells
        ),
        throughputs=tuple(
            tuple(info.tputs[i][j] for i, j in cells) for info in config.gpu_info.values()
        ),
        columns=tuple(
            Column(name, index, 1, info.cost, gpu=name)
            for index, (name, info) in enumerate(config.gpu_info.items())
        ),
        slices=config.slice_factor if sliced else None,
    )


def answer(problem: Problem, solution: Solution, *, details: bool = False) -> dict[str, object]:
    """The output document: instances of each GPU, zeros included, and the cost."""
    result: dict[str, object] = {
        column.offer: count for column, count in zip(problem.columns, solution.counts, strict=True)
    }
    result["cost"] = round(solution.usd_per_hour, 6)
    if details:
        result |= {
            "status": solution.status,
            "lower_bound": round(solution.lower_bound, 6),
            "solve_seconds": solution.seconds,
        }
    return result
