"""What can be left out of a problem without changing its answer.

A column is left out when another of the same configuration does at least as well in every
respect; of equal ones the first stays, which is also what the tie-breaking order asks for. A
region is left out when another region has such a column for each of its own: any fleet in it
could move there.
"""

from __future__ import annotations

import math
from collections import defaultdict

from melange_cloud.allocation.problem import SAME_COST, Column, Problem


def undominated_columns(problem: Problem) -> list[int]:
    """Indices of the columns that a cheapest fleet may need, in order.

    Columns of instances that run and may be kept (``problem.running``) stay, and then only one
    instance may stand in for one: several smaller ones for a larger one would be more changes.
    """
    # where every region may be used, columns of different regions compete as well
    apart = problem.max_regions < len(problem.regions)
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for j, column in enumerate(problem.columns):
        groups[column.region if apart else "", column.configuration].append(j)
    capped = _cap_weights(problem)
    kept = [
        j
        for group in groups.values()
        for j in group
        if not any(_beats(problem, i, j, capped) for i in group if i != j)
    ]
    return sorted(kept)


def undominated_regions(problem: Problem) -> list[str]:
    """Regions that the cheapest fleet may be in, in order."""
    capped = _cap_weights(problem)
    columns: dict[str, list[int]] = defaultdict(list)
    for j, column in enumerate(problem.columns):
        columns[column.region].append(j)
    kept: list[str] = []
    # the cheapest first, so that most regions fall to the first few
    for region in sorted(columns, key=lambda name: _total_price(problem, columns[name])):
        if not any(_covers(problem, columns[other], columns[region], capped) for other in kept):
            kept = [
                other
                for other in kept
                if not _covers(problem, columns[region], columns[other], capped)
            ]
            kept.append(region)
    return [region for region in problem.regions if region in kept]


def lower_bound(problem: Problem, regions: set[str] | None = None) -> float:
    """USD/h that no fleet in these regions can undercut: each bucket at its cheapest price a
    replica, instances taken in fractions and caps ignored. Inf where a bucket has no server."""
    cheapest: dict[int, float] = {}
    for column in problem.columns:
        if regions is None or column.region in regions:
            each = column.usd_per_hour / column.replicas
            c = column.configuration
            cheapest[c] = min(each, cheapest.get(c, each))
    return sum(
        min(
            (each * problem.load(c, b) for c, each in cheapest.items()),
            default=float("inf"),
        )
        for b in range(len(problem.rates))
    )


def obvious_cost(problem: Problem) -> float:
    """USD/h of a fleet that serves everything: each bucket where it is cheapest in fractions of
    instances, and each configuration on one kind of instance. Inf where limits may forbid it."""
    if problem.caps or problem.unservable or problem.max_regions < len(problem.regions):
        return math.inf
    columns: dict[int, list[Column]] = defaultdict(list)
    for column in problem.columns:
        columns[column.configuration].append(column)
    each = {c: min(o.usd_per_hour / o.replicas for o in offers) for c, offers in columns.items()}
    loads: dict[int, float] = defaultdict(float)
    for b, servers in enumerate(problem.servers):
        c = min(servers, key=lambda c: each[c] * problem.load(c, b))
        loads[c] += problem.load(c, b)
    return sum(
        min(
            o.usd_per_hour * (math.ceil(load * (1 + 1e-9) / o.replicas) + problem.survive)
            for o in columns[c]
        )
        for c, load in loads.items()
    )


def _cap_weights(problem: Problem) -> list[tuple[tuple[int, float], ...]]:
    """For each column, (cap, weight) of the caps it counts in."""
    found: list[list[tuple[int, float]]] = [[] for _ in problem.columns]
    for index, cap in enumerate(problem.caps):
        for j, weight in cap.weights.items():
            if weight:
                found[j].append((index, weight))
    return [tuple(weights) for weights in found]


def _beats(problem: Problem, i: int, j: int, capped: list[tuple[tuple[int, float], ...]]) -> bool:
    """Whether instances of column i can stand in for those of j in every fleet, at no loss.

    One for one at no more cost, or several smaller ones for less: at equal cost the larger
    instance stays, as fewer instances are preferred.
    """
    a, b = problem.columns[i], problem.columns[j]
    if problem.running and (problem.running[j] or a.replicas < b.replicas):
        return False
    if a.configuration != b.configuration:
        return False
    if problem.survive and a.replicas > b.replicas:
        return False  # a larger instance is also a larger loss
    times = math.ceil(b.replicas / a.replicas)
    theirs = dict(capped[j])
    if any(times * weight > theirs.get(cap, 0.0) for cap, weight in capped[i]):
        return False
    if times > 1:
        return times * a.usd_per_hour < b.usd_per_hour - SAME_COST
    if a.usd_per_hour != b.usd_per_hour or a.replicas != b.replicas:
        return a.usd_per_hour <= b.usd_per_hour
    return i < j


def _covers(
    problem: Problem,
    ours: list[int],
    theirs: list[int],
    capped: list[tuple[tuple[int, float], ...]],
) -> bool:
    """Whether any fleet of ``theirs`` can move to ``ours``."""
    return all(any(_beats(problem, i, j, capped) for i in ours) for j in theirs)


def _total_price(problem: Problem, columns: list[int]) -> tuple[int, float]:
    each = [problem.columns[j].usd_per_hour / problem.columns[j].replicas for j in columns]
    return (-len({problem.columns[j].configuration for j in columns}), sum(each) / len(each))
