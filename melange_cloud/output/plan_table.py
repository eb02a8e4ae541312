"""A plan for people: the fleet, what it costs beside single-type fleets, and the notes."""

from __future__ import annotations

from melange_cloud.output.text import bullets, draw, new_table, usd
from melange_cloud.plan import Assignment, Plan, Pool
from melange_cloud.service import Service


def plan_table(plan: Plan) -> str:
    """All that `melange-cloud plan` prints."""
    parts = [_heading(plan.service), _fleet(plan), _cost(plan), _baselines(plan)]
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
    return f"{service.name}: {service.model} at {rate}, sizes {sizes}, {slo} ({judged}){survive}\n"


def _fleet(plan: Plan) -> str:
    table = new_table(
        ("cloud", "region", "instance", "GPUs"),
        ("count", "$/h each", "$/h", "busy"),
        ("serves (share of requests: tokens in, out)",),
    )
    for pool in plan.pools:
        kind = f"{pool.gpus_per_instance} x {pool.gpu}"
        if pool.tensor_parallel > 1:
            kind += f", tp {pool.tensor_parallel}"
        instance = pool.instance_type + (" (spot)" if pool.purchase == "spot" else "")
        table.add_row(
            pool.provider,
            pool.region,
            instance,
            kind,
            str(pool.count),
            f"{pool.usd_per_hour_each:,.4f}",
            usd(pool.usd_per_hour),
            f"{pool.utilization:.0%}",
            _serves(plan.assignment, pool),
        )
    return draw(table)


def _serves(assignment: list[Assignment], pool: Pool) -> str:
    """Share of all requests, and the sizes that hold 99% of what the pool serves."""
    taken = sorted(
        ((line.rate * line.shares[pool.id], line) for line in assignment if pool.id in line.shares),
        key=lambda item: -item[0],
    )
    rate = sum(part for part, _ in taken)
    seen, main = 0.0, []
    for part, line in taken:
        if seen < 0.99 * rate:
            main.append(line)
        seen += part
    whole = sum(line.rate for line in assignment)
    i = (min(line.input_tokens[0] for line in main), max(line.input_tokens[1] for line in main))
    o = (min(line.output_tokens[0] for line in main), max(line.output_tokens[1] for line in main))
    return f"{rate / whole:.1%}: {i[0]}-{i[1]} in, {o[0]}-{o[1]} out"


def _cost(plan: Plan) -> str:
    cost, extras = plan.cost, sum(extra.usd_per_hour for extra in plan.extras)
    proof = "proven cheapest"
    if plan.kept:
        over = cost.usd_per_hour - plan.kept.cheapest_usd_per_hour
        proof = (
            f"{plan.kept.kept} instances kept, {plan.kept.changes} changed, "
            f"{usd(over)} $/h over the cheapest"
        )
    if plan.status != "optimal":
        bound = usd(cost.lower_bound_usd_per_hour)
        proof = f"not proven cheapest: the time limit ended the proof at {bound} $/h"
    lines = [f"Total {usd(cost.usd_per_hour)} $/h, {usd(cost.usd_per_month)} $/month; {proof}"]
    if plan.extras:
        whole = usd(cost.usd_per_hour + extras)
        lines.append(f"  with gateway, load balancers, NAT and disks: {whole} $/h")
    return "\n".join(lines) + "\n"


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
