"""Several plans side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from melange_cloud.documents import Document
from melange_cloud.errors import InvalidInput
from melange_cloud.plan import Plan, load_plan
from melange_cloud.reading import name_of


class ComparedPlan(Document):
    """What tells one plan from another."""

    file: str
    service: str
    model: str
    rate: float = Field(description="requests/s, without headroom")
    headroom: float
    sizes: str = Field(description="name of the histogram, or inline")
    tpot_ms: float
    ttft_ms: float | None
    status: Literal["optimal", "feasible"]
    usd_per_hour: float
    usd_per_month: float
    more_usd_per_hour: float = Field(description="how much more than the first plan costs")
    more: float | None = Field(
        description="the same as a share of the first plan's cost, 0.05 = 5%; null if that is 0"
    )
    prices: str
    prices_as_of: str | None
    pools: dict[str, int] = Field(description="pool id -> instances")


class Comparison(Document):
    """Plans in the order given; the first is what the others are compared with."""

    schema_: Literal["melange-cloud/comparison/v1"] = Field(
        "melange-cloud/comparison/v1", alias="schema"
    )
    plans: list[ComparedPlan]


def compare_plans(paths: Sequence[Path]) -> Comparison:
    """Read plans and set them side by side.

    Raises InvalidInput for fewer than two, and for a plan whose figures do not agree.
    """
    if len(paths) < 2:
        raise InvalidInput(
            "compare needs at least two plans",
            hint="for example `melange-cloud compare before.json after.json`",
        )
    plans = [(path, load_plan(path)) for path in paths]
    first = plans[0][1].cost.usd_per_hour
    return Comparison(plans=[_compared(path, plan, first) for path, plan in plans])


def _compared(path: Path, plan: Plan, first: float) -> ComparedPlan:
    service, cost = plan.service, plan.cost
    more = cost.usd_per_hour - first
    return ComparedPlan(
        file=name_of(path),
        service=service.name,
        model=service.model,
        rate=service.workload.rate,
        headroom=service.headroom,
        sizes=service.workload.sizes if isinstance(service.workload.sizes, str) else "inline",
        tpot_ms=service.slo.tpot_ms,
        ttft_ms=service.slo.ttft_ms,
        status=plan.status,
        usd_per_hour=cost.usd_per_hour,
        usd_per_month=cost.usd_per_month,
        more_usd_per_hour=round(more, 6),
        more=round(more / first, 6) if first else None,
        prices=plan.prices.source,
        prices_as_of=plan.prices.as_of,
        pools={pool.id: pool.count for pool in plan.pools},
    )
