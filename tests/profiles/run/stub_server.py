"""A stand-in for vLLM whose timing law is known exactly, served on loopback.

It batches continuously, as the law in docs/estimates.md has it: a step gives each running request
a token and takes d(B); between two steps those that wait are let in, each prefill taking q while
all others stand still. A step ends at a time reckoned from the last, so lateness does not add up.

`python stub_server.py PORT LAW` runs it in a process of its own, LAW being JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

Size = tuple[int, int]


@dataclass(frozen=True)
class Law:
    """Step times in seconds; ``decode_s`` and ``prefill_s`` have the roofline's terms."""

    step: float = 4e-3
    per_sequence: float = 2.5e-4
    per_cached_token: float = 1e-8
    prefill: float = 1e-3
    per_prompt_token: float = 2e-6
    per_prompt_token_squared: float = 0.0

    def decode_s(self, running: int, size: Size) -> float:
        held = running * (size[0] + size[1] / 2)
        return self.step + self.per_sequence * running + self.per_cached_token * held

    def prefill_s(self, input_tokens: int) -> float:
        linear = self.prefill + self.per_prompt_token * input_tokens
        return linear + self.per_prompt_token_squared * input_tokens**2

    def tpot_s(self, running: float, size: Size) -> float:
        """Each of the others lets its prefill in once in the time of o tokens."""
        others = (running - 1) / size[1] * self.prefill_s(size[0])
        return self.decode_s(running, size) + others  # type: ignore[arg-type]

    def rate(self, running: float, size: Size) -> float:
        """A request takes o steps and all the prefills: B / (o (d + (B / o) q))."""
        whole = size[1] * self.decode_s(running, size) + running * self.prefill_s(size[0])  # type: ignore[arg-type]
        return running / whole

    def best_rate(self, slo_s: float, size: Size) -> float:
        """The highest rate while TPOT keeps to the SLO: 0 if it never does. By bisection."""
        low, high = 1.0, 1e6
        if self.tpot_s(low, size) > slo_s:
            return 0.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if self.tpot_s(middle, size) <= slo_s else (low, middle)
        return self.rate(low, size)


@dataclass
class Faults:
    """What goes wrong, and from which request on (counted from 0)."""

    kind: str = ""
    after: int = 0
    until: int = 10**9
    longest: int | None = None  # output tokens beyond which requests are refused


@dataclass
class Job:
    size: Size
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    done: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0

    @property
    def gone(self) -> bool:
        """Whether its client has hung up."""
        return self.reader.at_eof() or self.writer.is_closing()


HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


