"""What the profiler's client adds to the latencies it measures: scripts/bench_profiler.py [STREAMS]

A server in another process streams tokens to many requests at once, in three ways: each whole
answer at once; token by token as fast as it can; and one token to all requests every 20 ms. It
notes when it sent the first and the last token of each answer, so the true TPOT is known; what the
client measures above it is the client's delay. For comparison it runs clients that parse each event
as it arrives, with aiohttp and, where it is installed, httpx.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from statistics import fmean
from typing import Any
from urllib.request import urlopen

from melange_cloud.profiles.run.client import Client, Request

TOKENS = 400
WAYS = ("whole", "tokens", "steps")
STEP_S = 0.02

EVENT = (
    b"data: "
    + json.dumps(
        {
            "id": "cmpl-0123456789abcdef0123456789abcdef",
            "object": "text_completion",
            "created": 1700000000,
            "model": "m",
            "choices": [{"index": 0, "text": " word", "logprobs": None, "finish_reason": None}],
        },
        separators=(",", ":"),
    ).encode()
)
Streams = Callable[[str, int], Coroutine[Any, Any, list[float]]]
"""Asks a URL for so many streams at once; the TPOT of each, seconds."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """An event as a chunk of an HTTP answer."""
    return b"%x\r\n%s\n\n\r\n" % (len(data) + 2, data)


class Server(asyncio.Protocol):
    """One connection. Those with a request are in ``waiting``; ``tpots_s`` are the true TPOTs."""

    way = "steps"
    waiting: list[Server]
    tpots_s: list[float]

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.read = b""

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, end, body = self.read.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        if not end or (lengths and len(body) < int(lengths[0].split(b":")[1])):
            return
        self.read = b""
        if head.startswith(b"GET"):
            text = json.dumps(Server.tpots_s).encode()
            Server.tpots_s = []
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text
            )
            return
        asked = json.loads(body)
        self.tokens = self.left = asked["max_tokens"]
        usage = {"prompt_tokens": len(asked["prompt"]), "completion_tokens": self.tokens}
        last = b"data: " + json.dumps({"choices": [], "usage": usage}).encode()
        self.tail = chunk(last) + chunk(b"data: [DONE]") + b"0\r\n\r\n"
        if Server.way == "whole":
            self.transport.write(HEAD + chunk(EVENT) * self.tokens + self.tail)
            Server.tpots_s.append(0.0)
        else:
            self.transport.write(HEAD)
            Server.waiting.append(self)

    def token(self) -> None:
        """Send the next token."""
        self.transport.write(chunk(EVENT))
        if self.left == self.tokens:
            self.first = time.perf_counter()
        self.left -= 1
        if self.left == 0:
            Server.tpots_s.append((time.perf_counter() - self.first) / (self.tokens - 1))
            self.transport.write(self.tail)


async def serve(way: str) -> None:
    """Print the URL, and answer for ever."""
    Server.way, Server.waiting, Server.tpots_s = way, [], []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    at = loop.time()
    while True:
        for connection in Server.waiting:
            connection.token()
        Server.waiting = [connection for connection in Server.waiting if connection.left]
        at = max(at + (STEP_S if way == "steps" else 0), loop.time())
        await asyncio.sleep(at - loop.time() if Server.waiting else STEP_S / 10)


async def with_ours(url: str, streams: int) -> list[float]:
    """TPOTs, seconds, as the profiler's client sees them."""
    async with Client(url) as client:
        requests = [Request(25, TOKENS) for _ in range(streams)]
        await asyncio.gather(*(client.complete("m", request) for request in requests))
        assert all(request.served for request in requests), requests[0].failure
        return [((r.ended or 0) - (r.first or 0)) / (TOKENS - 1) for r in requests]


async def with_aiohttp(url: str, streams: int) -> list[float]:
    """TPOTs, seconds, of a client that parses each event as it arrives, with aiohttp."""
    import aiohttp

    async def ask(session: aiohttp.ClientSession) -> float:
        async with session.post(f"{url}/v1/completions", json=BODY) as response:
            return await tpot(response.content.iter_any())

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        return await asyncio.gather(*(ask(session) for _ in range(streams)))


async def with_httpx(url: str, streams: int) -> list[float]:
    """The same with httpx."""
    import httpx

    async def ask(client: Any) -> float:
        async with client.stream("POST", f"{url}/v1/completions", json=BODY) as response:
            return await tpot(response.aiter_raw())

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=None, limits=limits) as client:
        return await asyncio.gather(*(ask(client) for _ in range(streams)))


BODY = {"prompt": [7] * 25, "max_tokens": TOKENS}


async def tpot(chunks: Any) -> float:
    """From the first token to the last of a stream, seconds a token."""
    first = last = 0.0
    rest = b""
    async for data in chunks:
        last = time.perf_counter()
        first = first or last
        *events, rest = (rest + data).split(b"\n\n")
        for event in events:
            if event.startswith(b"data: {"):
                json.loads(event[6:])
    return (last - first) / (TOKENS - 1)


def main(streams: int) -> None:
    """Print a table: what each client measures, and how much of that the client adds."""
    clients: dict[str, Streams] = {"ours": with_ours, "aiohttp, each event parsed": with_aiohttp}
    if find_spec("httpx"):
        clients["httpx, each event parsed"] = with_httpx
    print(f"{streams} streams of {TOKENS} tokens; TPOT in ms, CPU in us a token")
    print(f"{'sent':12} {'client':28} {'measured':>9} {'true':>9} {'added':>9} {'CPU':>7}")
    for way in WAYS:
        command = [sys.executable, __file__, "--serve", way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().decode().strip()
                for name, client in clients.items():
                    print(f"{way:12} {name:28} {compare(client, url, streams)}", flush=True)
            finally:
                server.terminate()


def compare(client: Streams, url: str, streams: int) -> str:
    """Measured, true and added TPOT, and CPU time, as columns of the table."""
    cpu = time.process_time()
    measured = fmean(asyncio.run(client(url, streams))) * 1000
    cpu = (time.process_time() - cpu) / streams / TOKENS * 1e6
    with urlopen(url) as answer:
        true = fmean(json.load(answer)) * 1000
    return f"{measured:9.3f} {true:9.3f} {measured - true:+9.3f} {cpu:7.1f}"


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve(sys.argv[-1]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 256)
