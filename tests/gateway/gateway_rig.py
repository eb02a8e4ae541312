"""A real HAProxy with the generated configuration before stub pools, all on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway_update import install
from http_wire import Connection, Message, request

from melange_cloud.gateway import (
    Backend,
    GatewayOptions,
    address_variable,
    gateway_files,
)
from melange_cloud.plan import Plan, load_plan

KEY = "sk-test-ünïcode key"
SMALL_PLAN = Path(__file__).parents[1] / "golden" / "plan" / "small.json"


def plan_of(buckets: Mapping[tuple[int, int, int, int], Mapping[str, float]], **more: Any) -> Plan:
    """A plan with these shares by (input above, up to, output above, up to) and rate 1 each."""
    small = load_plan(SMALL_PLAN)
    pool_ids = list(dict.fromkeys(pool for shares in buckets.values() for pool in shares))
    document = small.model_dump(mode="json")
    document["inputs"] |= {"offers": [], "throughput": [], "profiles": []}
    document["pools"] = [{**document["pools"][0], "id": pool_id} for pool_id in pool_ids]
    document["assignment"] = [
        {
            "input_tokens": [i_low, i_high],
            "output_tokens": [o_low, o_high],
            "rate": more.get("rates", {}).get((i_low, i_high, o_low, o_high), 1.0),
            "shares": dict(shares),
        }
        for (i_low, i_high, o_low, o_high), shares in buckets.items()
    ]
    return Plan.model_validate(document)


def hashed(key: str) -> str:
    """A key as keys.map holds it."""
    return hashlib.sha256(key.encode()).hexdigest().upper()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, from below the range that outgoing connections are given."""
    ports, start = [], 12_000 + os.getpid() % 4000 * 4
    for port in range(start, 32_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("no free ports")


class Rig:
    """Pools and the gateway before them. Use as a context manager."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        *,
        options: GatewayOptions | None = None,
        tls_pem: str | None = None,
        released: bool = False,
        addresses: int = 1,
    ) -> None:
        self.addresses = addresses
        # as a machine has it when ``released``: a link that gateway_update.install moves
        self.home, self.released = folder, released
        self.folder = folder / "current"
        self.plan, self.options, self.tls_pem = plan, options, tls_pem
        names = [pool.id for pool in plan.pools]
        self.port, self.metrics_port, *pool_ports = free_ports(2 + len(names))
        self.pool_ports = dict(zip(names, pool_ports, strict=True))
        self.stubs: dict[str, subprocess.Popen[bytes]] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.socket = folder / "admin.sock"
        self.log = folder / "log"

    def __enter__(self) -> Rig:
        self.home.mkdir(exist_ok=True)
        for pool_id in self.pool_ports:
            self.start_pool(pool_id)
        for port in self.pool_ports.values():
            await_port(port)
        if self.released:
            install(self.files(), self.home, self.socket, ("true",))
        else:
            self.folder.mkdir()
            self.write()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["haproxy", "-W", "-f", self.folder], stdout=log, stderr=log
            )
        await_port(self.port, self.log)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
        for stub in self.stubs.values():
            stub.kill()
            stub.wait()
        if self.process is not None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def base(self) -> str:
        """What Terraform writes on a real machine: addresses, listeners, sockets."""
        variables = {
            "MELANGE_LISTEN": f"127.0.0.1:{self.port}",
            "MELANGE_METRICS": f"127.0.0.1:{self.metrics_port}",
            "MELANGE_REENTRY": f"melange-test-{self.port}",
            **{address_variable(k): f"127.0.0.1:{port}" for k, port in self.pool_ports.items()},
            **({"MELANGE_TLS": "yes"} if self.tls_pem else {}),
        }
        return "\n".join(
            [
                "global",
                "    default-path config",
                "    log stdout format raw local0 info",
                "    nbthread 2",
                f"    stats socket {self.socket} mode 600 level admin",
                *(f'    setenv {name} "{value}"' for name, value in variables.items()),
                "",
            ]
        )

    def files(self) -> dict[str, str]:
        backends = [Backend(pool.id, self.addresses) for pool in self.plan.pools]
        return {
            **gateway_files(self.plan, backends, self.options),
            "base.cfg": self.base(),
            "keys.map": f"{hashed(KEY)} tester\n",
            **({"tls.pem": self.tls_pem} if self.tls_pem else {}),
        }

    def write(self) -> None:
        for name, text in self.files().items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def start_pool(self, pool_id: str) -> None:
        program = Path(__file__).with_name("stub_backend.py")
        self.stubs[pool_id] = subprocess.Popen(
            [sys.executable, program, pool_id, str(self.pool_ports[pool_id])]
        )

    def kill_pool(self, pool_id: str) -> None:
        """At once, as a machine dies."""
        self.stubs[pool_id].kill()
        self.stubs[pool_id].wait()

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR2)

    def await_log(self, words: str, times: int, seconds: float = 20) -> None:
        """Until HAProxy has said so as many times."""
        end = time.monotonic() + seconds
        while self.log.read_text().count(words) < times:
            assert time.monotonic() < end, self.log.read_text()[-2000:]
            time.sleep(0.05)

    def command(self, text: str) -> str:
        """What HAProxy answers on its admin socket."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.socket))
            admin.sendall(text.encode() + b"\n")
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()

    def ask(self, body: bytes = b"{}", path: str = "/v1/completions", **how: Any) -> Message:
        """One request on a connection of its own, with the right key unless told otherwise."""
        port = how.pop("port", self.port)
        return self.exchange(request(path, body, **{"key": KEY, **how}), port)

    def exchange(self, wire: bytes, port: int | None = None) -> Message:
        """The answer to these bytes."""
        return asyncio.run(ask_once(port or self.port, wire))


async def ask_once(port: int, wire: bytes) -> Message:
    connection = Connection(port)
    try:
        return await asyncio.wait_for(connection.ask(wire), 20)
    finally:
        connection.close()


def await_port(port: int, log: Path | None = None, seconds: float = 15) -> None:
    """Until something listens there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(log.read_text() if log else f"nothing listens on {port}")


def check_files(files: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """``haproxy -c`` over these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return subprocess.run(
        ["haproxy", "-c", "-f", folder], capture_output=True, text=True, timeout=30, check=False
    )


def base_for(pool_ids: Sequence[str]) -> str:
    """A base.cfg that is only checked, never started."""
    variables = {
        "MELANGE_LISTEN": "127.0.0.1:1",
        "MELANGE_METRICS": "127.0.0.1:2",
        "MELANGE_REENTRY": "x",
        **{address_variable(pool_id): "127.0.0.1:3" for pool_id in pool_ids},
    }
    lines = [f'    setenv {name} "{value}"' for name, value in variables.items()]
    log = "    log stdout format raw local0"
    return "\n".join(["global", "    default-path config", log, *lines, ""])
