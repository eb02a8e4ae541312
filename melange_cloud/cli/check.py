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
    print_result,
    refuse_keep_with_slices,
    standard_input,
    tolerance_of,
    warn_of_old_prices,
)
from melange_cloud.cli.files import STANDARD_OUTPUT, check_files
from melange_cloud.cli.inputs import read_inputs
from melange_cloud.cli.lists import several
from melange_cloud.cli.live_prices import MaxAgeOption
from melange_cloud.errors import EXIT_REGRESSION, InvalidInput
from melange_cloud.reading import STANDARD_INPUT, name_of

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
        Path,
        typer.Option(
            "--baseline",
            metavar="PLAN",
            help="The committed plan; - for standard input.",
            callback=standard_input,
        ),
    ] = Path("plan.json"),
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar="SERVICE",
            help="The service file whose policy counts, such as that of the base branch; where it "
            "does not exist, no increase is allowed.",
            show_default="the service",
        ),
    ] = None,
    committed: Annotated[
        Path | None,
        typer.Option(
            "--committed",
            metavar="PLAN",
            help="The plan that will be applied: it is verified, its cost counts too, and it is "
            "said when it is stale; - for standard input.",
            callback=standard_input,
        ),
    ] = None,
    max_increase: Annotated[
        list[str] | None,
        several(
            "--max-increase",
            metavar="LIMIT",
            help="Fail when the cost rises by more than any of these: 5%, or 2.50 USD/h.",
            show_default="the service's policy, or else 0%",
        ),
    ] = None,
    warn_increase: Annotated[
        list[str] | None,
        several(
            "--warn-increase",
            metavar="LIMIT",
            help="Warn when the cost rises by more than any of these.",
            show_default="the service's policy",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            metavar="USD",
            help="Fail when the fleet costs more than this a month.",
            show_default="the service's policy",
        ),
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Write the new plan as the baseline, whatever it costs."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Stay close to the fleet of the baseline.")
    ] = False,
    tolerance: ToleranceOption = None,
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
        CheckFormat, typer.Option("--format", help="How the result is printed.")
    ] = CheckFormat.table,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Also write the result to FILE: .md is markdown, .xml JUnit, any other name JSON; "
            "- prints JSON alone. Repeatable.",
        ),
    ] = None,
) -> None:
    """Fail when a service costs more than its committed plan allows.

    Plans the service anew, compares it with the baseline, and says what each cause adds. The exit
    code is 0 for a pass or a warning, and 1 for a fail.
    """
    from melange_cloud.documents import write_text
    from melange_cloud.regression.baseline import same_service
    from melange_cloud.regression.check import Files
    from melange_cloud.regression.committed import load_committed
    from melange_cloud.regression.policy import policy_of
    from melange_cloud.regression.policy_change import load_policy
    from melange_cloud.regression.run import compare, read_baseline
    from melange_cloud.service import ServicePolicy

    refuse_keep_with_slices(bool(keep), slices)
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
    # a committed plan that was kept is compared within it as well
    within = tolerance_of(bool(keep or committed), tolerance)
    if update and committed:
        raise InvalidInput(
            "--update and --committed do not go together",
            hint="leave --committed out: --update writes the plan that will be applied",
        )
    others = {"the policy": policy, "the committed plan": committed}
    reads, writes = _files(baseline, out or [], format_, others, update=update)
    check_files({"the service": service, **reads}, writes)
    earlier = load_policy(policy) if policy else None
    if policy and earlier is None:
        note(f"note: {policy} does not exist, so no increase is allowed")
        earlier = ServicePolicy()
    before = read_baseline(baseline, service, needed=not update)
    applied = load_committed(committed, service) if committed else None
    inputs = read_inputs(service, overrides, profiles, max_age, reads=reads, writes=writes)
    before = before.of(inputs, needed=not update)
    if before.why_none:
        note(f"note: not compared: {before.why_none}")
    if applied and committed:
        same_service(applied, inputs.service.name, committed, "--committed")
    counts = inputs.service.policy if earlier is None else earlier
    names = [Path(name_of(path)).as_posix() if path else None for path in (policy, committed)]
    found = compare(
        inputs,
        before.plan,
        policy_of(counts, max_increase or (), warn_increase or (), budget),
        Files(*(Path(name_of(path)).as_posix() for path in (service, baseline)), *names),
        earlier=earlier,
        committed=applied,
        keep=keep,
        tolerance=within,
        slices=slices,
        time_limit=time_limit,
    )
    if STANDARD_OUTPUT not in (out or []):
        print_result(_written(found.check, format_), format_)
    for path in out or ():
        text = _written(found.check, _format_of(path))
        if path == STANDARD_OUTPUT:
            print_result(text, "document")
        else:
            write_text(path, text)
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


def _files(
    baseline: Path,
    out: list[Path],
    format_: CheckFormat,
    others: dict[str, Path | None],
    *,
    update: bool,
) -> tuple[dict[str, Path | None], dict[str, list[Path]]]:
    """What a check reads beside the service, and what it writes; InvalidInput for what cannot be
    written together."""
    if out.count(STANDARD_OUTPUT) > 1:
        raise InvalidInput("--out - is given twice; only one thing can go to standard output")
    if STANDARD_OUTPUT in out and format_ not in (CheckFormat.table, CheckFormat.json):
        raise InvalidInput(
            f"--out - and --format {format_.value} would both go to standard output",
            hint="leave one of them out, or give --out a file",
        )
    if update and baseline == STANDARD_INPUT:
        raise InvalidInput(
            "--update cannot write the baseline, which is standard input",
            hint="give the file of the baseline, or leave --update out",
        )
    writes = {"--out": out} | ({"--update": [baseline]} if update else {})
    # the baseline is what --update replaces; --out never does
    if update:
        check_files({"the baseline": baseline}, {"--out": out})
    return (others if update else {"the baseline": baseline, **others}), writes


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
