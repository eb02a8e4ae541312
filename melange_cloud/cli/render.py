"""`melange-cloud render`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import note, print_result, standard_input
from melange_cloud.cli.files import refuse_standard_output


class RoutingChoice(StrEnum):
    """How requests find their pool."""

    size = "size"
    weighted = "weighted"


def render(
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN",
            help="The plan (JSON); - for standard input.",
            show_default=False,
            callback=standard_input,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the Terraform files.")
    ] = Path("infra"),
    routing: Annotated[
        RoutingChoice | None,
        typer.Option(
            "--routing",
            help="size: a gateway sends each request where the plan has its size; weighted: one "
            "load balancer splits by weight.",
            show_default="what the plan's shares need",
        ),
    ] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Run terraform fmt, init and validate on the files.")
    ] = False,
) -> None:
    """Write the Terraform that makes a plan's fleet.

    In a folder rendered before, only generated files change, and the command lists them.
    """
    from melange_cloud.output.render_text import changes_text, rendered_text
    from melange_cloud.plan import load_plan
    from melange_cloud.terraform.render import render as render_plan
    from melange_cloud.terraform.run import report
    from melange_cloud.terraform.run import validate as terraform_validate
    from melange_cloud.terraform.write import write_files

    refuse_standard_output(out, "render writes a folder of files")
    rendered = render_plan(load_plan(plan), routing.value if routing else None)
    changes = write_files(out, rendered.files)
    print_result(changes_text(out, changes))
    print_result(rendered_text(rendered.plan))
    for line in rendered.notes:
        note(f"note: {line}")
    if validate:
        note(report(terraform_validate(out, list(rendered.files))))
