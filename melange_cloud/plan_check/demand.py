"""Requests that are all asked for and all served, by pools with the capacity for them."""

from __future__ import annotations

from collections.abc import Iterator

from melange_cloud.errors import Problem
from melange_cloud.plan import Plan
from melange_cloud.plan_check.numbers import figure, near
from melange_cloud.workload.document import Histogram

SHARE = 1e-9
"""By how much rounding may change a share (`allocation.shares.rounded_shares`)."""

RATE = 1e-6
"""By how much of a rate it may differ from another of the same requests."""

OVERLOAD = 1e-6
"""Share of its replicas by which a pool may be overloaded: a solver's tolerance."""


def demand_problems(plan: Plan) -> Iterator[Problem]:
    """Where the assignment does not serve what the service asks for."""
    yield from _rate_problems(plan)
    yield from _share_problems(plan)
    yield from _load_problems(plan)


def _rate_problems(plan: Plan) -> Iterator[Problem]:
    workload = plan.service.workload
    asked = workload.rate * (1 + plan.service.headroom)
    planned = sum(line.rate for line in plan.assignment)
    if not near(planned, asked, RATE * asked):
        what = f"the rates sum to {figure(planned)} requests/s"
        yield Problem("assignment", f"{what}, but the service asks for {figure(asked)}")
    if not isinstance(workload.sizes, Histogram):
        return
    wanted: dict[tuple[int, ...], float] = {
        (*bucket.input_tokens, *bucket.output_tokens): rate
        for bucket, rate in workload.sizes.rates(asked).items()
    }
    for at, line in enumerate(plan.assignment):
        rate = wanted.pop((*line.input_tokens, *line.output_tokens), 0.0)
        if not near(line.rate, rate, RATE * rate):
            what = f"is {figure(line.rate)}, but the service has {figure(rate)} of these sizes"
            yield Problem(f"assignment[{at}].rate", what)
    if wanted:
        what = f"lacks {len(wanted)} of the sizes that service.workload.sizes has requests of"
        yield Problem("assignment", what)


def _share_problems(plan: Plan) -> Iterator[Problem]:
    known = {pool.id for pool in plan.pools}
    for at, line in enumerate(plan.assignment):
        where = f"assignment[{at}].shares"
        whole = sum(line.shares.values())
        if not near(whole, 1.0, RATE):
            yield Problem(where, f"sum to {figure(whole)}, but must sum to 1")
        yield from (
            Problem(where, f'"{name}" is no pool of the plan')
            for name in sorted(line.shares.keys() - known)
        )


def _load_problems(plan: Plan) -> Iterator[Problem]:
    """Whether each pool can do its work, by the plan's own throughputs."""
    table = {(row.gpu, row.tensor_parallel): row.rates for row in plan.inputs.throughput}
    for number, pool in enumerate(plan.pools):
        where = f"pools[{number}]"
        rates = table.get((pool.gpu, pool.tensor_parallel))
        if rates is None:
            what = f"the plan has no throughput of {pool.gpu} with tensor_parallel"
            yield Problem(where, f"{what} {pool.tensor_parallel}")
            continue
        load = rounding = 0.0
        unserved = None
        for at, (line, most) in enumerate(zip(plan.assignment, rates, strict=True)):
            share = line.shares.get(pool.id, 0.0)
            if most > 0:
                load += line.rate * share / most
                rounding += line.rate * SHARE / most
            elif share:
                unserved = at
        if unserved is not None:
            what = f"serves assignment[{unserved}], where its throughput is 0"
            yield Problem(where, what)
            continue
        replicas = pool.count * pool.replicas_per_instance
        busy, within = load / replicas, OVERLOAD + min(rounding / replicas, 0.001)
        if not busy <= 1 + within:
            what = f"has {replicas} replicas, but its requests keep {figure(load)} busy"
            yield Problem(where, what)
        elif not near(pool.utilization, busy, within):
            what = f"is {figure(pool.utilization)}, but its requests keep {figure(busy)} busy"
            yield Problem(f"{where}.utilization", what)
