"""The gateway under load: the plan's shares, dying pools, reloads and new weights."""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from gateway_rig import KEY, Rig
from gateway_update import install
from http_wire import request
from load import drive
from sample_plans import INPUTS, OUTPUTS, swapped, three_pools

from melange_cloud.plan import Plan

pytestmark = [pytest.mark.gateway, pytest.mark.usefixtures("haproxy")]

Bucket = tuple[int, int, int, int]


def requests_of(count: int, seed: int = 1, **fields: object) -> tuple[list[Bucket], list[bytes]]:
    """Requests of every bucket in turn, of any size within it, edges included."""
    chance = random.Random(seed)
    buckets = [(*inputs, *outputs) for inputs in INPUTS for outputs in OUTPUTS]
    chosen, wires = [], []
    for number in range(count):
        i_low, i_high, o_low, o_high = bucket = buckets[number % len(buckets)]
        wish = json.dumps({"max_tokens": chance.randint(o_low + 1, o_high), **fields, "prompt": ""})
        size = chance.randint(max(i_low * 4 + 1, len(wish)), i_high * 4)
        body = wish[:-2] + "x" * (size - len(wish)) + '"}'
        chosen.append(bucket)
        wires.append(request("/v1/completions", body.encode(), key=KEY))
    return chosen, wires


def worst_difference(plan: Plan, buckets: list[Bucket], pools: list[str | None]) -> float:
    """Percentage points between what a bucket's pools got and its shares, in the worst bucket."""
    got: dict[Bucket, Counter[str | None]] = defaultdict(Counter)
    for bucket, pool in zip(buckets, pools, strict=True):
        got[bucket][pool] += 1
    return 100 * max(
        abs(got[bucket][pool.id] / sum(got[bucket].values()) - entry.shares.get(pool.id, 0))
        for entry in plan.assignment
        if sum(got[bucket := (*entry.input_tokens, *entry.output_tokens)].values()) >= 1000
        for pool in plan.pools
    )


def test_20000_requests_land_within_a_percentage_point_of_the_shares(tmp_path: Path) -> None:
    plan = three_pools()
    buckets, wires = requests_of(20_000)
    with Rig(tmp_path, plan) as rig:
        outcome = drive(rig.port, wires)
    assert not outcome.failures
    assert min(Counter(buckets).values()) >= 1000
    assert worst_difference(plan, buckets, outcome.pools) < 1


@pytest.mark.parametrize("victims", [["aws-l4"], ["gcp-a100"], ["aws-l4", "aws-a10g"]])
def test_a_pool_killed_under_load_fails_no_request(tmp_path: Path, victims: list[str]) -> None:
    plan = three_pools()
    buckets, wires = requests_of(9_000, delay=0.02)
    with Rig(tmp_path, plan) as rig:
        kills = [
            (2_000 * (number + 1), lambda pool=pool: rig.kill_pool(pool))
            for number, pool in enumerate(victims)
        ]
        outcome = drive(rig.port, wires, events=kills)
    assert not outcome.failures
    assert not set(outcome.pools[6_000:]) & set(victims)
    assert outcome.slowest_seconds < 10
    # the others get the dead pool's share in proportion to their own
    alive = {pool.id for pool in plan.pools} - set(victims)
    late = [(b, p) for b, p in zip(buckets, outcome.pools, strict=True)][6_000:]
    for entry in plan.assignment:
        left = {pool: share for pool, share in entry.shares.items() if pool in alive}
        bucket = (*entry.input_tokens, *entry.output_tokens)
        got = Counter(pool for at, pool in late if at == bucket)
        for pool, share in left.items():
            expected = share / sum(left.values())
            assert got[pool] / got.total() == pytest.approx(expected, abs=0.05)


def test_a_pool_that_answers_503_while_its_health_is_fine_fails_no_request(tmp_path: Path) -> None:
    _, wires = requests_of(4_000, delay=0.01)
    with Rig(tmp_path, three_pools()) as rig:
        fails = (1_000, lambda: assert_mode(rig, "aws-l4", 503))
        heals = (3_000, lambda: assert_mode(rig, "aws-l4", 200))
        outcome = drive(rig.port, wires, events=[fails, heals])
    assert not outcome.failures


