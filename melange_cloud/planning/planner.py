"""From composed inputs to the Plan: solve, compare with single-type fleets, write it down."""

from __future__ import annotations

from dataclasses import dataclass

from melange_cloud import __version__
from melange_cloud.allocation.baselines import Alone, baselines
from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.infeasibility import explain
from melange_cloud.allocation.shares import rounded_shares
from melange_cloud.allocation.solve import Solution, solve
from melange_cloud.errors import Infeasible
from melange_cloud.plan import (
    HOURS_PER_MONTH,
    Assignment,
    Baseline,
    Cost,
    LimitsInput,
    OfferInput,
    Plan,
    PlanInputs,
    PlanPrices,
    PlanProfile,
    Pool,
    ThroughputInput,
    pool_id,
)
from melange_cloud.planning.compose import Composition, Inputs, compose, offer_name
from melange_cloud.planning.curves import profile_input
from melange_cloud.planning.extras import extras, extras_note
from melange_cloud.planning.keeping import keep_to
from melange_cloud.planning.words import (
    cannot_serve,
    left_out_words,
    no_offer_words,
    notes,
    obstacle_words,
    time_limit_notes,
)
from melange_cloud.prices.book import oldest

MONEY_DIGITS = 6

EXPLAIN_S = 5.0
"""Seconds beyond the time limit for finding out why no fleet exists, once that is proven."""


@dataclass(frozen=True)
class Planned:
    """What `make_plan` returns."""

    plan: Plan
    solve_seconds: float
    """How long all optimisation took, baselines included."""


def make_plan(
    inputs: Inputs,
    *,
    slices: int | None = None,
    time_limit: float | Deadline | None = None,
    keep: Plan | None = None,
    tolerance: float = 0.0,
) -> Planned:
    """Find the cheapest fleet for a service, and compare it with fleets of a single GPU type.

    With ``keep``, the fleet is the one with the fewest changes from that plan's fleet among those
    that cost at most (1 + ``tolerance``) times the cheapest. ``slices`` cuts each bucket into so
    many parts, each served by one configuration, as the paper does; None lets shares be
    continuous. ``time_limit`` is in seconds for all optimisation together, or shared with others; a
    plan whose proof it ended has the status ``feasible``, and its notes say which single-type
    fleets were not looked for any more.

    Raises Infeasible, with all its reasons, when no fleet can serve the service; InvalidInput
    when a profile lacks the percentile that the SLO is about; OutsideError when the time limit
    ends before any fleet is found.
    """
    deadline = Deadline.of(time_limit)
    composition = compose(inputs, slices)
    found = keep_to(composition, keep, tolerance, deadline) if keep is not None else None
    solution = (
        found.solution if found is not None else solve_or_explain(inputs, composition, deadline)
    )
    compared = baselines(composition.problem, time_limit=deadline)
    reached = {gpu: alone for gpu, alone in compared.items() if alone is not None}
    others = sum(alone.fleet.seconds for alone in reached.values() if alone.fleet)
    lines = [
        _baseline(composition, gpu, alone, solution.usd_per_hour, deadline)
        for gpu, alone in reached.items()
    ]
    plan = _with_extras(_plan(inputs, composition, solution, lines, time_limit_notes(compared)))
    if found is not None:
        plan = plan.model_copy(update={"kept": found.kept, "notes": found.notes + plan.notes})
    return Planned(plan, solution.seconds + others)


def solve_or_explain(
    inputs: Inputs, composition: Composition, time_limit: float | Deadline | None = None
) -> Solution:
    """The cheapest fleet of a composition, or Infeasible in words and numbers."""
    deadline = Deadline.of(time_limit)
    solution = solve(composition.problem, time_limit=deadline)
    if solution is None:
        reasons = no_offer_words(inputs)
        if not reasons:
            obstacles = explain(composition.problem, deadline.or_in(EXPLAIN_S))
            reasons = obstacle_words(composition, composition.problem, obstacles)
            reasons += left_out_words(inputs) if obstacles.buckets else []
        raise Infeasible(f"no fleet can serve {inputs.service.name}:", reasons)
    return solution


def _with_extras(plan: Plan) -> Plan:
    """The plan with what is paid besides the pools, where Terraform can be rendered for it."""
    found = extras(plan)
    if not found:
        return plan
    return plan.model_copy(update={"extras": found, "notes": [*plan.notes, extras_note()]})


def _plan(
    inputs: Inputs,
    composition: Composition,
    solution: Solution,
    compared: list[Baseline],
    cut_short: list[str],
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
                engine_args=profile.engine.args,
            )
            for profile in composition.profiles
        ],
        notes=[*cut_short, *notes(inputs, composition, used)],
        inputs=_inputs(inputs, composition),
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
            id=pool_id(offer.key, profile.tensor_parallel),
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
        )
    return pools


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
                shares=rounded_shares(dict(sorted(by_pool.items()))),
            )
        )
    return lines


def _baseline(
    composition: Composition, gpu: str, alone: Alone, cost: float, deadline: Deadline
) -> Baseline:
    found = alone.fleet
    if found is None:
        why = cannot_serve(composition, alone.problem, explain(alone.problem, deadline))
        return Baseline(gpu=gpu, feasible=False, why=why)
    counts: dict[str, int] = {}
    types = {offer_name(offer): offer.instance_type for offer in composition.offers}
    for column, count in zip(alone.problem.columns, found.counts, strict=True):
        if count:
            instance_type = types[column.offer]
            counts[instance_type] = counts.get(instance_type, 0) + count
    return Baseline(
        gpu=gpu,
        feasible=True,
        usd_per_hour=_money(found.usd_per_hour),
        saving=round(1 - cost / found.usd_per_hour, 6),
        counts=counts,
    )


def _inputs(inputs: Inputs, composition: Composition) -> PlanInputs:
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
            for offer in inputs.offers
        ],
        throughput=[
            ThroughputInput(
                gpu=profile.gpu, tensor_parallel=profile.tensor_parallel, rates=list(rates)
            )
            for profile, rates in zip(composition.profiles, problem.throughputs, strict=True)
        ],
        profiles=[profile_input(profile) for profile in inputs.profiles],
        limits=LimitsInput(
            max_regions=problem.max_regions,
            survive=problem.survive,
            caps=list(composition.caps),
        ),
    )


def _money(usd: float) -> float:
    return round(usd, MONEY_DIGITS)