class Stub:
    """The server: ``start`` it in a running event loop."""

    def __init__(self, law: Law | None = None, faults: Faults | None = None) -> None:
        self.law = law or Law()
        self.faults = faults or Faults()
        self.max_model_len = 20000
        self.most_running = 10**9
        self.asked: list[dict[str, Any]] = []
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> str:
        self._server = await asyncio.start_server(
            self._connection, "127.0.0.1", port, limit=1 << 22
        )
        self._tasks.append(asyncio.create_task(self._engine()))
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _engine(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            if not self._running and not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                alone = self.law.decode_s(1, self._waiting[0].size)
                # an idle engine ticks on for a step: it sees its only client's next request
                # as late as a busy one would
                at = max(at, loop.time() - alone) + alone
                await self._until(at)
            for _ in range(min(len(self._waiting), self.most_running - len(self._running))):
                job = self._waiting.popleft()
                if job.gone:
                    job.done.set()
                    continue
                at += self.law.prefill_s(job.size[0])
                await self._until(at)
                self._running.append(job)
                self._token(job)
            if self._running:
                # a finished request keeps its place for a step: then B clients are always B here,
                # and not fewer while the next request of one is on its way
                at += self.law.decode_s(len(self._running), self._running[0].size)
                self._running = [job for job in self._running if not job.done.is_set()]
                await self._until(at)
                for job in self._running:
                    self._token(job)

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))

    def _token(self, job: Job) -> None:
        if job.gone:
            job.done.set()
            return
        if job.sent == 0:
            job.writer.write(HEAD)
        job.sent += 1
        event = {
            "object": "text_completion",
            "choices": [{"index": 0, "text": " x"}],
            "usage": None,
        }
        job.writer.write(_chunk(event))
        if job.sent == job.size[1]:
            job.done.set()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = [int(line.split(":")[1]) for line in head.lower().splitlines()
                           if line.startswith("content-length")]  # fmt: skip
                body = await reader.readexactly(lengths[0]) if lengths else b""
                await self._answer(head.split()[1], body, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(
        self,
        path: str,
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if path == "/v1/models":
            card = {"id": "tiny", "root": "some/model", "owned_by": "vllm", "parent": None,
                    "max_model_len": self.max_model_len}  # fmt: skip
            writer.write(_json(200, {"object": "list", "data": [card]}))
        elif path == "/health":
            writer.write(_json(200, None))
        elif path == "/version":
            writer.write(_json(200, {"version": "0.32.0"}))
        elif path == "/v1/completions":
            await self._complete(json.loads(body), reader, writer)
        else:
            writer.write(_json(404, {"detail": "Not Found"}))

    async def _complete(
        self,
        asked: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        number = len(self.asked)
        self.asked.append(asked)
        size = len(asked["prompt"]), asked["max_tokens"]
        faults = self.faults
        if faults.longest is not None and size[1] > faults.longest:
            writer.write(_json(400, {"error": {"message": "that is too long for me"}}))
            return
        kind = faults.kind if faults.after <= number < faults.until else ""
        if kind and await self._misbehave(kind, size, writer):
            return
        job = Job(size, reader, writer)
        self._waiting.append(job)
        self._arrived.set()
        await job.done.wait()
        usage = {"prompt_tokens": size[0], "completion_tokens": size[1] - (kind == "short")}
        if kind != "no usage":
            writer.write(_chunk({"choices": [], "usage": usage}))
        writer.write(_raw(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    async def _misbehave(self, kind: str, size: Size, writer: asyncio.StreamWriter) -> bool:
        """Whether the request is dealt with: in its own, wrong, way."""
        if kind == "500":
            writer.write(_json(500, {"error": {"message": "CUDA out of memory"}}))
        elif kind == "reset":
            writer.transport.abort()
        elif kind == "cut":
            writer.write(HEAD + _chunk({"choices": [{"text": "x"}]}))
            await writer.drain()
            writer.close()
        elif kind == "stall":
            writer.write(HEAD + _chunk({"choices": [{"text": "x"}]}))
            await asyncio.sleep(3600)
        elif kind == "garbage":
            writer.write(HEAD + _raw(b"\x00\xff<html>busy</html>\n") + b"0\r\n\r\n")
        elif kind == "not http":
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            writer.close()
        elif kind == "html":
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi"
            )
        elif kind == "error event":
            writer.write(HEAD + _chunk({"error": {"message": "engine died"}}))
            writer.write(_raw(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        elif kind == "endless":
            writer.write(HEAD)
            while not writer.is_closing():
                writer.write(_chunk({"choices": [{"text": "x"}]}))
                await asyncio.sleep(0.001)
        elif kind == "at once":
            usage = {"prompt_tokens": size[0], "completion_tokens": size[1]}
            events = [{"choices": [{"text": "x" * size[1]}]}, {"choices": [], "usage": usage}]
            writer.write(HEAD + b"".join(map(_chunk, events)))
            writer.write(_raw(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        elif kind == "die":
            await self.stop()
        else:
            return False
        return True


def _json(status: int, value: object) -> bytes:
    body = json.dumps(value).encode()
    return (
        b"HTTP/1.1 %d Some\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        % (status, len(body))
    ) + body


def _chunk(event: object) -> bytes:
    return _raw(b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n")


def _raw(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _serve(port: int, law: Law) -> None:
    print(await Stub(law).start(port), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Law(**json.loads(sys.argv[2]))))
