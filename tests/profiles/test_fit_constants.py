"""The constants in the data file are worth what the data file says."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from melange_cloud.profiles.facts import gpu_book, gpu_facts, interconnect_facts, model_facts
from melange_cloud.profiles.roofline import Roofline

pytest.importorskip("scipy")
import numpy as np

SCRIPT = Path(__file__).parents[2] / "scripts" / "fit_constants.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_constants", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fit_constants"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def committed(script: ModuleType) -> np.ndarray:
    constants = [gpu_facts(gpu).constants for gpu in script.GPUS]
    return np.array([[getattr(one, name) for name in script.NAMES] for one in constants])


def test_the_arrays_of_the_fit_follow_the_formulas_of_the_package(script: ModuleType) -> None:
    tiles = script.read_tiles()
    rates = script.saturated_rates(committed(script), tiles)
    for g, name in enumerate(script.GPUS):
        gpu = gpu_facts(name)
        one = Roofline(model_facts(script.MODEL), gpu, 1, interconnect_facts(gpu.interconnect))
        for k in range(len(tiles)):
            i, o = int(tiles.input_tokens[k]), int(tiles.output_tokens[k])
            most = one.max_concurrency(i, o)
            if tiles.compared[g, k]:
                assert rates[g, k] == pytest.approx(one.load(most, i, o).request_rate)
            else:
                assert most == 0 or i >= script.LONG_INPUT


def test_the_scores_in_the_data_file_are_those_of_its_constants(script: ModuleType) -> None:
    tiles = script.read_tiles()
    found = script.scores(script.predict(committed(script), tiles), tiles)
    recorded = gpu_book().fit["scores"]
    assert isinstance(recorded, dict)
    assert found == recorded["fitted"]
    assert found["tiles"] == 60
    assert found["tiles_won"] >= 45


def test_the_figures_are_whole(script: ModuleType) -> None:
    tiles = script.read_tiles()
    assert len(tiles) == 60
    assert np.isfinite(tiles.a10g_over_a100).sum() == 36
    assert (tiles.over_worst >= tiles.over_second).all()
    assert tiles.compared[tiles.best, np.arange(60)].all()


def test_the_documentation_gives_the_constants_and_scores_of_the_data_file(
    script: ModuleType,
) -> None:
    text = (SCRIPT.parents[1] / "docs" / "estimates.md").read_text()
    for name in script.GPUS:
        found = gpu_facts(name).constants
        t0_ms, t1_ms = found.t0_s * 1e3, found.t1_s * 1e3
        row = re.search(rf"^\| {name} \|([\d. |]+)\|$", text, re.MULTILINE)
        assert row is not None
        written = [float(cell) for cell in row[1].split("|")]
        assert written == pytest.approx([found.eb, found.ef, t0_ms, t1_ms])
    fit = gpu_book().fit
    assert f"Fitted on {fit['date']}" in text
    scores = fit["scores"]
    assert isinstance(scores, dict)
    for found in scores.values():
        won, tiles, *errors = found.values()
        cells = [f"{won} of {tiles}", *(f"{error} points" for error in errors)]
        assert f"| {' | '.join(cells)} |" in text
