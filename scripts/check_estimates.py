"""Prints the bundled estimates beside published figures that the constants were not fitted to.

These are absolute rates of Griggs et al., arXiv 2404.14527: Figure 9, and the single-type fleets of
Tables 3 and 6 at 32 requests/s of chat. Our chat sizes are synthetic, theirs from Chatbot Arena.
"""

from __future__ import annotations

import json
from pathlib import Path

from melange_cloud.profiles.store import load_one
from melange_cloud.profiles.throughput import Slo, Throughputs
from melange_cloud.workload.grid import Bucket
from melange_cloud.workload.store import load_workload

FIGURES = Path(__file__).parent / "data" / "paper_figures.json"
MODEL = "meta-llama/Llama-2-7b-hf"
CONTEXT = 18000
"""The paper ran the model beyond its own context length."""


def main() -> None:
    figures = json.loads(FIGURES.read_text())
    ninth, tables = figures["figure_9"], figures["tables_3_and_6"]
    for gpu, published in ninth["requests_per_s"].items():
        ours = _throughputs(gpu, ninth["tpot_ms"]).at_size(
            ninth["input_tokens"], ninth["output_tokens"]
        )
        print(f"Figure 9, {gpu}: {ours.rate:.2f} requests/s, published {published:g}")
    rates = load_workload("arena", Path()).rates(tables["requests_per_s"])
    for tpot_ms in (120, 40):
        for gpu, published in tables[f"{tpot_ms}_ms"].items():
            needed = _gpus_needed(_throughputs(gpu, tpot_ms), rates)
            print(f"chat at {tpot_ms} ms, {gpu}: {needed} GPUs, published {published}")


def _throughputs(gpu: str, tpot_ms: float) -> Throughputs:
    return Throughputs(load_one(MODEL, gpu, 1), Slo(tpot_ms), CONTEXT)


def _gpus_needed(throughputs: Throughputs, rates: dict[Bucket, float]) -> str:
    """GPUs of one type by load alone, and the share of requests that they cannot serve at all."""
    served = {bucket: throughputs.at(bucket).rate for bucket in rates}
    load = sum(rate / served[bucket] for bucket, rate in rates.items() if served[bucket] > 0)
    unserved = sum(rate for bucket, rate in rates.items() if served[bucket] == 0)
    text = f"{load:.1f}"
    share = unserved / sum(rates.values())
    return f"{text} (it cannot serve a share of {share:.1e})" if unserved else text


if __name__ == "__main__":
    main()
