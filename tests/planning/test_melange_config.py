"""Mélange's own config: what is accepted, what is not, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from melange_cloud.allocation.solve import solve
from melange_cloud.documents import load_json
from melange_cloud.errors import InvalidInput
from melange_cloud.planning.melange_config import MelangeConfig, answer, problem_of

GOOD: dict[str, Any] = {
    "gpu_info": {
        "A10G": {"cost": 1.01, "tputs": [[2, 1], [0.5, 0]]},
        "A100": {"cost": 3.67, "tputs": [[5, 4], [2, 1]]},
    },
    "workload_distribution": [[0.5, 0.25], [0.25, 0]],
    "total_request_rate": 4,
    "slice_factor": 2,
}


def loaded(folder: Path, **fields: Any) -> MelangeConfig:
    path = folder / "config.json"
    path.write_text(json.dumps(GOOD | fields))
    return load_json(path, MelangeConfig, "Mélange config")


def test_buckets_without_requests_are_left_out(tmp_path: Path) -> None:
    problem = problem_of(loaded(tmp_path))
    assert problem.rates == (2.0, 1.0, 1.0)
    assert problem.throughputs == ((2.0, 1.0, 0.5), (5.0, 4.0, 2.0))
    assert [(c.offer, c.usd_per_hour, c.replicas) for c in problem.columns] == [
        ("A10G", 1.01, 1),
        ("A100", 3.67, 1),
    ]
    assert problem.slices is None
    assert problem_of(loaded(tmp_path), sliced=True).slices == 2


def test_the_answer_counts_every_gpu(tmp_path: Path) -> None:
    problem = problem_of(loaded(tmp_path))
    solution = solve(problem)
    assert solution is not None
    # each bucket takes 1, 1 and 2 A10Gs, exactly
    assert answer(problem, solution) == {"A10G": 4, "A100": 0, "cost": 4.04}
    detailed = answer(problem, solution, details=True)
    assert list(detailed) == ["A10G", "A100", "cost", "status", "lower_bound", "solve_seconds"]
    assert detailed["solve_seconds"] == solution.seconds


def test_slices_need_a_slice_factor(tmp_path: Path) -> None:
    config = loaded(tmp_path, slice_factor=None)
    assert problem_of(config).slices is None
    with pytest.raises(InvalidInput, match="slice_factor"):
        problem_of(config, sliced=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"workload_distribution": [[0.5, 0.25], [0.25, 0.1]]}, "sum to 1"),
        ({"workload_distribution": [[0.5, 0.5], [0.0]]}, "must have the same length"),
        ({"workload_distribution": [[]]}, "not be empty"),
        ({"workload_distribution": [[-0.5, 1.5], [0, 0]]}, "greater than or equal to 0"),
        ({"gpu_info": {}}, "at least 1 item"),
        ({"gpu_info": {"A": {"cost": 1, "tputs": [[1, 1]]}}}, "gpu_info.A.tputs"),
        ({"gpu_info": {"A": {"cost": 0, "tputs": [[1, 1], [1, 1]]}}}, "greater than 0"),
        ({"gpu_info": {"A": {"cost": -1, "tputs": [[1, 1], [1, 1]]}}}, "greater than 0"),
        ({"gpu_info": {"A": {"cost": 1, "tputs": [[1, 1], [1, -1]]}}}, "tputs[1][1]"),
        ({"gpu_info": {"A": {"cost": "1", "tputs": [[1, 1], [1, 1]]}}}, "must be a number"),
        ({"gpu_info": {"cost": {"cost": 1, "tputs": [[1, 1], [1, 1]]}}}, 'be called "cost"'),
        ({"gpu_info": {"A": {"costs": 1, "tputs": [[1, 1], [1, 1]]}}}, "cost"),
        ({"total_request_rate": 0}, "greater than 0"),
        ({"total_request_rate": None}, "total_request_rate"),
        ({"slice_factor": 0}, "greater than or equal to 1"),
        ({"slice_factor": 1.5}, "whole number"),
        ({"slices": 4}, "slices"),
    ],
)
def test_what_is_not_a_config_says_where(fields: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as error:
        loaded(tmp_path, **fields)
    assert said in str(error.value)
    assert "config.json is not a valid Mélange config" in str(error.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(number: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    text = json.dumps(GOOD | {"total_request_rate": "HERE"})
    path.write_text(text.replace('"HERE"', number))
    with pytest.raises(InvalidInput):
        load_json(path, MelangeConfig, "Mélange config")
