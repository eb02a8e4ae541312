"""A workload's histogram as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import bullets, sentence
from melange_cloud.workload.grid import ranges

if TYPE_CHECKING:
    from melange_cloud.workload.document import Workload


def workload_table(workload: Workload) -> str:
    """Shares in percent, a row an input edge, a column an output edge; then origin and notes."""
    columns = [f"≤{edge}" for edge in workload.output_tokens]
    table = new_table(["input \\ output"], [*columns, "all"], keyed=True)
    for edge, row in zip(workload.input_tokens, workload.shares, strict=True):
        table.add_row(f"≤{edge}", *map(_percent, row), _percent(sum(row)))
    table.add_section()
    totals = _outputs(workload)
    table.add_row("all", *map(_percent, totals), _percent(sum(totals)))
    title = f"{workload.name}: % of requests by length, tokens"
    origin = bullets(f"Source: {workload.source}", [workload.provenance])
    notes = bullets("Notes", workload.notes)
    return "\n".join(
        [sentence(title), "", draw(table), *map(sentence, _facts(workload)), origin + notes]
    )


def _facts(workload: Workload) -> Iterator[str]:
    inputs = [sum(row) for row in workload.shares]
    yield (
        f"Mean, from the middles of the ranges: about {_mean(workload.input_tokens, inputs):,.0f} "
        f"input and {_mean(workload.output_tokens, _outputs(workload)):,.0f} output tokens"
    )
    if workload.requests is not None:
        yield f"Requests: {workload.requests:,}"
    if workload.rate is not None:
        yield f"Rate: {workload.rate:.4g} requests/s on average"


def _outputs(workload: Workload) -> list[float]:
    return [sum(column) for column in zip(*workload.shares, strict=True)]


def _mean(edges: Sequence[int], shares: Sequence[float]) -> float:
    middles = [(low + high) / 2 for low, high in ranges(edges)]
    return sum(middle * share for middle, share in zip(middles, shares, strict=True))


def _percent(share: float) -> str:
    """Two decimals; a dot for none, so that what little there is stands out."""
    if share == 0:
        return "·"
    return f"{100 * share:.2f}" if share >= 0.00005 else "<0.01"