def test_pools_whose_names_have_several_addresses(tmp_path: Path) -> None:
    """As an AWS load balancer's; here four times the same one."""
    buckets, wires = requests_of(12_000)
    plan = three_pools()
    with Rig(tmp_path, plan, addresses=4) as rig:
        outcome = drive(rig.port, wires)
        assert not outcome.failures
        assert worst_difference(plan, buckets, outcome.pools) < 1
        servers = Counter(
            line.split("aws-a10g/lb")[1][0]
            for line in rig.log.read_text().splitlines()
            if " aws-a10g/lb" in line and "bucket=" in line
        )
        assert sorted(servers) == ["1", "2", "3", "4"]
        assert min(servers.values()) > 0.2 * servers.total()
        outcome = drive(rig.port, wires[:3000], events=[(500, lambda: rig.kill_pool("aws-a10g"))])
        assert not outcome.failures


def test_when_all_pools_fail_each_is_tried_and_the_client_is_told(tmp_path: Path) -> None:
    with Rig(tmp_path, three_pools()) as rig:
        for pool in rig.pool_ports:
            assert_mode(rig, pool, 503)
        assert rig.ask().status == 503
        # a line a pass through the gateway: bounded, and never doubling
        rig.await_log("bucket=", 4)
        passes = rig.log.read_text().count("bucket=")
        assert len(rig.pool_ports) < passes <= len(rig.pool_ports) + 3


def assert_mode(rig: Rig, pool: str, status: int) -> None:
    assert rig.ask(path=f"/mode/{status}", port=rig.pool_ports[pool]).status == 200


def test_a_pool_that_comes_back_gets_its_share_again(tmp_path: Path) -> None:
    _, wires = requests_of(600)
    with Rig(tmp_path, three_pools()) as rig:
        rig.kill_pool("aws-l4")
        assert "aws-l4" not in drive(rig.port, wires).pools
        rig.start_pool("aws-l4")
        time.sleep(4)
        assert "aws-l4" in drive(rig.port, wires).pools


def test_without_any_pool_503_and_still_healthy_but_not_ready(tmp_path: Path) -> None:
    with Rig(tmp_path, three_pools()) as rig:
        assert rig.ask(b"", "/ready", method="GET", key=None).status == 200
        for pool in rig.pool_ports:
            rig.kill_pool(pool)
        time.sleep(3)
        answer = rig.ask()
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"]["code"] == "unavailable"
        assert rig.ask(b"", "/ready", method="GET", key=None).status == 503
        assert rig.ask(b"", "/health", method="GET", key=None).status == 200


def test_reloads_under_load_drop_nothing(tmp_path: Path) -> None:
    _, wires = requests_of(8_000, delay=0.01)
    with Rig(tmp_path, three_pools()) as rig:
        reloads = [(at, rig.reload) for at in (1_500, 3_500, 5_500)]
        outcome = drive(rig.port, wires, events=reloads)
        rig.await_log("New worker", 4)
        assert rig.log.read_text().count("New worker") == 4
    assert not outcome.failures


@pytest.mark.parametrize("way", ["running", "reload"])
def test_new_weights_under_load_drop_nothing_and_count(tmp_path: Path, way: str) -> None:
    """As on a machine: gateway_update.install, with a signal for systemctl."""
    before, after = three_pools(), swapped(three_pools())
    buckets, wires = requests_of(13_000)
    with Rig(tmp_path, before, released=True) as rig:
        said: list[str] = []
        pid = rig.process.pid if rig.process else 0

        def update() -> None:
            rig.plan = after
            files = rig.files()
            if way == "reload":
                files["haproxy.cfg"] += "# changed\n"
            said.append(install(files, rig.home, rig.socket, ("kill", "-USR2", str(pid))))

        outcome = drive(rig.port, wires, events=[(6_000, update)])
        assert not outcome.failures
        assert worst_difference(before, buckets[:6_000] * 2, outcome.pools[:6_000] * 2) < 1.5
        workers = 1 if way == "running" else 2
        rig.await_log("Loading success", workers)
        outcome = drive(rig.port, wires)
        assert rig.log.read_text().count("New worker") == workers
        assert (rig.home / "current" / "weights.map").read_text() == rig.files()["weights.map"]
    assert not outcome.failures
    assert said == [
        "updated in the running HAProxy: weights.map" if way == "running" else "reloaded"
    ]
    assert worst_difference(after, buckets, outcome.pools) < 1


def test_shares_hold_with_many_clients_at_once(tmp_path: Path) -> None:
    plan = three_pools()
    buckets, wires = requests_of(12_000, seed=2)
    with Rig(tmp_path, plan) as rig:
        outcome = drive(rig.port, wires, connections=200)
    assert not outcome.failures
    assert worst_difference(plan, buckets, outcome.pools) < 1
