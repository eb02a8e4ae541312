"""Fits the constants of estimates to published figures, and says how well they fit.

Four constants a GPU type (docs/estimates.md has the model): the shares of memory bandwidth and of
peak operations that are achieved (eb, ef), the overhead of a step (t0) and of each sequence in it
(t1). They are sought within physical bounds so that tokens per dollar at saturation agree with
Figures 3 and 5 of Griggs et al.: which GPU is best at a size, and by how much. Fits with every
output length and every input length left out in turn show how good the fit is elsewhere.

`--write DATE` puts the constants and the scores into the package's data file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from melange_cloud.documents import dump_json, write_text
from melange_cloud.profiles.aliases import DATA
from melange_cloud.profiles.facts import gpu_facts, interconnect_facts, model_facts
from melange_cloud.profiles.roofline import Roofline

FIGURES = Path(__file__).parent / "data" / "paper_figures.json"
MODEL = "meta-llama/Llama-2-7b-hf"
GPUS = ("L4", "A10G", "A100-80GB", "H100")
A10G, A100 = GPUS.index("A10G"), GPUS.index("A100-80GB")
LONG_INPUT = 12000
"""From here on Figure 5 compares only the 80 GB GPUs."""

NAMES = ("eb", "ef", "t0_s", "t1_s")
BOUNDS = {"eb": (0.3, 0.95), "ef": (0.2, 0.95), "t0_s": (1e-3, 30e-3), "t1_s": (0.0, 2e-3)}
USUAL = {"eb": (0.75, 0.15), "ef": (0.55, 0.15), "t0_s": (6e-3, 5e-3), "t1_s": (0.15e-3, 0.3e-3)}
"""What is usual, and how far from it is unusual. Figures 3 and 5 are ratios and say nothing of the
common scale of the four GPUs' constants; a weak pull to what is usual settles it."""

WINNER_WEIGHT, SECOND_WEIGHT, WORST_WEIGHT, FIGURE_3_WEIGHT = 1.0, 1.0, 0.5, 0.3
USUAL_WEIGHT = 0.01
WINNER_WIDTH = 0.03
"""Margin (logarithm) within which a tile counts as partly won, so that the loss has a slope."""

SEED = 1

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tiles:
    """Figure 5 (and 3 where it has the size): one entry a size; advantages are logarithms."""

    input_tokens: Array
    output_tokens: Array
    best: NDArray[np.int64]
    over_second: Array
    over_worst: Array
    a10g_over_a100: Array  # NaN where Figure 3 has no tile
    usd_per_hour: Array  # one a GPU
    concurrency: Array  # (GPU, size): requests that memory holds
    compared: NDArray[np.bool_]  # (GPU, size)

    def __len__(self) -> int:
        return len(self.best)


def read_tiles() -> Tiles:
    """The published figures as arrays."""
    figures = json.loads(FIGURES.read_text())
    rows = figures["figure_5"]["tiles"]
    third = {(i, o): _log_advantage(pct) for i, o, pct in figures["figure_3"]["tiles"]}
    inputs, outputs = (np.array([row[k] for row in rows], float) for k in (0, 1))
    concurrency = np.array(
        [[_replica(gpu).max_concurrency(row[0], row[1]) for row in rows] for gpu in GPUS], float
    )
    long_input = np.array([[gpu not in ("A100-80GB", "H100")] for gpu in GPUS]) & (
        inputs >= LONG_INPUT
    )
    return Tiles(
        inputs,
        outputs,
        np.array([GPUS.index(row[2]) for row in rows]),
        np.log1p(np.array([row[3] for row in rows]) / 100),
        np.log1p(np.array([row[4] for row in rows]) / 100),
        np.array([third.get((row[0], row[1]), np.nan) for row in rows]),
        np.array([figures["usd_per_hour"][gpu] for gpu in GPUS]),
        concurrency,
        (concurrency >= 1) & ~long_input,
    )


