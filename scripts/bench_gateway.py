"""What the gateway adds to a request's latency: the same requests with and without it, in one run.

Runs the real HAProxy with the configuration of a plan in front of stub pools on loopback. One
connection at a time sends requests, alternately to the gateway and directly to the pool that it
chose. Prints a JSON line.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "gateway"), str(ROOT / "templates" / "userdata")]

from gateway_rig import KEY, Rig  # noqa: E402
from http_wire import Connection, request  # noqa: E402
from sample_plans import three_pools  # noqa: E402

REQUESTS = 3000
BODY_BYTES = 2000
TARGET_MS = 1.0


async def measure(rig: Rig) -> dict[str, list[float]]:
    """Milliseconds of each request, by way."""
    body = json.dumps({"max_tokens": 50, "prompt": "x" * BODY_BYTES}).encode()
    wire = request("/v1/completions", body, key=KEY)
    gateway = Connection(rig.port)
    pools = {pool: Connection(port) for pool, port in rig.pool_ports.items()}
    taken: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(-200, REQUESTS):  # the first ones open connections
        started = time.perf_counter()
        chosen = (await gateway.ask(wire)).json()["pool"]
        between = time.perf_counter()
        await pools[chosen].ask(wire)
        ended = time.perf_counter()
        if number >= 0:
            taken["with"].append(1000 * (between - started))
            taken["without"].append(1000 * (ended - between))
    for connection in (gateway, *pools.values()):
        connection.close()
    return taken


def main() -> None:
    if shutil.which("haproxy") is None:
        sys.exit("haproxy is not installed; install it with `apt-get install haproxy`")
    with tempfile.TemporaryDirectory() as folder, Rig(Path(folder), three_pools()) as rig:
        taken = asyncio.run(measure(rig))
    p50 = {way: statistics.median(times) for way, times in taken.items()}
    p99 = {way: statistics.quantiles(times, n=100)[98] for way, times in taken.items()}
    added = p50["with"] - p50["without"]
    print(
        json.dumps(
            {
                "requests": REQUESTS,
                "body_bytes": BODY_BYTES,
                "p50_ms": {way: round(value, 3) for way, value in p50.items()},
                "p99_ms": {way: round(value, 3) for way, value in p99.items()},
                "added_p50_ms": round(added, 3),
                "target_ms": TARGET_MS,
            }
        )
    )
    if added >= TARGET_MS:
        sys.exit(f"the gateway adds {added:.2f} ms at the median; the target is {TARGET_MS} ms")


if __name__ == "__main__":
    main()
