"""The exact programmes of small problems: a change in the mathematics is a readable diff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from melange_cloud.allocation.model import build
from melange_cloud.allocation.problem import Cap, Column, Problem

TWO_BY_TWO = Problem(
    rates=(4.3, 0.5),
    throughputs=((2.0, 0.8), (0.37, 0.1)),
    columns=(
        Column("A100x1", 0, 1, 3.67, "east"),
        Column("A100x8", 0, 8, 27.2, "west"),
        Column("A10G", 1, 1, 1.01, "west"),
    ),
    max_regions=2,
)

PROGRAMMES = {
    "plain": TWO_BY_TWO,
    "only-one-serves": replace(TWO_BY_TWO, throughputs=((2.0, 0.8), (0.37, 0.0))),
    "sliced": replace(TWO_BY_TWO, slices=2),
    "caps-and-regions": replace(
        TWO_BY_TWO,
        caps=(Cap("A100s", 8, {0: 1.0, 1: 8.0}), Cap("instances", 6, {0: 1.0, 1: 1.0, 2: 1.0})),
        max_regions=1,
    ),
    "survive": replace(TWO_BY_TWO, survive=1),
    "a-trickle": replace(TWO_BY_TWO, rates=(4.3, 1e-9)),
}


def lp_text(problem: Problem, folder: Path, budget: float = float("inf")) -> str:
    path = folder / "programme.lp"
    build(problem, problem.max_regions, budget=budget).lp.writeLP(str(path))
    return path.read_text()


@pytest.mark.parametrize("name", PROGRAMMES)
def test_programme(name: str, golden: Callable[[str, str], None], tmp_path: Path) -> None:
    golden(f"lp/{name}.lp", lp_text(PROGRAMMES[name], tmp_path))


def test_within_a_budget(golden: Callable[[str, str], None], tmp_path: Path) -> None:
    golden("lp/within-a-budget.lp", lp_text(TWO_BY_TWO, tmp_path, budget=3.0))


def test_the_same_problem_gives_the_same_bytes(tmp_path: Path) -> None:
    for problem in PROGRAMMES.values():
        assert lp_text(problem, tmp_path) == lp_text(replace(problem), tmp_path)
