"""From composed inputs to the Plan: solve, compare with single-type fleets, write it down."""

from __future__ import annotations

import re
from dataclasses import dataclass

from melange_cloud import __version__
from melange_cloud.allocation.baselines import baselines
from melange_cloud.allocation.infeasibility import explain
from melange_cloud.allocation.problem import Problem
from melange_cloud.allocation.solve import Solution, solve
from melange_cloud.errors import Infeasible
from melange_cloud.plan import (
    HOURS_PER_MONTH,
    Assignment,
    Baseline,
    CapInput,
    Cost,
    LimitsInput,
    OfferInput,
    Plan,
    PlanInputs,
    PlanPrices,
    PlanProfile,
    Pool,
    ThroughputInput,
)
from melange_cloud.planning.compose import Composition, Inputs, compose, offer_name
from melange_cloud.planning.words import cannot_serve, notes, obstacle_words
from melange_cloud.prices.book import oldest

MONEY_DIGITS = 6


@dataclass(frozen=True)
class Planned:
    """A plan, and how long its optimisation took in all, baselines included (seconds)."""

    plan: Plan
    solve_seconds: float


def make_plan(
    inputs: Inputs, *, slices: int | None = None, time_limit: float | None = None
) -> Planned:
    """The cheapest fleet for a service.

    Raises Infeasible with all that stands in the way when there is none.
    """
    composition = compose(inputs, slices)
    solution = solve_or_explain(inputs, composition, time_limit)
    compared = baselines(composition.problem, time_limit=time_limit)
    others = sum(found.seconds for _, found in compared.values() if found)
    lines = [
        _baseline(composition, gpu, alone, found, solution.usd_per_hour)
        for gpu, (alone, found) in compared.items()
    ]
    return Planned(_plan(inputs, composition, solution, lines), solution.seconds + others)


def solve_or_explain(
    inputs: Inputs, composition: Composition, time_limit: float | None = None
) -> Solution:
    """The cheapest fleet of a composition, or Infeasible in words and numbers."""
    solution = solve(composition.problem, time_limit=time_limit)
    if solution is None:
        obstacles = explain(composition.problem)
        reasons = obstacle_words(composition, composition.problem, obstacles)
        raise Infeasible(f"no fleet can serve {inputs.service.name}:", reasons)
    return solution


def _plan(
    inputs: Inputs, composition: Composition, solution: Solution, compared: list[Baseline]
) -> Plan:
    pools = _pools(composition, solution)
    used = [composition.offers[index] for index in _bought(composition, solution)]
    undated = any(offer.as_of is None for offer in used)
    return Plan(
        tool_version=__version__,
        service=inputs.service,
        status=solution.status,
        cost=Cost(
            usd_per_hour=_money(solution.usd_per_hour),
            usd_per_month=round(solution.usd_per_hour * HOURS_PER_MONTH, 2),
            lower_bound_usd_per_hour=_money(solution.lower_bound),
        ),
        extras=[],
        pools=list(pools.values()),
        assignment=_assignment(composition, solution, pools),
        baselines=compared,
        prices=PlanPrices(
            source=inputs.book.source,
            as_of=None if undated else oldest(used),
            digest=inputs.book.digest(),
        ),
        profiles=[
            PlanProfile(
                gpu=profile.gpu,
                tensor_parallel=profile.tensor_parallel,
                source=profile.source,
                digest=profile.digest,
            )
            for profile in composition.profiles
        ],
        notes=notes(inputs, composition, used),
        inputs=_inputs(composition),
    )


def _bought(composition: Composition, solution: Solution) -> list[int]:
    """Indices of the offers that the fleet has instances of."""
    pairs = zip(composition.column_offers, solution.counts, strict=True)
    return sorted({index for index, count in pairs if count})


