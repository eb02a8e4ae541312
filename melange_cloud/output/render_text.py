"""What `render` says it did, and what the infrastructure will cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import sentence, usd
from melange_cloud.plan import Plan

if TYPE_CHECKING:
    from melange_cloud.planning.profiling import Profiling
    from melange_cloud.terraform.write import Changes

FEW = 12
"""Paths listed one by one; of more only the number is said."""


def changes_text(folder: Path, changes: Changes) -> str:
    """Which files were added, changed and removed."""
    lines = []
    for word, paths in (
        ("added", changes.added),
        ("changed", changes.changed),
        ("removed", changes.removed),
    ):
        if len(paths) > FEW:
            lines.append(f"  {word}: {len(paths)} files")
        else:
            lines += [f"  {word}: {path}" for path in paths]
    lines += [f"  had been edited by hand: {path}" for path in changes.overwritten]
    lines += [
        f"  left in place, as it was edited by hand: {path}; remove it if it is not yours"
        for path in changes.kept
    ]
    said = [f"{folder}:", *lines] if lines else [f"{folder}: nothing to change"]
    return "\n".join(map(sentence, said))


def rendered_text(plan: Plan) -> str:
    """What will be paid by the hour."""
    table = new_table(("", "place", "type"), ("count", "$/h"))
    for pool in plan.pools:
        place = f"{pool.provider}/{pool.region}"
        table.add_row("GPU", place, pool.instance_type, str(pool.count), usd(pool.usd_per_hour))
    for extra in plan.extras:
        place = f"{extra.provider}/{extra.region}"
        cost = usd(extra.usd_per_hour)
        table.add_row(extra.what, place, extra.instance_type, str(extra.count), cost)
    whole = plan.cost.usd_per_hour + sum(extra.usd_per_hour for extra in plan.extras)
    total = f"Total {usd(whole)} $/h, {usd(plan.cost.usd_per_hour)} of it for GPUs"
    return f"{draw(table)}\n{sentence(total)}"


def profiling_text(profiling: Profiling) -> str:
    """Which machines will measure, and what they cost at most."""
    table = new_table(("profile", "place", "type"), ("$/h", "at most, $"))
    for machine in profiling.machines:
        offer, each = machine.offer, machine.usd_per_hour
        place = f"{offer.provider}/{offer.region}"
        row = (
            machine.profile,
            place,
            offer.instance_type,
            usd(each),
            usd(profiling.usd_at_most_of(machine)),
        )
        table.add_row(*row)
    at_most = (
        f"At most {usd(profiling.usd_at_most)} $: each machine measures for "
        f"{profiling.max_minutes:g} minutes and is ended after {profiling.limit_minutes} minutes"
    )
    return f"{draw(table)}\n{sentence(at_most)}"
