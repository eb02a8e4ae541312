"""`melange-cloud solve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import OutOption, TimeLimitOption, note, print_result


def solve(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="Mélange's JSON config.", show_default=False)
    ],
    details: Annotated[
        bool, typer.Option("--details", help="Also status, lower bound and seconds.")
    ] = False,
    slices: Annotated[
        bool, typer.Option("--slices", help="The paper's sliced form, with slice_factor (slow).")
    ] = False,
    time_limit: TimeLimitOption = 60.0,
    out: OutOption = None,
) -> None:
    """Solve a JSON config of the paper's form.

    The bare programme: gpu_info, workload_distribution and total_request_rate in, counts out.
    """
    from melange_cloud.allocation.infeasibility import explain
    from melange_cloud.allocation.solve import solve as cheapest
    from melange_cloud.documents import dump_json, load_json, write_text
    from melange_cloud.errors import Infeasible
    from melange_cloud.planning.melange_config import MelangeConfig, answer, problem_of

    problem = problem_of(load_json(config, MelangeConfig, "Mélange config"), sliced=slices)
    solution = cheapest(problem, time_limit=time_limit)
    if solution is None:
        raise Infeasible(
            f"no GPU of {config} can serve all buckets",
            [
                f"{problem.rates[b]:g} req/s in a bucket where every tput is 0"
                for b in explain(problem).buckets
            ],
        )
    text = dump_json(answer(problem, solution, details=details))
    print_result(text)
    if out:
        write_text(out, text)
        note(f"wrote {out}")
