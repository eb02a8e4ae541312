"""Running a whole session against the stub server, in the event loop's real or virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from stub_server import Size, Stub

from melange_cloud.errors import MelangeError
from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.run.client import Client
from melange_cloud.profiles.run.load import Precision
from melange_cloud.profiles.run.point import Point, points_of
from melange_cloud.profiles.run.record import Record
from melange_cloud.profiles.run.server import read_server
from melange_cloud.profiles.run.session import Session, Wanted
from melange_cloud.profiles.throughput import Slo, Throughputs

ABOUT: dict[str, Any] = {
    "model": "some/model",
    "gpu": "L4",
    "tensor_parallel": 1,
    "engine": {"name": "vllm", "version": "0.32.0", "args": []},
    "provenance": "made for a test",
    "max_model_len": 20000,
}


@dataclass
class Ran:
    """What a session left."""

    path: Path
    lines: list[str] = field(default_factory=list)
    error: MelangeError | None = None
    short: list[Size] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def profile(self) -> Profile:
        return load_profile(self.path)

    @property
    def points(self) -> list[Point]:
        return points_of(self.profile) if self.path.exists() else []

    def at(self, size: Size, arrivals: str = "closed") -> list[Point]:
        return [p for p in self.points if p.size == size and p.arrivals == arrivals]

    def rate(self, size: Size, slo_ms: float) -> float:
        return Throughputs(self.profile, Slo(slo_ms)).at_size(*size).rate


async def profile(
    path: Path,
    url: str,
    sizes: list[Size],
    slos_ms: list[float],
    *,
    resume: bool = False,
    stall_s: float = 120,
    limit_s: float = inf,
    confirm: bool = False,
    highest: int = 1024,
    precision: Precision | None = None,
    lines: list[str] | None = None,
) -> Ran:
    """Run a session against a server; what it reports is put into ``lines``."""
    ran = Ran(path, [] if lines is None else lines)
    wanted = Wanted(sizes, slos_ms, confirm, limit_s, highest, precision or Precision())
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Client(url, stall_s=stall_s) as client:
        try:
            server = await read_server(client)
            record = Record(path, ABOUT, resume)
            session = Session(client, server, record, wanted, ran.lines.append, loop.time)
            ran.short = await session.run()
        except MelangeError as error:
            ran.error = error
    ran.seconds = loop.time() - began
    return ran


async def profile_stub(path: Path, stub: Stub, *args: Any, **options: Any) -> Ran:
    """The same against a stub, which is started and stopped."""
    url = await stub.start()
    try:
        return await profile(path, url, *args, **options)
    finally:
        await stub.stop()
