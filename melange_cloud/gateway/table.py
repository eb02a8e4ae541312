"""From every size of a request to weights over the pools, inside and outside the plan's buckets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from melange_cloud.errors import InvalidInput
from melange_cloud.gateway.routing import overall_shares, whole_weights
from melange_cloud.names import shorten
from melange_cloud.plan import Assignment, Plan

MAX_CELLS = 100_000

Cell = tuple[int, int]
"""Row (input) and column (output) of the table; the last of each is above every edge."""


@dataclass(frozen=True)
class RoutingTable:
    """Weights by size. Row ``k`` holds inputs above edge ``k - 1`` and up to edge ``k``, tokens;
    the last row holds inputs above every edge. Columns are outputs, in the same way.

    ``mean_output``: tokens expected of a request that sets no limit, by row.
    ``weights``: whole numbers in the order of ``pool_ids``. ``overall``: over all requests.
    """

    pool_ids: tuple[str, ...]
    input_edges: tuple[int, ...]
    output_edges: tuple[int, ...]
    mean_output: tuple[int, ...]
    weights: dict[Cell, tuple[int, ...]]
    overall: tuple[int, ...]

    def cell(self, input_tokens: float, output_tokens: float) -> Cell:
        """Where a size belongs; a size on an edge belongs to the lower bucket."""
        return (
            bisect_left(self.input_edges, input_tokens),
            bisect_left(self.output_edges, output_tokens),
        )


def routing_table(plan: Plan) -> RoutingTable:
    """The table of a plan.

    A size outside the plan's buckets gets the weights of the nearest bucket that is large enough
    for it in both lengths. Nearest means in steps of the grid; of equally near buckets it is the
    one with the shorter output, since output is what costs. When no bucket is large enough, the
    size gets the weights of the plan's largest bucket, by input and output together.

    Raises InvalidInput for a plan whose assignment contradicts itself or its pools.
    """
    _check(plan)
    pool_ids = tuple(pool.id for pool in plan.pools)
    input_edges = _edges(entry.input_tokens for entry in plan.assignment)
    output_edges = _edges(entry.output_tokens for entry in plan.assignment)
    planned = {
        (
            bisect_left(input_edges, entry.input_tokens[1]),
            bisect_left(output_edges, entry.output_tokens[1]),
        ): entry
        for entry in plan.assignment
    }
    rows, columns = len(input_edges) + 1, len(output_edges) + 1
    if rows * columns > MAX_CELLS:
        raise InvalidInput(
            f"the plan's grid has {rows * columns:,} cells; a gateway takes at most {MAX_CELLS:,}"
        )
    whole = {at: whole_weights(entry.shares, pool_ids) for at, entry in planned.items()}
    largest = max(planned, key=lambda at: (sum(_upper_edges(planned[at])), at))
    return RoutingTable(
        pool_ids=pool_ids,
        input_edges=input_edges,
        output_edges=output_edges,
        mean_output=_mean_output(planned, rows),
        weights={
            (row, column): whole[_nearest(planned, row, column, rows, columns) or largest]
            for row in range(rows)
            for column in range(columns)
        },
        overall=whole_weights(overall_shares(plan), pool_ids),
    )


def _edges(ranges: Iterable[list[int]]) -> tuple[int, ...]:
    """Every edge above 0 that bounds a range, in rising order."""
    return tuple(sorted({edge for bounds in ranges for edge in bounds if edge > 0}))


def _nearest(
    planned: dict[Cell, Assignment], row: int, column: int, rows: int, columns: int
) -> Cell | None:
    """The planned cell at or above ``row`` and ``column`` that is fewest steps away."""
    for steps in range(rows + columns):
        for up in range(min(steps, columns - 1 - column) + 1):
            if (row + steps - up, column + up) in planned:
                return (row + steps - up, column + up)
    return None


def _mean_output(planned: dict[Cell, Assignment], rows: int) -> tuple[int, ...]:
    """Mean output of each row, tokens, at least 1, taking a bucket's middle for its requests.

    A row without traffic has the mean of the next longer row with traffic; rows above all those
    have the mean of the longest one.
    """
    means: dict[int, int] = {}
    for row in {row for row, _ in planned}:
        entries = [entry for at, entry in planned.items() if at[0] == row]
        tokens = sum(entry.rate * sum(entry.output_tokens) / 2 for entry in entries)
        means[row] = max(1, round(tokens / sum(entry.rate for entry in entries)))
    longest = max(means)
    return tuple(
        means[next((row for row in range(start, rows) if row in means), longest)]
        for start in range(rows)
    )


def _upper_edges(entry: Assignment) -> tuple[int, int]:
    return entry.input_tokens[1], entry.output_tokens[1]


def _check(plan: Plan) -> None:
    pool_ids = [pool.id for pool in plan.pools]
    if not plan.assignment or not pool_ids:
        raise _refused("the plan has no pools or serves no requests, so there is nothing to route")
    if len(set(pool_ids)) < len(pool_ids):
        raise _refused("two pools of the plan have the same id")
    seen: set[tuple[int, int]] = set()
    for entry in plan.assignment:
        for bounds in (entry.input_tokens, entry.output_tokens):
            if len(bounds) != 2 or not 0 <= bounds[0] < bounds[1]:
                raise _refused(f"{bounds} in the plan's assignment is not a range of lengths")
        unknown = sorted(set(entry.shares) - set(pool_ids))
        if unknown:
            names = shorten(", ".join(unknown))
            raise _refused(f"the plan assigns requests to pools it does not have: {names}")
        if not entry.shares:
            raise _refused("a bucket of the plan's assignment has no shares")
        if _upper_edges(entry) in seen:
            raise _refused(f"two buckets of the plan both end at {_upper_edges(entry)} tokens")
        seen.add(_upper_edges(entry))


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, hint="make the plan again with `melange-cloud plan`")
