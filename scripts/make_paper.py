"""Compute the paper's Tables 3 to 8 again and write docs/paper.md, ours beside theirs.

    python scripts/make_paper.py [--check]

--check writes nothing, and fails when the page differs from what it would write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jinja2

from melange_cloud.bundled import bundled_folder
from melange_cloud.planning.inputs import load_inputs
from melange_cloud.planning.sweep import SweepPoint, sweep_points
from melange_cloud.service import load_service

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "paper.md"
GPUS = ("L4", "A10G", "A100-80GB", "H100")


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        if text != PAGE.read_text():
            sys.exit(f"{PAGE.relative_to(ROOT)} is out of date; run `make paper`")
    else:
        PAGE.write_text(text)
        print(f"wrote {PAGE.relative_to(ROOT)}")


def page() -> str:
    """The whole page, from sweeps made now and the paper's figures."""
    paper = json.loads((ROOT / "scripts" / "data" / "paper_tables.json").read_text())
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled_folder("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    tables = [_table(theirs, paper["rates"]) for theirs in paper["tables"]]
    return environment.get_template("paper.md.j2").render(tables=tables)


def _table(theirs: dict[str, Any], rates: list[float]) -> dict[str, Any]:
    service_file = ROOT / "examples" / "paper" / f"{theirs['workload']}.yaml"
    inputs = load_inputs(load_service(service_file), service_file.parent)
    points = list(sweep_points(inputs, rates, [theirs["tpot_ms"]]))
    mixes = [point.cost.usd_per_hour if point.cost else None for point in points]
    singles = {gpu: [_single(point, gpu) for point in points] for gpu in GPUS}
    rows = []
    for n, rate in enumerate(rates):
        row = [f"{rate:g}", _usd(mixes[n]), _usd(theirs["mix"][n])]
        for gpu in GPUS:
            row += [_usd(singles[gpu][n]), _usd(theirs[gpu][n] if gpu in theirs else None)]
        rows.append(row)
    their_singles = {gpu: theirs[gpu] for gpu in GPUS if gpu in theirs}
    return {
        "workload": theirs["workload"],
        "tpot_ms": theirs["tpot_ms"],
        "columns": ("mix", *GPUS),
        "rows": rows,
        "mixes": [f"{point.rate:g} req/s: {_mix(point)}" for point in points],
        "ratios": ", ".join(
            f"{ours / paper:.2f}" if ours else "-"
            for ours, paper in zip(mixes, theirs["mix"], strict=True)
        ),
        "our_saving": _saving(mixes, singles),
        "their_saving": _saving(theirs["mix"], their_singles),
    }


def _single(point: SweepPoint, gpu: str) -> float | None:
    return next((line.usd_per_hour for line in point.baselines if line.gpu == gpu), None)


def _saving(mixes: list[float | None], singles: dict[str, list[float | None]]) -> str:
    """Lowest and highest saving of the mix over the cheapest single type."""
    savings = []
    for n, mix in enumerate(mixes):
        costs = [costs[n] for costs in singles.values()]
        known = [cost for cost in costs if cost is not None]
        if mix is not None and known:
            savings.append(1 - mix / min(known))
    return f"{min(savings):.0%} to {max(savings):.0%}" if savings else "-"


def _mix(point: SweepPoint) -> str:
    return " + ".join(f"{pool.count} {pool.gpu}" for pool in point.pools) or "none"


def _usd(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:.2f}"


if __name__ == "__main__":
    main()