def saturated_rates(constants: Array, tiles: Tiles) -> Array:
    """Requests/s with memory full: constants (..., GPU, 4) -> (..., GPU, size).

    NaN where a size is not compared on a GPU. These are the formulas of
    melange_cloud.profiles.roofline over arrays; a test keeps the two the same.
    """
    model = model_facts(MODEL)
    gpus = [gpu_facts(name) for name in GPUS]
    bandwidth = np.array([[gpu.bandwidth_bytes_per_s] for gpu in gpus])
    flops = np.array([[gpu.fp16_flops] for gpu in gpus])
    eb, ef, t0, t1 = (constants[..., k, None] for k in range(4))
    i, o, running = tiles.input_tokens, tiles.output_tokens, tiles.concurrency
    held = running * (i + o / 2) * model.kv_bytes_per_token
    read = (model.weight_bytes + held) / (eb * bandwidth)
    computed = 2 * model.parameters * running / (ef * flops)
    decode = np.maximum(read, computed) + t0 + t1 * running
    attention = 2 * model.layers * model.hidden * i**2
    prefill = (2 * model.parameters * i + attention) / (ef * flops) + t0
    tpot = decode + running / o * prefill
    return np.where(tiles.compared, running / (o * tpot), np.nan)


@dataclass(frozen=True)
class Predicted:
    """Advantage of the published best GPU over the best and worst of the others (logarithms)."""

    over_second: Array
    over_worst: Array
    a10g_over_a100: Array


def predict(constants: Array, tiles: Tiles) -> Predicted:
    """What the constants say of the figures."""
    value = np.log(saturated_rates(constants, tiles) / tiles.usd_per_hour[:, None])
    is_best = np.arange(len(GPUS))[:, None] == tiles.best
    best = np.where(is_best, value, 0.0).sum(axis=-2)
    others = np.where(is_best, np.nan, value)
    return Predicted(
        best - np.nanmax(others, axis=-2),
        best - np.nanmin(others, axis=-2),
        value[..., A10G, :] - value[..., A100, :],
    )


def loss(vector: Array, tiles: Tiles, used: NDArray[np.bool_]) -> Array:
    """What the fit makes small, over the tiles ``used``; vector is (16, candidates)."""
    constants = np.moveaxis(vector.reshape(len(GPUS), len(NAMES), -1), -1, 0)
    predicted = predict(constants, tiles)
    lost = 1 / (1 + np.exp(np.clip(predicted.over_second / WINNER_WIDTH, -50, 50)))
    third = used & ~np.isnan(tiles.a10g_over_a100)
    difference = np.abs(predicted.a10g_over_a100 - tiles.a10g_over_a100)
    usual, unusual = (np.array([USUAL[name][k] for name in NAMES]) for k in (0, 1))
    result: Array = (
        WINNER_WEIGHT * lost[:, used].mean(-1)
        + SECOND_WEIGHT * np.abs(predicted.over_second - tiles.over_second)[:, used].mean(-1)
        + WORST_WEIGHT * np.abs(predicted.over_worst - tiles.over_worst)[:, used].mean(-1)
        + FIGURE_3_WEIGHT * difference[:, third].mean(-1)
        + USUAL_WEIGHT * (((constants - usual) / unusual) ** 2).mean((-1, -2))
    )
    return result


def fit(tiles: Tiles, used: NDArray[np.bool_]) -> Array:
    """The constants (GPU, 4) that agree best with the tiles ``used``, rounded as they are kept."""
    found = differential_evolution(
        loss,
        [BOUNDS[name] for _ in GPUS for name in NAMES],
        args=(tiles, used),
        vectorized=True,
        updating="deferred",
        popsize=10,
        maxiter=1000,
        tol=1e-7,
        mutation=(0.4, 0.9),
        recombination=0.9,
        polish=False,
        seed=SEED,
    )
    kept = [float(f"{value:.3g}") for value in found.x]
    return np.array(kept).reshape(len(GPUS), len(NAMES))


