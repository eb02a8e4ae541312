"""The plan's shares as a router needs them: by bucket, overall, and whether size matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from melange_cloud.plan import Plan

WEIGHT_TOTAL = 10_000
"""Whole weights of a bucket sum to this: a share is kept to 0.01 of a percentage point."""

_SAME = 0.005
"""Shares that differ by less count as equal: half a percentage point, all that routing can tell."""


def depends_on_size(plan: Plan) -> bool:
    """Whether some bucket's shares differ from another's: then plain weights cannot route."""
    first = plan.assignment[0].shares if plan.assignment else {}
    return any(
        abs(entry.shares.get(pool.id, 0) - first.get(pool.id, 0)) > _SAME
        for entry in plan.assignment
        for pool in plan.pools
    )


def overall_shares(plan: Plan) -> dict[str, float]:
    """Pool id -> its share of all requests, in the plan's order of pools; they sum to 1."""
    total = sum(entry.rate for entry in plan.assignment)
    return {
        pool.id: sum(entry.rate * entry.shares.get(pool.id, 0) for entry in plan.assignment) / total
        for pool in plan.pools
    }


def whole_weights(shares: Mapping[str, float], pool_ids: Sequence[str]) -> tuple[int, ...]:
    """``shares`` as whole weights in the order of ``pool_ids``, summing to WEIGHT_TOTAL.

    Rounded by largest remainder; of equal remainders the first pool's is rounded up.
    """
    total = sum(shares.values())
    exact = [shares.get(pool_id, 0.0) / total * WEIGHT_TOTAL for pool_id in pool_ids]
    weights = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: (weights[k] - exact[k], k))
    for k in by_remainder[: WEIGHT_TOTAL - sum(weights)]:
        weights[k] += 1
    return tuple(weights)
