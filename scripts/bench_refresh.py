"""How long a refresh of 30 regions takes when every call waits 50 ms.

    python scripts/bench_refresh.py [--latency 0.05] [--regions 15] [--skus 20000]

It refreshes fifteen regions of each cloud through the real SDK clients, from loopback servers in
another process that wait before each answer. The catalogue has as many SKUs as asked for, in pages
of 5000 like the real one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "prices"))

from fakes import Fake, billing_api, compute_api, ec2_api, price_list_api, quotas_api
from samples import A2_SKUS, instance_type, machine, product, region, sku

TYPES = [
    instance_type(f"{family}.{size}xlarge", gpu, count, mib)
    for family, gpu, mib in (("g5", "A10G", 22888), ("g6", "L4", 22888), ("p5", "H100", 81920))
    for size, count in ((1, 1), (2, 1), (4, 1), (8, 1), (12, 4), (24, 4), (48, 8))
]


def serve(pipe: Connection, latency: float, regions: int, skus: int) -> None:
    """Start the fakes, send their addresses, wait for a message, send the number of calls."""
    aws = [f"region-{n}" for n in range(regions)]
    gcp = [f"place-{n}" for n in range(regions)]
    products = [product(t["InstanceType"], "1.5", name) for name in aws for t in TYPES]
    machines = {
        f"{name}-{zone}": [
            machine(f"a2-highgpu-{n}g", "nvidia-tesla-a100", n, 12 * n, 85 * n, f"{name}-{zone}")
            for n in (1, 2, 4, 8)
        ]
        for name in gcp
        for zone in "abc"
    }
    rates = [
        sku(
            rate["description"],
            1_000_000,
            gcp,
            unit=rate["pricingInfo"][0]["pricingExpression"]["usageUnit"],
        )
        for rate in A2_SKUS
    ]
    filler = [sku(f"N2 Instance Core running in Place {n}", n + 1, gcp[:2]) for n in range(skus)]
    apis = [
        ec2_api(aws, TYPES),
        price_list_api(products),
        quotas_api({"L-DB2E81BA": 64.0, "L-417A185B": 0.0}),
        compute_api([region(name, "abc") for name in gcp], machines, page_size=500),
        billing_api([*filler, *rates], page_size=5000),
    ]
    with ExitStack() as stack:
        fakes = [stack.enter_context(Fake(api, latency)) for api in apis]
        pipe.send([fake.url for fake in fakes])
        pipe.recv()
        pipe.send(sum(fake.arrived for fake in fakes))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--latency", type=float, default=0.05, help="seconds that each call waits")
    parser.add_argument("--regions", type=int, default=15, help="regions of each cloud")
    parser.add_argument("--skus", type=int, default=20000, help="SKUs in the billing catalogue")
    arguments = parser.parse_args()
    pipe, other = get_context("spawn").Pipe()
    server = get_context("spawn").Process(
        target=serve,
        args=(other, arguments.latency, arguments.regions, arguments.skus),
        daemon=True,
    )
    server.start()
    ec2, price_list, quotas, compute, billing = pipe.recv()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_EC2": ec2,
        "AWS_ENDPOINT_URL_PRICING": price_list,
        "AWS_ENDPOINT_URL_SERVICE_QUOTAS": quotas,
    }
    start = time.perf_counter()
    from google.auth.credentials import AnonymousCredentials

    from melange_cloud.prices.aws_fetch import Aws
    from melange_cloud.prices.gcp_fetch import Endpoints, Gcp
    from melange_cloud.prices.live import load_live
    from melange_cloud.prices.wanted import Wanted

    with tempfile.TemporaryDirectory() as folder:
        book = load_live(
            Wanted(folder=Path(folder)),
            {
                "aws": Aws.from_environment,
                "gcp": lambda: Gcp("bench", AnonymousCredentials(), Endpoints(compute, billing)),
            },
        )
    seconds = time.perf_counter() - start
    pipe.send("stop")
    calls = pipe.recv()
    print(
        f"{2 * arguments.regions} regions, {calls} calls of {1000 * arguments.latency:.0f} ms, "
        f"{arguments.skus} SKUs: {seconds:.1f} s, imports included ({len(book.offers)} offers); "
        f"calls made one after the other would wait {calls * arguments.latency:.1f} s"
    )
    server.join(5)


if __name__ == "__main__":
    main()