def leave_out(tiles: Tiles, key: Array) -> Predicted:
    """Each group of tiles with one value of ``key``, as predicted by a fit without it."""
    parts = Predicted(*(np.zeros(len(tiles)) for _ in range(3)))
    for value in np.unique(key):
        left = key == value
        predicted = predict(fit(tiles, ~left), tiles)
        for name in ("over_second", "over_worst", "a10g_over_a100"):
            getattr(parts, name)[left] = getattr(predicted, name)[left]
    return parts


def scores(predicted: Predicted, tiles: Tiles) -> dict[str, float]:
    """Tiles whose best GPU is named, and median errors in percentage points."""

    def median_error(ours: Array, published: Array) -> float:
        return round(float(np.median(np.abs(np.expm1(ours) - np.expm1(published))) * 100), 1)

    third = ~np.isnan(tiles.a10g_over_a100)
    return {
        "tiles_won": int((predicted.over_second > 0).sum()),
        "tiles": len(tiles),
        "median_error_over_second_points": median_error(predicted.over_second, tiles.over_second),
        "median_error_over_worst_points": median_error(predicted.over_worst, tiles.over_worst),
        "median_error_figure_3_points": median_error(
            predicted.a10g_over_a100[third], tiles.a10g_over_a100[third]
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", metavar="DATE", help="put the result into the data file")
    date = parser.parse_args().write
    tiles = read_tiles()
    constants = fit(tiles, np.ones(len(tiles), bool))
    predicted = predict(constants, tiles)
    found = {
        "fitted": scores(predicted, tiles),
        "output_lengths_left_out": scores(leave_out(tiles, tiles.output_tokens), tiles),
        "input_lengths_left_out": scores(leave_out(tiles, tiles.input_tokens), tiles),
    }
    for gpu, values in zip(GPUS, constants.tolist(), strict=True):
        print(f"{gpu:10}", dict(zip(NAMES, values, strict=True)))
    for name, numbers in found.items():
        print(name, numbers)
    for k in np.flatnonzero(predicted.over_second <= 0):
        print(
            f"lost: {tiles.input_tokens[k]:.0f} x {tiles.output_tokens[k]:.0f}: the paper's best, "
            f"{GPUS[tiles.best[k]]} by {np.expm1(tiles.over_second[k]):.0%}, "
            f"is here {-np.expm1(predicted.over_second[k]):.0%} behind"
        )
    if date:
        write(constants, found, date)


def write(constants: Array, found: dict[str, dict[str, float]], date: str) -> None:
    """The constants and how they were fitted, into the package's data file."""
    path = DATA / "gpus.json"
    book: dict[str, Any] = json.loads(path.read_text())
    book["fit"] = {
        "date": date,
        "to": json.loads(FIGURES.read_text())["source"],
        "setup": "Llama-2-7b, fp16, vLLM 0.2.7, at saturation; Figures 3 and 5",
        "by": "scripts/fit_constants.py",
        "bounds": {name: list(bounds) for name, bounds in BOUNDS.items()},
        "usual_and_spread": {name: list(pair) for name, pair in USUAL.items()},
        "scores": found,
    }
    by_gpu = dict(zip(GPUS, constants.tolist(), strict=True))
    for entry in book["gpus"]:
        if entry["gpu"] in by_gpu:
            entry["constants"] = dict(zip(NAMES, by_gpu[entry["gpu"]], strict=True))
    write_text(path, dump_json(book))


def _replica(gpu: str) -> Roofline:
    facts = gpu_facts(gpu)
    return Roofline(model_facts(MODEL), facts, 1, interconnect_facts(facts.interconnect))


def _log_advantage(pct: float) -> float:
    """Figure 3 gives the winner's advantage, negative when A100 is the winner."""
    return float(np.sign(pct) * np.log1p(abs(pct) / 100))


if __name__ == "__main__":
    main()
