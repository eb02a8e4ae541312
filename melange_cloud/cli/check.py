"""`melange-cloud check`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melange_cloud.cli.common import (
    GpuOption,
    HeadroomOption,
    PricesOption,
    ProfilesOption,
    ProviderOption,
    PurchaseOption,
    RateOption,
    RegionOption,
    ServiceArgument,
    SlicesOption,
    TimeLimitOption,
    ToleranceOption,
    TpotOption,
    TtftOption,
    note,
    percentage,
    print_result,
    warn_of_old_prices,
)
from melange_cloud.cli.inputs import read_inputs
from melange_cloud.cli.live_prices import MaxAgeOption
from melange_cloud.errors import EXIT_REGRESSION, InvalidInput

if TYPE_CHECKING:
    from melange_cloud.regression.check import Check


class CheckFormat(StrEnum):
    """How a check is printed."""

    table = "table"
    json = "json"
    markdown = "markdown"
    junit = "junit"
    github = "github"
    gitlab = "gitlab"


def check(
    service: ServiceArgument,
    baseline: Annotated[
        Path, typer.Option("--baseline", metavar="PLAN", help="The committed plan.")
    ] = Path("plan.json"),
    max_increase: Annotated[
        list[str] | None,
        typer.Option(
            "--max-increase",
            metavar="LIMIT",
            help="Fail above this: 5% or 2.50 (USD/h). Repeatable: any. Default: the service's "
            "policy; 0% if it has none.",
        ),
    ] = None,
    warn_increase: Annotated[
        list[str] | None,
        typer.Option("--warn-increase", metavar="LIMIT", help="Warn above this. Repeatable."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="Fail above this a month.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Write the new plan as the baseline, whatever it costs."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Plan close to the baseline's fleet.")
    ] = False,
    tolerance: ToleranceOption = "2%",
    rate: RateOption = None,
    tpot_ms: TpotOption = None,
    ttft_ms: TtftOption = None,
    headroom: HeadroomOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    purchase: PurchaseOption = None,
    prices: PricesOption = None,
    max_age: MaxAgeOption = "24h",
    profiles: ProfilesOption = None,
    slices: SlicesOption = None,
    time_limit: TimeLimitOption = 60.0,
    format_: Annotated[
        CheckFormat, typer.Option("--format", help="How to print the result.")
    ] = CheckFormat.table,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Also write it to FILE: .md markdown, .xml JUnit, any other JSON. Repeatable.",
        ),
    ] = None,
) -> None:
    """Fail when a service costs more than its committed plan allows.

    Plans the service anew, compares it with the baseline, and says what each cause adds. Exit
    code 0 for pass and warning, 1 for fail.
    """
    from melange_cloud.documents import write_text
    from melange_cloud.regression.check import Files
    from melange_cloud.regression.policy import policy_of
    from melange_cloud.regression.run import compare, read_baseline

    if keep and slices:
        raise InvalidInput("--keep and --slices do not go together")
    overrides = {
        "rate": rate,
        "tpot_ms": tpot_ms,
        "ttft_ms": ttft_ms,
        "headroom": headroom,
        "provider": provider,
        "region": region,
        "gpu": gpu,
        "purchase": purchase,
        "prices": prices,
    }
    committed = read_baseline(baseline, service, needed=not update)
    inputs = read_inputs(service, overrides, profiles, max_age)
    committed = committed.of(inputs, needed=not update)
    if committed.why_none:
        note(f"not compared: {committed.why_none}")
    found = compare(
        inputs,
        committed.plan,
        policy_of(inputs.service.policy, max_increase or (), warn_increase or (), budget),
        Files(service.as_posix(), baseline.as_posix()),
        keep=keep,
        tolerance=percentage("--tolerance", tolerance),
        slices=slices,
        time_limit=time_limit,
    )
    print_result(_written(found.check, format_))
    for path in out or ():
        write_text(path, _written(found.check, _format_of(path)))
        note(f"wrote {path}")
    if format_ is CheckFormat.github:
        _append_job_summary(_written(found.check, CheckFormat.markdown))
    if found.infeasible is not None or found.plan is None:
        raise found.infeasible or AssertionError("a check without a plan says why")
    warn_of_old_prices(found.plan.prices.as_of)
    if update:
        write_text(baseline, found.plan.to_json())
        note(f"wrote {baseline}")
    elif found.check.verdict == "fail":
        raise typer.Exit(EXIT_REGRESSION)


def _written(found: Check, format_: CheckFormat) -> str:
    from melange_cloud.output.check_github import check_github
    from melange_cloud.output.check_gitlab import check_gitlab
    from melange_cloud.output.check_json import check_json
    from melange_cloud.output.check_junit import check_junit
    from melange_cloud.output.check_markdown import check_markdown
    from melange_cloud.output.check_table import check_table

    write = {
        CheckFormat.table: check_table,
        CheckFormat.json: check_json,
        CheckFormat.markdown: check_markdown,
        CheckFormat.junit: check_junit,
        CheckFormat.github: check_github,
        CheckFormat.gitlab: check_gitlab,
    }
    return write[format_](found)


def _format_of(path: Path) -> CheckFormat:
    by_suffix = {".md": CheckFormat.markdown, ".xml": CheckFormat.junit}
    return by_suffix.get(path.suffix.lower(), CheckFormat.json)


def _append_job_summary(markdown: str) -> None:
    """Into the file that GitHub shows as the summary of the job, where there is one."""
    from melange_cloud.errors import OutsideError

    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown)
    except OSError as error:
        raise OutsideError(f"the job summary {path} cannot be written: {error.strerror}") from None
