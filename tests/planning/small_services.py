"""Services, offers and profiles small enough to reckon by hand, and the bundled ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.inputs import load_inputs
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer
from melange_cloud.prices.quota import Quota
from melange_cloud.profiles.document import Engine, Profile
from melange_cloud.service import Service

SIZES = {
    "input_tokens": [100, 1000],
    "output_tokens": [100],
    "shares": [[0.75], [0.25]],
}


def service(**fields: Any) -> Service:
    """A service over two sizes at 8 requests/s; ``fields`` are put over it."""
    base = {
        "name": "small",
        "model": "org/model",
        "slo": {"tpot_ms": 100},
        "workload": {"rate": 8, "sizes": SIZES},
    }
    return Service.model_validate(base | fields)


def profile(gpu: str, tensor_parallel: int, short: float, long: float) -> Profile:
    """Sustains ``short`` and ``long`` requests/s of the two sizes; 0 where the SLO is missed."""
    return Profile(
        model="org/model",
        gpu=gpu,
        tensor_parallel=tensor_parallel,
        engine=Engine(name="vllm", version="0.1"),
        source="measured",
        provenance="made up",
        columns=["input_tokens", "output_tokens", "concurrency", "request_rate", "tpot_ms_mean"],
        points=[
            [size, 100, 1, rate or 1.0, 50.0 if rate else 500.0]
            for size, rate in ((100, short), (1000, long))
        ],
    )


def offer(region: str, instance_type: str, gpu: str, gpus: int, price: float) -> Offer:
    return Offer(
        provider="aws",
        region=region,
        instance_type=instance_type,
        gpu=gpu,
        gpu_count=gpus,
        usd_per_hour=price,
        vcpus=gpus * 4,
        as_of="2026-01-02",
    )


OFFERS = (
    offer("us-east-1", "g5.xlarge", "A10G", 1, 1.0),
    offer("us-east-1", "g5.12xlarge", "A10G", 4, 4.5),
    offer("us-east-1", "p4d.24xlarge", "A100-40GB", 8, 20.0),
    offer("us-west-2", "g5.xlarge", "A10G", 1, 0.9),
)
PROFILES = (
    profile("A10G", 1, 2.0, 0.0),
    profile("A10G", 4, 9.0, 4.0),
    profile("A100-40GB", 4, 20.0, 8.0),
)


def inputs(
    asked: Service | None = None,
    offers: tuple[Offer, ...] = OFFERS,
    profiles: tuple[Profile, ...] = PROFILES,
    quotas: tuple[Quota, ...] = (),
) -> Inputs:
    asked = asked or service()
    assert not isinstance(asked.workload.sizes, str)
    book = PriceBook(offers=list(offers), quotas=list(quotas))
    return Inputs(asked, asked.workload.sizes, profiles, book, offers)


def bundled(**fields: Any) -> Inputs:
    """A chat service on bundled sizes, profiles and prices; ``fields`` are put over it."""
    base = {
        "name": "chat",
        "model": "meta-llama/Llama-2-7b-hf",
        "slo": {"tpot_ms": 120},
        "workload": {"rate": 16, "sizes": "arena"},
    }
    return load_inputs(Service.model_validate(base | fields), Path())
