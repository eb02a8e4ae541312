"""How fast the allocation is, compared with alternatives. For `make bench`.

    python scripts/bench_allocation.py [--slices-limit SECONDS] [--repeats N]

It makes three comparisons, each in one run on one machine: the programme with continuous shares
against the paper's slices, a plan over the whole bundled catalogue against a target, and start-up
against the imports that it needs. It prints what it measured and never fails because of timing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.model import build
from melange_cloud.allocation.problem import Column, Problem
from melange_cloud.allocation.solve import fleet_cost, rounded_counts, solve
from melange_cloud.allocation.solver import run
from melange_cloud.planning.inputs import load_inputs
from melange_cloud.planning.planner import make_plan
from melange_cloud.profiles.store import load_profiles
from melange_cloud.profiles.throughput import Slo, Throughputs
from melange_cloud.service import load_service
from melange_cloud.workload.grid import buckets
from melange_cloud.workload.store import load_workload

ROOT = Path(__file__).parents[1]
CHAT = ROOT / "examples" / "chat.yaml"

PAPER_PRICES = {"L4": 0.70, "A10G": 1.01, "A100-80GB": 3.67, "H100": 7.516}
"""USD/h (Griggs et al., arXiv 2404.14527, Table 1)."""
PAPER_RATE = 32.0
PAPER_SLICES = 8
EVENLY = 0.1
"""Share of the requests spread evenly over the grid, so that each of its 60 buckets has some."""
PAPER_CONTEXT = 18_000
"""Tokens: the paper ran Llama-2-7b on all sizes of its grid."""

T = TypeVar("T")
PLAN_IMPORTS = "import typer, pydantic, pulp, highspy"


@dataclass(frozen=True)
class Line:
    """One row of the table that is printed."""

    what: str
    measured: str
    target: str
    met: bool | None
    """None: it only informs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices-limit", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--repeats", type=int, default=7, metavar="N", help="runs of each start-up")
    options = parser.parse_args()
    lines = [
        *against_slices(options.slices_limit),
        *whole_catalogue(),
        *start_up(options.repeats),
    ]
    widths = [max(len(getattr(line, name)) for line in lines) for name in ("what", "measured")]
    for line in lines:
        verdict = {True: "met", False: "MISSED", None: ""}[line.met]
        print(f"{line.what:<{widths[0]}}  {line.measured:<{widths[1]}}  {line.target}  {verdict}")


def paper_problem() -> Problem:
    """60 buckets, 4 GPU types, 32 requests/s: estimated throughputs, the paper's prices."""
    profiles = {
        profile.gpu: profile
        for profile in load_profiles("meta-llama/Llama-2-7b-hf")
        if profile.gpu in PAPER_PRICES
    }
    sizes = load_workload("mixed-80-20", ROOT)
    mixed = sizes.rates(PAPER_RATE)
    grid = buckets(sizes.input_tokens, sizes.output_tokens)
    rates = {b: (1 - EVENLY) * mixed.get(b, 0.0) + EVENLY * PAPER_RATE / len(grid) for b in grid}
    return Problem(
        tuple(rates.values()),
        tuple(
            tuple(Throughputs(profiles[gpu], Slo(120.0), PAPER_CONTEXT).at(b).rate for b in rates)
            for gpu in PAPER_PRICES
        ),
        tuple(Column(gpu, c, 1, price) for c, (gpu, price) in enumerate(PAPER_PRICES.items())),
    )


def against_slices(limit: float) -> list[Line]:
    """Continuous shares (all passes of `solve`) against the slices (one pass of CBC)."""
    problem = paper_problem()
    size = f"{len(problem.rates)} buckets, {len(problem.columns)} GPU types, {PAPER_RATE:g} req/s"
    ours, solution = best_of(5, lambda: solve(problem))
    assert solution is not None
    sliced = build(replace(problem, slices=PAPER_SLICES))
    start = time.perf_counter()
    ended = run(sliced.lp, Deadline(limit), "cbc")
    theirs = time.perf_counter() - start
    cost = f"{fleet_cost(problem, rounded_counts(sliced)):.3f} $/h, {ended.status}"
    if ended.status in ("infeasible", "unknown"):
        cost = "no fleet found"
    at_least = "" if ended.status == "optimal" else "at least "
    ratio = theirs / ours
    return [
        Line(size, f"{ours:.3f} s, {solution.usd_per_hour:.3f} $/h, {solution.status}", "", None),
        Line(f"  the same in {PAPER_SLICES} slices, CBC", f"{theirs:.1f} s, {cost}", "", None),
        Line(
            "  times faster",
            f"{at_least}{ratio:.0f}",
            ">= 100",
            True if ratio >= 100 else False if ended.status == "optimal" else None,
        ),
    ]


def whole_catalogue() -> list[Line]:
    """A plan over every offer of the bundled prices; reading the files is not counted."""
    inputs = load_inputs(load_service(CHAT), CHAT.parent)
    _, planned = best_of(3, lambda: make_plan(inputs))
    regions = len({(offer.provider, offer.region) for offer in inputs.offers})
    plan = planned.plan
    return [
        Line(
            f"plan over {len(inputs.offers)} offers, {regions} regions: solving, with "
            f"{len(plan.baselines)} baselines",
            f"{planned.solve_seconds:.2f} s, {plan.cost.usd_per_hour:.3f} $/h, {plan.status}",
            "< 2 s",
            planned.solve_seconds < 2,
        )
    ]


def start_up(repeats: int) -> list[Line]:
    """Whole commands from the shell against the imports that they need, run in turn."""
    script = Path(sys.executable).with_name("melange-cloud")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "melange_cloud"]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "plan.json")
        plan = [*command, "plan", str(CHAT), "--region", "us-east-1", "--out", out]
        return [
            _beside(
                "plan in one region", plan, "import typer, pydantic, pulp, highspy", 2.5, repeats
            ),
            _beside("--help", [*command, "--help"], "import typer", 2.2, repeats),
        ]


def _beside(what: str, command: Sequence[str], imports: str, target: float, repeats: int) -> Line:
    alone = [sys.executable, "-c", imports]
    pairs = [(seconds_of(command), seconds_of(alone)) for _ in range(repeats + 1)][1:]
    fastest = min(mine for mine, _ in pairs) / min(theirs for _, theirs in pairs)
    middle = statistics.median(mine / theirs for mine, theirs in pairs)
    seconds = statistics.median(mine for mine, _ in pairs)
    return Line(
        f"{what} beside `{imports}`",
        f"{fastest:.2f} x (fastest of each), {middle:.2f} x (median), {seconds:.2f} s",
        f"<= {target} x",
        fastest <= target,
    )


def seconds_of(command: Sequence[str]) -> float:
    """Wall time of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def best_of(repeats: int, work: Callable[[], T]) -> tuple[float, T]:
    """The shortest wall time of some runs, and what they gave."""
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        runs.append((time.perf_counter() - start, result))
    return min(runs, key=lambda run: run[0])


if __name__ == "__main__":
    main()
