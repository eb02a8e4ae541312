"""A plan for people: the fleet, what it costs beside single-type fleets, and the notes."""

from __future__ import annotations

from melange_cloud.names import shorten
from melange_cloud.output.size_map import letter, size_map
from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import bullets, sentence, usd
from melange_cloud.plan import Plan, Pool
from melange_cloud.service import Service


def plan_table(plan: Plan) -> str:
    """All that `melange-cloud plan` prints."""
    parts = [_heading(plan.service), _fleet(plan), _cost(plan), _sizes(plan), _baselines(plan)]
    return "\n".join([*parts, bullets("Notes", plan.notes)])


def _heading(service: Service) -> str:
    slo = f"TPOT {service.slo.tpot_ms:g} ms"
    if service.slo.ttft_ms is not None:
        slo += f", TTFT {service.slo.ttft_ms:g} ms"
    judged = "mean" if service.slo.percentile == "mean" else f"p{service.slo.percentile}"
    rate = f"{service.workload.rate:g} req/s"
    if service.headroom:
        rate += f" + {service.headroom:.0%} headroom"
    sizes = service.workload.sizes if isinstance(service.workload.sizes, str) else "inline"
    survive = ", survives the loss of one instance" if service.limits.survive else ""
    what = f"{service.model} at {rate}, sizes {sizes}, {slo} ({judged}){survive}"
    return sentence(f"{shorten(service.name)}: {what}") + "\n"


def _fleet(plan: Plan) -> str:
    table = new_table(
        ("pool", "region", "instance", "GPUs"), ("count", "$/h each", "$/h", "busy", "requests")
    )
    letters = _letters(plan)
    for pool in plan.pools:
        kind = f"{pool.gpus_per_instance} x {pool.gpu}"
        if pool.tensor_parallel > 1:
            kind += f", tp {pool.tensor_parallel}"
        instance = pool.instance_type + (" (spot)" if pool.purchase == "spot" else "")
        table.add_row(
            letters[pool.id],
            f"{pool.provider}/{pool.region}",
            instance,
            kind,
            str(pool.count),
            f"{pool.usd_per_hour_each:,.4f}",
            usd(pool.usd_per_hour),
            f"{pool.utilization:.0%}",
            f"{_share(plan, pool):.1%}",
        )
    return draw(table)


def _sizes(plan: Plan) -> str:
    return size_map(plan.assignment, _letters(plan))


def _letters(plan: Plan) -> dict[str, str]:
    """Pool id -> its letter in the table and the map."""
    return {pool.id: letter(number) for number, pool in enumerate(plan.pools)}


def _share(plan: Plan, pool: Pool) -> float:
    """The part of all requests that a pool serves."""
    taken = sum(line.rate * line.shares.get(pool.id, 0) for line in plan.assignment)
    return taken / sum(line.rate for line in plan.assignment)


def _cost(plan: Plan) -> str:
    cost, extras = plan.cost, sum(extra.usd_per_hour for extra in plan.extras)
    proof = "proven cheapest"
    if plan.kept:
        over = cost.usd_per_hour - plan.kept.cheapest_usd_per_hour
        proof = f"{plan.kept.kept} instances kept, {plan.kept.changes} changed, " + (
            f"{usd(over)} $/h over the cheapest" if over >= 0.005 else "as cheap as the cheapest"
        )
    if plan.status != "optimal":
        bound = usd(cost.lower_bound_usd_per_hour)
        proof = f"not proven cheapest: the time limit ended the proof at {bound} $/h"
    lines = [f"Total {usd(cost.usd_per_hour)} $/h, {usd(cost.usd_per_month)} $/month; {proof}"]
    if plan.extras:
        whole = usd(cost.usd_per_hour + extras)
        lines.append(f"  with gateway, load balancers, NAT and disks: {whole} $/h")
    return "\n".join(map(sentence, lines)) + "\n"


def _baselines(plan: Plan) -> str:
    if not plan.baselines:
        return ""
    table = new_table(("one GPU type only",), ("$/h", "saving"), ("instances",))
    # dearest last; those that cannot serve it after all others
    for line in sorted(plan.baselines, key=lambda b: (not b.feasible, b.usd_per_hour or 0, b.gpu)):
        if line.usd_per_hour is None:
            table.add_row(line.gpu, "-", "-", f"cannot: {line.why}")
            continue
        counts = ", ".join(f"{count} x {name}" for name, count in line.counts.items())
        table.add_row(line.gpu, usd(line.usd_per_hour), f"{line.saving:.0%}", counts)
    return draw(table)
