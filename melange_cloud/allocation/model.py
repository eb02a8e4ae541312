"""The programme of docs/formulation.md as a PuLP model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulp

from melange_cloud.allocation.problem import Problem

UNSEEN = 1e-4
"""Replicas. A smaller load is so near a solver's tolerance that it may seem served by nothing."""
BUDGET_SLACK = 1.01
"""Factor on the budget, so that the bounds which follow from it cut off no fleet sought."""


@dataclass
class Model:
    """A PuLP problem with its variables by meaning."""

    problem: Problem
    lp: pulp.LpProblem
    counts: list[pulp.LpVariable]
    """y: whole instances of each column."""
    shares: dict[tuple[int, int], Any]
    """x: (bucket, configuration) -> variable, sum of slices, or the constant 1."""
    cost: pulp.LpAffineExpression
    capacity: dict[int, pulp.LpAffineExpression]
    """Configuration -> replicas bought."""
    unserved: list[pulp.LpVariable]
    """z: share of each bucket that nobody serves; empty unless the model is elastic."""

    def used(self) -> list[pulp.LpVariable]:
        """u: 1 where a column has any instance. Made on first use."""
        if not hasattr(self, "_used"):
            self._used = [
                self.lp.add_variable(f"u_{j}", cat=pulp.LpBinary)
                for j in range(len(self.problem.columns))
            ]
            for j, (count, used) in enumerate(zip(self.counts, self._used, strict=True)):
                self.lp += count <= self.problem.largest_counts[j] * used, f"used_{j}"
        return self._used


def build(
    problem: Problem,
    max_regions: int | None = None,
    *,
    budget: float = math.inf,
    elastic: bool = False,
) -> Model:
    """The programme with its cost as objective.

    ``max_regions`` adds the choice of regions; without it all columns may be used together.
    ``budget`` is an upper bound, USD/h, that is known for the cost of the fleet sought. It does
    not constrain the fleet; it keeps the coefficients of a row within a few orders of magnitude.
    ``elastic`` lets any share of a bucket go unserved, so that there always is an answer.
    """
    lp = pulp.LpProblem("fleet", pulp.LpMinimize)
    counts = [
        lp.add_variable(f"y_{j}", lowBound=0, cat=pulp.LpInteger)
        for j in range(len(problem.columns))
    ]
    cost = pulp.LpAffineExpression(
        {count: column.usd_per_hour for count, column in zip(counts, problem.columns, strict=True)}
    )
    lp += cost
    unserved = [
        lp.add_variable(f"unserved_{b}", lowBound=0)
        for b in range(len(problem.rates) if elastic else 0)
    ]
    affordable = _affordable(problem, budget)
    shares = _add_shares(lp, problem, "x", affordable, unserved, problem.slices)
    capacity = {
        c: pulp.LpAffineExpression(
            {
                count: column.replicas
                for count, column in zip(counts, problem.columns, strict=True)
                if column.configuration == c
            }
        )
        for c in problem.offered
    }
    for c in problem.offered:
        _limit_load(lp, problem, shares, c, capacity[c], f"capacity_{c}")
    for index, cap in enumerate(problem.caps):
        weighted = pulp.LpAffineExpression({counts[j]: w for j, w in cap.weights.items()})
        lp += weighted <= cap.limit, f"cap_{index}"
    model = Model(problem, lp, counts, shares, cost, capacity, unserved)
    if max_regions is not None and max_regions < len(problem.regions):
        _limit_regions(model, max_regions)
    if problem.survive:
        _survive_one_loss(model, affordable)
    return model


def _affordable(problem: Problem, budget: float) -> dict[int, float]:
    """Configuration -> the most replicas of it that the budget can buy, but at least one."""
    each = {
        c: min(o.usd_per_hour / o.replicas for o in problem.columns if o.configuration == c)
        for c in problem.offered
    }
    return {c: max(1.0, BUDGET_SLACK * budget / price) for c, price in each.items()}


