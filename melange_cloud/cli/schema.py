"""`melange-cloud schema`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from melange_cloud.cli.common import OutOption
from melange_cloud.cli.files import deliver


class Name(StrEnum):
    """Documents that have a JSON Schema."""

    service = "service"
    workload = "workload"
    profile = "profile"
    prices = "prices"
    plan = "plan"


def schema(
    name: Annotated[
        Name, typer.Argument(metavar="NAME", help="Kind of document.", show_default=False)
    ],
    out: OutOption = None,
) -> None:
    """Print the JSON Schema of a document.

    NAME is service, workload, profile, prices or plan.
    """
    from melange_cloud.documents import dump_json
    from melange_cloud.schemas import json_schema

    text = dump_json(json_schema(name.value))
    deliver(out, text, text, "json")
