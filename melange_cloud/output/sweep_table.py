"""A sweep as a table for people, and as CSV."""

from __future__ import annotations

import csv
import io

from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import bullets, sentence, usd
from melange_cloud.plan import Pool
from melange_cloud.planning.sweep import Sweep, SweepPoint


def sweep_table(sweep: Sweep) -> str:
    """One table a TPOT: the mix, each single type, and the saving over the cheapest of them."""
    gpus = _gpus(sweep)
    parts = [sentence(f"{sweep.service}: {sweep.model}, USD per hour") + "\n"]
    for tpot_ms in dict.fromkeys(point.tpot_ms for point in sweep.points):
        table = new_table(
            (),
            ("req/s", "mix", *(f"{gpu} only" for gpu in gpus), "saving"),
            ("mix of",),
            keyed=True,
        )
        for point in sweep.points:
            if point.tpot_ms == tpot_ms:
                table.add_row(*_row(point, gpus))
        parts.append(f"TPOT {tpot_ms:g} ms\n{draw(table)}")
    if any("-" in _row(point, gpus) for point in sweep.points):
        parts.append(sentence("-: no such fleet can serve this rate under this TPOT") + "\n")
    parts.append(bullets("Cannot be served", _reasons(sweep)))
    parts.append(bullets("Notes", sweep.notes))
    return "\n".join(part for part in parts if part)


def sweep_csv(sweep: Sweep) -> str:
    """One row a point; empty where there is no fleet."""
    gpus = _gpus(sweep)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["rate", "tpot_ms", "status", "usd_per_hour", "lower_bound_usd_per_hour"]
        + [f"{gpu}_usd_per_hour" for gpu in gpus]
        + ["pools"]
    )
    for point in sweep.points:
        single = {line.gpu: line.usd_per_hour for line in point.baselines}
        row: list[object] = [
            point.rate,
            point.tpot_ms,
            point.status or "infeasible",
            point.cost.usd_per_hour if point.cost else None,
            point.cost.lower_bound_usd_per_hour if point.cost else None,
            *(single.get(gpu) for gpu in gpus),
            " ".join(f"{pool.id}={pool.count}" for pool in point.pools),
        ]
        writer.writerow(row)  # None is written as an empty field
    return text.getvalue()


def _gpus(sweep: Sweep) -> list[str]:
    return sorted({line.gpu for point in sweep.points for line in point.baselines})


def _row(point: SweepPoint, gpus: list[str]) -> list[str]:
    rate = f"{point.rate:g}"
    if point.cost is None:
        return [rate, "-", *("-" for _ in gpus), "-", "cannot be served"]
    single = {line.gpu: line.usd_per_hour for line in point.baselines}
    costs = [cost for cost in single.values() if cost is not None]
    saving = f"{1 - point.cost.usd_per_hour / min(costs):.0%}" if costs else "-"
    mark = "" if point.status == "optimal" else "*"
    return [
        rate,
        usd(point.cost.usd_per_hour) + mark,
        *("-" if (cost := single.get(gpu)) is None else usd(cost) for gpu in gpus),
        saving,
        ", ".join(_pool(pool) for pool in point.pools),
    ]


def _pool(pool: Pool) -> str:
    return f"{pool.count} x {pool.instance_type} ({pool.provider} {pool.region})"


def _reasons(sweep: Sweep) -> list[str]:
    return [
        f"{point.rate:g} req/s at TPOT {point.tpot_ms:g} ms: {'; '.join(point.why)}"
        for point in sweep.points
        if not point.feasible
    ]
