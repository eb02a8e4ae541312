"""The changes between two price books, as a table, JSON or markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from melange_cloud.documents import dump_json
from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import sentence
from melange_cloud.prices.diff import Change

COLUMNS = ("provider", "region", "instance type", "purchase", "GPUs")
NUMBERS = ("old $/h", "new $/h", "change")


def summary(changes: Sequence[Change]) -> str:
    """``3 changed (2 dearer, 1 cheaper), 1 added, 0 removed``, or that nothing changed."""
    if not changes:
        return "no change"
    kinds = Counter(change.kind for change in changes)
    dearer = sum((change.change or 0) > 0 for change in changes)
    cheaper = sum((change.change or 0) < 0 for change in changes)
    return (
        f"{kinds['changed']} changed ({dearer} dearer, {cheaper} cheaper), "
        f"{kinds['added']} added, {kinds['removed']} removed"
    )


def diff_table(changes: Sequence[Change]) -> str:
    """A row a change, and the summary."""
    if not changes:
        return summary(changes) + "\n"
    table = new_table(COLUMNS, NUMBERS, ("note",))
    for change in changes:
        table.add_row(*_cells(change))
    return draw(table) + "\n" + sentence(summary(changes)) + "\n"


def diff_markdown(changes: Sequence[Change]) -> str:
    """For a pull request: the summary, then a table."""
    lines = [f"**Prices: {summary(changes)}**"]
    if changes:
        header = (*COLUMNS, *NUMBERS, "note")
        alignment = ["---"] * len(COLUMNS) + ["---:"] * len(NUMBERS) + ["---"]
        lines += ["", _row(header), _row(alignment)]
        lines += [_row(_cells(change)) for change in changes]
    return "\n".join(lines) + "\n"


def diff_json(changes: Sequence[Change]) -> str:
    """``{schema, changes: [...]}`` with prices at full precision."""
    return dump_json(
        {
            "schema": "melange-cloud/prices-diff/v1",
            "changes": [
                {
                    "kind": change.kind,
                    **change.key._asdict(),
                    "gpu": change.gpu,
                    "gpu_count": change.gpu_count,
                    "old_usd_per_hour": change.old_usd_per_hour,
                    "new_usd_per_hour": change.new_usd_per_hour,
                    "change": change.change,
                    "note": change.note,
                }
                for change in changes
            ],
        }
    )


def _cells(change: Change) -> tuple[str, ...]:
    relative = change.change
    return (
        change.key.provider,
        change.key.region,
        change.key.instance_type,
        change.key.purchase,
        f"{change.gpu_count} x {change.gpu}",
        _dollars(change.old_usd_per_hour),
        _dollars(change.new_usd_per_hour),
        change.kind if relative is None else f"{relative:+.2%}",
        change.note,
    )


def _dollars(price: float | None) -> str:
    return "" if price is None else f"{price:.4f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
