"""Why a fleet costs more or less than before: the change divided among its causes.

First the version of the tool: the old inputs solved today, less what they cost when they were
planned. The rest is divided among the causes that changed by their Shapley value: the mean, over
all orders in which the causes could have changed, of what each added. It sums to the change and
does not depend on an order, and a cause that did not change gets nothing. Source: L. S. Shapley,
A value for n-person games, 1953.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from melange_cloud.allocation.cheapest import Coverage, cheapest_cost
from melange_cloud.allocation.deadline import Deadline
from melange_cloud.allocation.elastic import least_unserved
from melange_cloud.allocation.problem import Problem
from melange_cloud.errors import InvalidInput
from melange_cloud.plan import Plan
from melange_cloud.planning.compose import column_caps, make_column, runnable, steady_rate
from melange_cloud.planning.curves import profile_of
from melange_cloud.prices.offer import OfferKey
from melange_cloud.profiles.throughput import Throughputs
from melange_cloud.regression.situation import CAUSES, Cause, Situation, changed, situations

PENALTY = 10.0
"""The assumed cost of a request/s that nobody can serve: this many times the mean cost of a
request/s in the dearer of the two plans. High enough to stand out, low enough to compare."""

DIGITS = 6
"""Decimals of a part, USD/h."""


Value = Callable[[tuple[Cause, ...]], float]
"""Gives the cost when a set of causes is new and all others are old; sorted as in CAUSES."""


@dataclass(frozen=True)
class Unserved:
    """A combination of old and new inputs that no fleet can serve in full."""

    new: tuple[Cause, ...]
    """The causes that are new in it; all others are old."""
    rate: float
    """Requests/s that nobody serves."""


@dataclass(frozen=True)
class Attribution:
    """The change of cost, USD/h, by cause. The parts sum to it."""

    parts: Mapping[str, float]
    """tool, then the causes of CAUSES, then choice: what --keep, --slices or a time limit cost
    over the cheapest fleet, now less then."""
    changed: tuple[Cause, ...]
    solved: int
    """Combinations of old and new that were solved."""
    unserved: tuple[Unserved, ...]
    penalty: float
    """USD/h for each request/s unserved."""


def attribute(
    old: Plan,
    new: Plan,
    book: Mapping[OfferKey, float] | None = None,
    *,
    time_limit: float | Deadline | None = None,
) -> Attribution:
    """Divide the change of cost from ``old`` to ``new`` among its causes.

    ``book`` has those prices that ``new`` was made with but does not carry itself.
    Raises OutsideError when ``time_limit`` (seconds, or shared with others) ends first.
    """
    then, now = situations(old, new, book or {})
    penalty = PENALTY * max(_mean_cost(old), _mean_cost(new))
    costs = _Costs(then, now, penalty, Deadline.of(time_limit))
    causes = changed(then, now)
    before, after = costs.of(()), costs.of(causes)
    planned = cheapest_planned(old)
    parts: dict[str, float] = {"tool": before - planned}
    shares = shapley(causes, costs.of)
    parts |= {cause: shares.get(cause, 0.0) for cause in CAUSES}
    parts["choice"] = (new.cost.usd_per_hour - after) - (old.cost.usd_per_hour - planned)
    total = new.cost.usd_per_hour - old.cost.usd_per_hour
    return Attribution(
        parts=dict(zip(parts, apportion(list(parts.values()), total, DIGITS), strict=True)),
        changed=causes,
        solved=costs.solved,
        unserved=tuple(costs.unserved),
        penalty=penalty,
    )


def shapley(players: Sequence[Cause], value: Value) -> dict[Cause, float]:
    """The Shapley value of each player in the game ``value``, a cost of each set of players."""
    n = len(players)
    shares = {}
    for player in players:
        others = [other for other in players if other != player]
        shares[player] = math.fsum(
            (value(_ordered(*others_in, player)) - value(_ordered(*others_in)))
            / (n * math.comb(n - 1, size))
            for size in range(n)
            for others_in in combinations(others, size)
        )
    return shares


def apportion(parts: Sequence[float], total: float, digits: int) -> list[float]:
    """``parts`` rounded so that they sum to the rounded ``total``; a part of 0 stays 0.

    Parts are rounded down or up by the method of largest remainders. They must sum to ``total``
    except for the rounding of floats.
    """
    unit = 10**digits
    floors = [math.floor(part * unit + 1e-3) for part in parts]
    missing = round(total * unit) - sum(floors)
    by_rest = sorted(
        (i for i, part in enumerate(parts) if abs(part) * unit > 1e-2),
        key=lambda i: floors[i] - parts[i] * unit,
    )
    step = 1 if missing > 0 else -1
    for place in range(abs(missing)):
        if by_rest:
            floors[by_rest[place % len(by_rest)]] += step
    return [floor / unit for floor in floors]


def cheapest_planned(plan: Plan) -> float:
    """USD/h of the cheapest fleet when the plan was made, which `--keep` may not have taken."""
    return plan.kept.cheapest_usd_per_hour if plan.kept else plan.cost.usd_per_hour


def _ordered(*causes: Cause) -> tuple[Cause, ...]:
    return tuple(cause for cause in CAUSES if cause in causes)


def _mean_cost(plan: Plan) -> float:
    return plan.cost.usd_per_hour / math.fsum(line.rate for line in plan.assignment)


class _Costs:
    """The cheapest cost of each combination of an old and a new situation, each solved once."""

    def __init__(self, old: Situation, new: Situation, penalty: float, deadline: Deadline) -> None:
        self._old, self._new = old, new
        self._penalty = penalty
        self._deadline = deadline
        self._found: dict[tuple[Cause, ...], float] = {}
        self._demands: dict[tuple[Cause, ...], tuple[Problem, Coverage]] = {}
        self.unserved: list[Unserved] = []

    @property
    def solved(self) -> int:
        return len(self._found)

    def of(self, new: tuple[Cause, ...]) -> float:
        """USD/h with these causes new and all others old."""
        if new not in self._found:
            self._found[new] = self._solve(new)
        return self._found[new]

    def _solve(self, new: tuple[Cause, ...]) -> float:
        problem, coverage = self._problem(new)
        if not problem.unservable:
            cost = cheapest_cost(problem, coverage, time_limit=self._deadline)
            if cost is not None:
                return cost
        elastic = least_unserved(problem, time_limit=self._deadline)
        self.unserved.append(Unserved(new, round(elastic.unserved_rate, DIGITS)))
        return elastic.usd_per_hour + self._penalty * elastic.unserved_rate

    def _problem(self, new: tuple[Cause, ...]) -> tuple[Problem, Coverage]:
        """The problem of a combination, and the coverage of all that share its throughputs."""
        demand = tuple(cause for cause in new if cause in ("workload", "slo", "model"))
        if demand not in self._demands:
            bare = Problem(*self._rates_and_throughputs(demand), columns=())
            self._demands[demand] = bare, Coverage(bare)
        bare, coverage = self._demands[demand]
        market, prices = self._side("offers", new).offers, self._side("prices", new).prices
        runs = runnable(market.machines, self._side("model", new).model.profiles)
        columns = tuple(
            make_column(machine, c, replicas, prices[machine.key]) for machine, c, replicas in runs
        )
        limits = market.limits
        problem = replace(
            bare,
            columns=columns,
            caps=column_caps(limits.caps, columns),
            max_regions=limits.max_regions,
            survive=limits.survive,
        )
        return problem, coverage

    def _rates_and_throughputs(
        self, new: tuple[Cause, ...]
    ) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
        slo, model = self._side("slo", new).slo, self._side("model", new).model
        buckets, rates = zip(*self._side("workload", new).workload, strict=True)
        rows = []
        for curve in model.profiles:
            try:
                throughputs = Throughputs(profile_of(curve), slo, model.max_model_len)
            except InvalidInput:  # it does not know the percentile that the SLO is about
                rows.append((0.0,) * len(buckets))
            else:
                rows.append(tuple(steady_rate(throughputs.at(bucket)) for bucket in buckets))
        return rates, tuple(rows)

    def _side(self, cause: Cause, new: tuple[Cause, ...]) -> Situation:
        return self._new if cause in new else self._old
