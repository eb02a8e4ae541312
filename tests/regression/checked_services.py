"""A small service with hand-made profiles and prices, and ways to change it."""

from __future__ import annotations

from typing import Any

from melange_cloud.plan import Plan
from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.planner import make_plan
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer
from melange_cloud.profiles.document import Engine, Profile
from melange_cloud.service import Service
from melange_cloud.workload.document import Histogram

COLUMNS = [
    "input_tokens",
    "output_tokens",
    "concurrency",
    "request_rate",
    "ttft_ms_mean",
    "tpot_ms_mean",
]
SHARES = [[0.4, 0.3], [0.2, 0.1]]
SPEEDS = {("L4", 1): 1.0, ("A10G", 1): 1.7, ("H100", 1): 7.0, ("H100", 4): 24.0}
PRICES = {
    ("aws", "us-east-1", "g6.xlarge", "L4", 1): 0.8048,
    ("aws", "us-east-1", "g5.xlarge", "A10G", 1): 1.006,
    ("aws", "us-east-1", "g5.12xlarge", "A10G", 4): 5.672,
    ("aws", "us-east-1", "p5.4xlarge", "H100", 1): 6.88,
    ("aws", "us-east-1", "p5.48xlarge", "H100", 8): 55.04,
    ("gcp", "us-central1", "g2-standard-4", "L4", 1): 0.7,
}


def profile(gpu: str, degree: int, speed: float) -> Profile:
    """A step takes longer the more requests share it; Little's law gives the rate."""
    points: list[list[Any]] = []
    for i, o in ((100, 100), (100, 500), (1000, 100), (1000, 500)):
        for concurrency in (1, 4, 16, 64):
            tpot = round((20 + concurrency * (1 + i / 500)) / speed, 4)
            ttft = round(10 + (i / 10 + concurrency) / speed, 4)
            rate = round(1000 * concurrency / (ttft + o * tpot), 4)
            points.append([i, o, concurrency, rate, ttft, tpot])
    return Profile(
        model="org/model",
        gpu=gpu,
        tensor_parallel=degree,
        engine=Engine(name="vllm"),
        source="measured",
        provenance="made by hand",
        max_model_len=4096,
        columns=COLUMNS,
        points=points,
    )


def inputs(
    *,
    rate: float = 20.0,
    headroom: float = 0.0,
    tpot_ms: float = 80.0,
    ttft_ms: float | None = None,
    slower: float = 1.0,
    dearer: float = 1.0,
    limits: dict[str, Any] | None = None,
    gpus: list[str] | None = None,
    regions: list[str] | None = None,
    name: str = "small",
    policy: dict[str, Any] | None = None,
    max_model_len: int | None = None,
    shares: list[list[float]] | None = None,
    without: tuple[str, ...] = (),
) -> Inputs:
    """The service's inputs; what is not given is as in every other call."""
    histogram = Histogram(
        input_tokens=[100, 1000], output_tokens=[100, 500], shares=shares or SHARES
    )
    service = Service.model_validate(
        {
            "name": name,
            "model": "org/model",
            "slo": {"tpot_ms": tpot_ms, "ttft_ms": ttft_ms},
            "max_model_len": max_model_len,
            "workload": {"rate": rate, "sizes": histogram.model_dump()},
            "headroom": headroom,
            "limits": limits or {},
            "offers": {"gpus": gpus, "regions": regions},
            "policy": policy or {},
        }
    )
    book = PriceBook(
        source="prices.csv",
        offers=[
            Offer(
                provider=provider,
                region=region,
                instance_type=instance_type,
                gpu=gpu,
                gpu_count=count,
                usd_per_hour=round(price * (dearer if gpu != "L4" else 2 - dearer), 6),
                as_of="2026-02-09",
            )
            for (provider, region, instance_type, gpu, count), price in PRICES.items()
            if instance_type not in without
        ],
    )
    profiles = tuple(
        profile(gpu, degree, speed / (slower if gpu != "L4" else 1.0))
        for (gpu, degree), speed in SPEEDS.items()
    )
    offers = tuple(
        offer
        for offer in book.offers
        if (not gpus or offer.gpu in gpus) and (not regions or offer.region in regions)
    )
    return Inputs(service, histogram, profiles, book, offers)


def plan(**changes: Any) -> Plan:
    """The plan of the small service with these changes."""
    return make_plan(inputs(**changes)).plan
