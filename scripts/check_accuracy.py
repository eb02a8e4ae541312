"""Errors of the estimates against published measurements, by source and GPU: docs/accuracy.md.

Prints the tables; ``--write`` puts them into the page between its marks, ``--check`` fails when the
page has other tables. Of these measurements, only the paper's Figure 5 was used to fit the
constants.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from melange_cloud.profiles.calibrate import calibrate
from melange_cloud.profiles.distance import Served
from melange_cloud.profiles.facts import (
    GpuFacts,
    gpu_book,
    gpu_facts,
    interconnect_facts,
    model_facts,
)
from melange_cloud.profiles.model_config import facts_of
from melange_cloud.profiles.roofline import Roofline
from melange_cloud.profiles.store import load_one
from melange_cloud.profiles.throughput import Slo, Throughputs
from melange_cloud.workload.store import load_workload

DATA = Path(__file__).parent / "data"
PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- {}: scripts/check_accuracy.py -->", "<!-- end of {} -->"

SEVEN_B, SEVENTY_B = "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-70b-hf"
CONTEXT = 18000
"""The paper ran the model beyond its own context length."""

MOST_FAILED = 0.01
"""Loads of LLM-Pilot at which a larger share of requests failed are left out: memory ran out."""

THIRTEEN_B = {
    "model_type": "llama", "hidden_size": 5120, "num_hidden_layers": 40,
    "num_attention_heads": 40, "intermediate_size": 13824, "vocab_size": 32000,
    "max_position_embeddings": 2048, "tie_word_embeddings": False,
}  # fmt: skip

MODELS = {
    "llama-7b": SEVEN_B,
    "LLaMA-7B": SEVEN_B,
    "LLaMA-70B": SEVENTY_B,
    "Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
    "Llama-3.3-70B": "meta-llama/Llama-3.1-70B",
}
"""Same shapes as a model whose facts are known."""


@dataclass(frozen=True)
class Pair:
    """One quantity, estimated and published."""

    source: str
    gpu: str
    what: str
    estimated: float
    published: float

    @property
    def error(self) -> float:
        return self.estimated / self.published - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    tables = {
        "errors": _table([*_paper(), *_llm_pilot(), *_tensorrt_llm()]),
        "ratios": _paper_ratios(),
        "calibration": _calibrated(),
    }
    page = PAGE.read_text(encoding="utf-8")
    written = page
    for name, table in tables.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = written.split(begin)
        written = f"{before}{begin}\n{table}{end}{rest.split(end)[1]}"
    if options.write:
        PAGE.write_text(written, encoding="utf-8")
    elif options.check:
        if written != page:
            sys.exit(f"{PAGE} differs from what this script finds; run it with --write")
    else:
        print("\n".join(tables.values()))


def _paper() -> Iterator[Pair]:
    """Absolute figures: Figure 9 and the single-type fleets of Tables 3 and 6."""
    figures = json.loads((DATA / "paper_figures.json").read_text())
    ninth, fleets = figures["figure_9"], figures["tables_3_and_6"]
    for gpu, published in ninth["requests_per_s"].items():
        size = ninth["input_tokens"], ninth["output_tokens"]
        found = _throughputs(gpu, ninth["tpot_ms"]).at_size(*size).rate
        yield Pair("paper, Figure 9", gpu, "requests/s", found, published)
    rates = load_workload("arena", Path()).rates(fleets["requests_per_s"])
    for tpot_ms, table in ((120, "Table 3"), (40, "Table 6")):
        for gpu, published in fleets[f"{tpot_ms}_ms"].items():
            served = {b: _throughputs(gpu, tpot_ms).at(b).rate for b in rates}
            load = sum(rate / served[b] for b, rate in rates.items() if served[b])
            if load:  # one GPU's requests/s are the fleet's over its count
                yield Pair(f"paper, {table}", gpu, "requests/s", 1 / load, 1 / published)


def _llm_pilot() -> Iterator[Pair]:
    for row in _usable_rows():
        replica = _pilot_replica(row)
        size = _pilot_size(row)
        running = min(row["users"], replica.max_concurrency(*size))
        load = replica.load(running, *size)
        source = "LLM-Pilot (a fork of TGI, 2023)"
        gpus = _gpus(row["gpu"].upper(), row["gpus"])
        yield Pair(source, gpus, "requests/s", load.request_rate, row["requests_per_s"])
        yield Pair(source, gpus, "TPOT", load.tpot_s * 1e3, row["tpot_ms_p50"])


def _tensorrt_llm() -> Iterator[Pair]:
    for row in _rows("trtllm.json"):
        degree = row["tensor_parallel"]
        if row["precision"] not in ("FP16", "FP8") or (
            row["metric"] == "output_tok_per_s_as_published" and degree > 1
        ):  # FP4 arithmetic is not modelled; of several GPUs it is not clear what was printed
            continue
        gpu = gpu_facts({"A100": "A100-80GB"}.get(row["gpu"], row["gpu"]))
        model = model_facts(MODELS[row["model"]])
        if row["precision"] == "FP8":
            model = model.model_copy(update={"quantization": "fp8", "bytes_per_kv_value": 1.0})
        replica = Roofline(model, gpu, degree, interconnect_facts(gpu.interconnect))
        size = row["input_tokens"], row["output_tokens"]
        # a batch that is given may be above what vLLM runs at once
        running = min(row["batch"] or _most(replica, size), _in_memory(replica, size))
        if not running:
            continue
        found = replica.load(running, *size).request_rate * size[1]
        total = row["value"] * (degree if row["metric"].endswith("per_gpu") else 1)
        version = "v0.6" if row["page"] == "performance.md" else "v1.0"
        source = f"TensorRT-LLM {version}, {row['precision']}"
        yield Pair(source, _gpus(row["gpu"], degree), "tokens/s", found, total)


def _calibrated() -> str:
    """LLM-Pilot with constants corrected by every other load, at the loads between."""
    lines = [
        "| GPU | model | as estimated | corrected by every other load |",
        "|---|---|---|---|",
    ]
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for row in _usable_rows():
        groups.setdefault((row["gpu"], row["gpus"], row["model"]), []).append(row)
    before, after = [], []
    for (gpu, gpus, model), rows in sorted(groups.items()):
        known, asked = rows[::2], rows[1::2]
        if len(known) < 4 or len(asked) < 2:
            continue
        replica = _pilot_replica(rows[0])
        found = calibrate(replica, [_served(row) for row in known]).constants
        corrected = replace(replica, gpu=replace(replica.gpu, constants=found))
        errors = [[_rate_error(one, row) for row in asked] for one in (replica, corrected)]
        before += errors[0]
        after += errors[1]
        lines.append(
            f"| {_gpus(gpu.upper(), gpus)} | {model} | {_summary(errors[0])} | "
            f"{_summary(errors[1])} |"
        )
    lines.append(f"| all | | {_summary(before)} | {_summary(after)} |")
    return "\n".join(lines) + "\n"


def _rate_error(replica: Roofline, row: dict[str, Any]) -> float:
    size = _pilot_size(row)
    running = min(row["users"], replica.max_concurrency(*size))
    return replica.load(running, *size).request_rate / row["requests_per_s"] - 1


def _served(row: dict[str, Any]) -> Served:
    """Its mean time a token by Little's law: the published TPOT is a median, far below the mean
    of lengths so spread."""
    size = _pilot_size(row)
    tpot_ms = row["users"] / row["requests_per_s"] / size[1] * 1e3
    return Served(size, row["users"], row["requests_per_s"], tpot_ms)


def _paper_ratios() -> str:
    """Figures 3 and 5, as the fit recorded them."""
    scores: Any = gpu_book().fit["scores"]
    names = {
        "fitted": "fitted to them",
        "output_lengths_left_out": "output lengths left out in turn",
        "input_lengths_left_out": "input lengths left out in turn",
    }
    lines = [
        "| constants | best GPU named | median error of the advantage over the second best | "
        "over the worst | of Figure 3 |",
        "|---|---|---|---|---|",
    ]
    for key, name in names.items():
        s = scores[key]
        lines.append(
            f"| {name} | {s['tiles_won']} of {s['tiles']} | "
            f"{s['median_error_over_second_points']:g} points | "
            f"{s['median_error_over_worst_points']:g} points | "
            f"{s['median_error_figure_3_points']:g} points |"
        )
    return "\n".join(lines) + "\n"


def _table(pairs: list[Pair]) -> str:
    groups: dict[tuple[str, str, str], list[float]] = {}
    for pair in pairs:
        groups.setdefault((pair.source, pair.gpu, pair.what), []).append(pair.error)
    lines = [
        "| source | GPU | quantity | points | median error | worst | estimates are |",
        "|---|---|---|---|---|---|---|",
    ]
    for (source, gpu, what), errors in groups.items():
        worst = max(errors, key=abs)
        middle = median(errors)
        lines.append(
            f"| {source} | {gpu} | {what} | {len(errors)} | {median(map(abs, errors)):.0%} | "
            f"{worst:+.0%} | {'too high' if middle > 0 else 'too low'} ({middle:+.0%}) |"
        )
    for what, name in (("requests/s", "all rates"), ("TPOT", "all TPOTs")):
        errors = [p.error for p in pairs if (p.what == "TPOT") == (what == "TPOT")]
        lines.append(
            f"| **{name}** | | | {len(errors)} | {median(map(abs, errors)):.0%} | "
            f"{max(errors, key=abs):+.0%} | ({median(errors):+.0%}) |"
        )
    return "\n".join(lines) + "\n"


def _summary(errors: list[float]) -> str:
    return f"median {median(map(abs, errors)):.0%}, worst {max(errors, key=abs):+.0%}"


def _usable_rows() -> Iterator[dict[str, Any]]:
    for row in _rows("llm_pilot.json"):
        if row["failed"] <= MOST_FAILED * (row["failed"] + row["requests"]):
            yield row


def _rows(name: str) -> list[dict[str, Any]]:
    data = json.loads((DATA / name).read_text(encoding="utf-8"))
    return [dict(zip(data["columns"], row, strict=True)) for row in data["rows"]]


def _pilot_replica(row: dict[str, Any]) -> Roofline:
    gpu = _pilot_gpu(row["gpu"])
    if row["model"] == "llama-13b":
        model, _ = facts_of(THIRTEEN_B, "llama-13b")
    else:
        model = model_facts(MODELS[row["model"]])
    return Roofline(model, gpu, row["gpus"], interconnect_facts(gpu.interconnect))


def _pilot_gpu(name: str) -> GpuFacts:
    """The A10 is an A10G with more tensor-core operations: 125 TFLOPS on its datasheet."""
    if name == "a10":
        return replace(gpu_facts("A10G"), gpu="A10", fp16_flops=125e12)
    return gpu_facts({"a100": "A100-80GB", "t4": "T4"}[name])


def _pilot_size(row: dict[str, Any]) -> tuple[int, int]:
    return round(row["input_tokens"]), round(row["output_tokens"])


def _throughputs(gpu: str, tpot_ms: float) -> Throughputs:
    return Throughputs(load_one(SEVEN_B, gpu, 1), Slo(tpot_ms), CONTEXT)


def _most(replica: Roofline, size: tuple[int, int]) -> int:
    return replica.max_concurrency(*size)


def _in_memory(replica: Roofline, size: tuple[int, int]) -> int:
    return max(0, int(replica.cache_bytes // (sum(size) * replica.kv_bytes_per_token)))


def _gpus(gpu: str, count: int) -> str:
    return f"{count} x {gpu}" if count > 1 else gpu


if __name__ == "__main__":
    main()
