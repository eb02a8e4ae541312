"""The programme of docs/formulation.md as a PuLP model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulp

from melange_cloud.allocation.problem import Problem


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


def build(problem: Problem, max_regions: int | None = None) -> Model:
    """The programme with its cost as objective.

    ``max_regions`` adds the choice of regions; without it all columns may be used together.
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
    shares = _add_shares(lp, problem, "x", problem.slices)
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
        lp += _load(problem, shares, c) - capacity[c] <= 0, f"capacity_{c}"
    for index, cap in enumerate(problem.caps):
        weighted = pulp.LpAffineExpression({counts[j]: w for j, w in cap.weights.items()})
        lp += weighted <= cap.limit, f"cap_{index}"
    model = Model(problem, lp, counts, shares, cost, capacity)
    if max_regions is not None and max_regions < len(problem.regions):
        _limit_regions(model, max_regions)
    if problem.survive:
        _survive_one_loss(model)
    return model


def _add_shares(
    lp: pulp.LpProblem, problem: Problem, name: str, slices: int | None = None
) -> dict[tuple[int, int], Any]:
    """x[b, c], summing to 1 over the configurations that can serve b."""
    shares: dict[tuple[int, int], Any] = {}
    for b, servers in enumerate(problem.servers):
        if len(servers) == 1:
            shares[b, servers[0]] = 1  # nothing to decide: its load is a constant
        elif slices is None:
            made = [lp.add_variable(f"{name}_{b}_{c}", lowBound=0) for c in servers]
            shares |= {(b, c): share for c, share in zip(servers, made, strict=True)}
            lp += pulp.lpSum(made) == 1, f"serve_{name}_{b}"
        else:
            shares |= _sliced(lp, b, servers, slices)
    return shares


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


def _survive_one_loss(model: Model) -> None:
    """For each configuration, shares that serve everything after losing its largest instance."""
    problem, lp = model.problem, model.lp
    used = model.used()
    for c in problem.offered:
        loss = lp.add_variable(f"loss_{c}", lowBound=0)
        for j, column in enumerate(problem.columns):
            if column.configuration == c:
                lp += loss >= column.replicas * used[j], f"loss_{c}_{j}"
        shares = _add_shares(lp, problem, f"x{c}")
        for other in problem.offered:
            left = model.capacity[other] - (loss if other == c else 0)
            lp += _load(problem, shares, other) - left <= 0, f"survive_{c}_{other}"
