"""Cost over request rates and latency targets, beside single-type fleets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from melange_cloud.documents import Document
from melange_cloud.errors import Infeasible
from melange_cloud.plan import Baseline, Cost, Pool
from melange_cloud.planning.compose import Inputs, compose
from melange_cloud.planning.planner import make_plan
from melange_cloud.planning.words import notes


class SweepPoint(Document):
    """The cheapest fleet at one rate and TPOT, or why there is none."""

    rate: float = Field(description="requests/s, without headroom")
    tpot_ms: float
    feasible: bool
    status: Literal["optimal", "feasible"] | None = None
    cost: Cost | None = None
    pools: list[Pool] = Field(default_factory=list)
    baselines: list[Baseline] = Field(default_factory=list)
    why: list[str] = Field(default_factory=list)


class Sweep(Document):
    """All points of a sweep, TPOT by TPOT, rates as given."""

    schema_: Literal["melange-cloud/sweep/v1"] = Field("melange-cloud/sweep/v1", alias="schema")
    service: str
    model: str
    notes: list[str]
    points: list[SweepPoint]


def sweep_points(
    inputs: Inputs,
    rates: Sequence[float],
    tpots_ms: Sequence[float],
    *,
    slices: int | None = None,
    time_limit: float | None = None,
) -> Iterator[SweepPoint]:
    """Plan the service at every combination of a rate and a TPOT, and yield each as it is solved.

    ``rates`` are in requests/s without headroom, ``tpots_ms`` in ms; all rates of the first TPOT
    come first. ``slices`` and ``time_limit`` are those of `make_plan`, for each point. A point
    that no fleet can serve is not an error: its ``feasible`` is false and ``why`` has the reasons.

    Raises InvalidInput and OutsideError as `make_plan` does.
    """
    for tpot_ms in tpots_ms:
        for rate in rates:
            try:
                plan = make_plan(
                    _at(inputs, rate, tpot_ms), slices=slices, time_limit=time_limit
                ).plan
            except Infeasible as error:
                yield SweepPoint(rate=rate, tpot_ms=tpot_ms, feasible=False, why=error.reasons)
                continue
            yield SweepPoint(
                rate=rate,
                tpot_ms=tpot_ms,
                feasible=True,
                status=plan.status,
                cost=plan.cost,
                pools=plan.pools,
                baselines=plan.baselines,
            )


def sweep_of(inputs: Inputs, points: Sequence[SweepPoint]) -> Sweep:
    """The document: the points, and the notes on all that their fleets use."""
    bought = {
        (pool.provider, pool.region, pool.instance_type, pool.purchase)
        for point in points
        for pool in point.pools
    }
    used = [offer for offer in inputs.offers if offer.key in bought]
    service = inputs.service
    return Sweep(
        service=service.name,
        model=service.model,
        notes=notes(inputs, compose(inputs), used),
        points=list(points),
    )


def _at(inputs: Inputs, rate: float, tpot_ms: float) -> Inputs:
    """The same inputs at another rate and TPOT."""
    service = inputs.service
    moved = service.model_copy(
        update={
            "workload": service.workload.model_copy(update={"rate": rate}),
            "slo": service.slo.model_copy(update={"tpot_ms": tpot_ms}),
        }
    )
    return replace(inputs, service=moved)
