"""`melange-cloud solve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import OutOption, TimeLimitOption, standard_input
from melange_cloud.cli.files import check_files, deliver
from melange_cloud.reading import name_of


def solve(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG",
            help="A config of the Mélange code (JSON); - for standard input.",
            show_default=False,
            callback=standard_input,
        ),
    ],
    details: Annotated[
        bool,
        typer.Option(
            "--details", help="Also print the status, the lower bound and the seconds taken."
        ),
    ] = False,
    slices: Annotated[
        bool,
        typer.Option(
            "--slices", help="Solve the sliced form of the paper, with slice_factor (slow)."
        ),
    ] = False,
    time_limit: TimeLimitOption = 60.0,
    out: OutOption = None,
) -> None:
    """Solve a config in the format of the Mélange code.

    The optimisation alone: from gpu_info, workload_distribution and total_request_rate it finds how
    many of each GPU to rent.
    """
    from melange_cloud.allocation.infeasibility import explain
    from melange_cloud.allocation.solve import solve as cheapest
    from melange_cloud.documents import dump_json, load_json
    from melange_cloud.errors import Infeasible
    from melange_cloud.planning.melange_config import MelangeConfig, answer, problem_of

    check_files({"the config": config}, {"--out": out})
    problem = problem_of(
        load_json(config, MelangeConfig, "Mélange config", typed=True), sliced=slices
    )
    solution = cheapest(problem, time_limit=time_limit)
    if solution is None:
        raise Infeasible(
            f"no GPU of {name_of(config)} can serve all buckets",
            [
                f"{problem.rates[b]:g} req/s in a bucket where every tput is 0"
                for b in explain(problem).buckets
            ],
        )
    text = dump_json(answer(problem, solution, details=details))
    deliver(out, text, text, "json")