def _add_shares(
    lp: pulp.LpProblem,
    problem: Problem,
    name: str,
    affordable: Mapping[int, float],
    unserved: list[pulp.LpVariable],
    slices: int | None = None,
) -> dict[tuple[int, int], Any]:
    """x[b, c], summing to 1 over the configurations that can serve b and what goes unserved."""
    shares: dict[tuple[int, int], Any] = {}
    for b, servers in enumerate(problem.servers):
        if unserved:
            made = [lp.add_variable(f"{name}_{b}_{c}", lowBound=0) for c in servers]
            shares |= {(b, c): share for c, share in zip(servers, made, strict=True)}
            lp += pulp.lpSum([*made, unserved[b]]) == 1, f"serve_{name}_{b}"
        elif len(servers) == 1:
            shares[b, servers[0]] = 1  # nothing to decide: its load is a constant
        elif slices is None:
            made = [
                _share(lp, f"{name}_{b}_{c}", affordable[c] / problem.load(c, b)) for c in servers
            ]
            shares |= {(b, c): share for c, share in zip(servers, made, strict=True)}
            lp += pulp.lpSum(made) == 1, f"serve_{name}_{b}"
        else:
            shares |= _sliced(lp, b, servers, slices)
    return shares


def _share(lp: pulp.LpProblem, name: str, most: float) -> Any:
    """A share of at most ``most``. Where that is below 1, the variable is the part of ``most``.

    Otherwise a bucket that would take a million replicas of a configuration would have a
    coefficient of a million, and a solver's tolerance would amount to a whole replica.
    """
    if most >= 1:
        return lp.add_variable(name, lowBound=0)
    return most * lp.add_variable(name, lowBound=0, upBound=1)


def _limit_load(
    lp: pulp.LpProblem,
    problem: Problem,
    shares: dict[tuple[int, int], Any],
    c: int,
    replicas: Any,
    name: str,
) -> None:
    """Configuration c is not overloaded, and serves nothing, however little, without a replica."""
    lp += _load(problem, shares, c) - replicas <= 0, name
    for (b, server), share in shares.items():
        if server == c and problem.load(c, b) < UNSEEN:
            lp += share - replicas <= 0, f"{name}_{b}"


def _sliced(
    lp: pulp.LpProblem, b: int, servers: tuple[int, ...], slices: int
) -> dict[tuple[int, int], Any]:
    """The paper's form: each slice of a bucket is a 0/1 choice (section 5.4.1)."""
    choices = [
        {c: lp.add_variable(f"s_{b}_{s}_{c}", cat=pulp.LpBinary) for c in servers}
        for s in range(slices)
    ]
    for s, choice in enumerate(choices):
        lp += pulp.lpSum(choice.values()) == 1, f"serve_{b}_{s}"
    return {(b, c): pulp.lpSum(choice[c] for choice in choices) / slices for c in servers}


def _load(problem: Problem, shares: dict[tuple[int, int], Any], c: int) -> Any:
    """Replicas of configuration c that the shares keep busy."""
    terms = [problem.load(c, b) * share for (b, server), share in shares.items() if server == c]
    return pulp.lpSum(terms)


def _limit_regions(model: Model, max_regions: int) -> None:
    """At most ``max_regions`` regions are used: y <= M z, sum z <= max_regions."""
    problem = model.problem
    chosen = {
        region: model.lp.add_variable(f"z_{index}", cat=pulp.LpBinary)
        for index, region in enumerate(problem.regions)
    }
    for j, column in enumerate(problem.columns):
        bound = problem.largest_counts[j]
        model.lp += model.counts[j] <= bound * chosen[column.region], f"region_{j}"
    model.lp += pulp.lpSum(chosen.values()) <= max_regions, "max_regions"


def _survive_one_loss(model: Model, affordable: Mapping[int, float]) -> None:
    """For each configuration, shares that serve everything after losing its largest instance."""
    problem, lp = model.problem, model.lp
    used = model.used()
    for c in problem.offered:
        loss = lp.add_variable(f"loss_{c}", lowBound=0)
        for j, column in enumerate(problem.columns):
            if column.configuration == c:
                lp += loss >= column.replicas * used[j], f"loss_{c}_{j}"
        shares = _add_shares(lp, problem, f"x{c}", affordable, model.unserved)
        for other in problem.offered:
            left = model.capacity[other] - (loss if other == c else 0)
            _limit_load(lp, problem, shares, other, left, f"survive_{c}_{other}")