def _pools(composition: Composition, solution: Solution) -> dict[int, Pool]:
    """Pools by column index."""
    pools = {}
    for j, count in enumerate(solution.counts):
        if not count:
            continue
        column = composition.problem.columns[j]
        offer = composition.offers[composition.column_offers[j]]
        profile = composition.profiles[column.configuration]
        pools[j] = Pool(
            id=_pool_id(offer.provider, offer.region, offer.instance_type, offer.purchase,
                        profile.tensor_parallel),
            provider=offer.provider,
            region=offer.region,
            instance_type=offer.instance_type,
            purchase=offer.purchase,
            gpu=offer.gpu,
            gpus_per_instance=offer.gpu_count,
            tensor_parallel=profile.tensor_parallel,
            replicas_per_instance=column.replicas,
            count=count,
            usd_per_hour_each=offer.usd_per_hour,
            usd_per_hour=_money(count * offer.usd_per_hour),
            utilization=round(solution.utilization[column.configuration], 6),
        )  # fmt: skip
    return pools


def _pool_id(
    provider: str, region: str, instance_type: str, purchase: str, tensor_parallel: int
) -> str:
    parts = [provider, region, instance_type, f"tp{tensor_parallel}"]
    if purchase != "on-demand":
        parts.append(purchase)
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def _assignment(
    composition: Composition, solution: Solution, pools: dict[int, Pool]
) -> list[Assignment]:
    """Each bucket's shares by pool: a configuration's share, by replicas among its pools."""
    by_configuration: dict[int, list[Pool]] = {}
    for j, pool in pools.items():
        configuration = composition.problem.columns[j].configuration
        by_configuration.setdefault(configuration, []).append(pool)
    lines = []
    for bucket, rate, shares in zip(
        composition.buckets, composition.problem.rates, solution.shares, strict=True
    ):
        by_pool: dict[str, float] = {}
        for c, share in shares.items():
            weights = {p.id: p.count * p.replicas_per_instance for p in by_configuration[c]}
            whole = sum(weights.values())
            by_pool |= {name: share * weight / whole for name, weight in weights.items()}
        lines.append(
            Assignment(
                input_tokens=list(bucket.input_tokens),
                output_tokens=list(bucket.output_tokens),
                rate=rate,
                shares=_summing_to_one(by_pool),
            )
        )
    return lines


def _summing_to_one(shares: dict[str, float]) -> dict[str, float]:
    rounded = {name: round(share, 6) for name, share in sorted(shares.items())}
    rounded = {name: share for name, share in rounded.items() if share > 0}
    largest = max(rounded, key=lambda name: rounded[name])
    rest = sum(share for name, share in rounded.items() if name != largest)
    return rounded | {largest: round(1 - rest, 6)}


def _baseline(
    composition: Composition, gpu: str, alone: Problem, found: Solution | None, cost: float
) -> Baseline:
    if found is None:
        why = cannot_serve(composition, alone, explain(alone))
        return Baseline(gpu=gpu, feasible=False, why=why)
    counts: dict[str, int] = {}
    for column, count in zip(alone.columns, found.counts, strict=True):
        if count:
            instance_type = column.offer.split("/")[2]
            counts[instance_type] = counts.get(instance_type, 0) + count
    return Baseline(
        gpu=gpu,
        feasible=True,
        usd_per_hour=_money(found.usd_per_hour),
        saving=round(1 - cost / found.usd_per_hour, 6),
        counts=counts,
    )


def _inputs(composition: Composition) -> PlanInputs:
    problem = composition.problem
    return PlanInputs(
        offers=[
            OfferInput(
                provider=offer.provider,
                region=offer.region,
                instance_type=offer.instance_type,
                purchase=offer.purchase,
                gpu=offer.gpu,
                gpu_count=offer.gpu_count,
                usd_per_hour=offer.usd_per_hour,
            )
            for offer in composition.offers
        ],
        throughput=[
            ThroughputInput(
                gpu=profile.gpu, tensor_parallel=profile.tensor_parallel, rates=list(rates)
            )
            for profile, rates in zip(composition.profiles, problem.throughputs, strict=True)
        ],
        limits=LimitsInput(
            max_regions=problem.max_regions,
            survive=problem.survive,
            caps=[
                CapInput(
                    name=cap.name,
                    limit=cap.limit,
                    weights={
                        offer_name(composition.offers[composition.column_offers[j]]): weight
                        for j, weight in cap.weights.items()
                    },
                )
                for cap in problem.caps
            ],
        ),
    )


def _money(usd: float) -> float:
    return round(usd, MONEY_DIGITS)
