"""A stand-in for a pool: answers the OpenAI API with its own name.

``python stub_backend.py NAME PORT``; it runs until it is killed, or its parent is gone.
A request's body may ask for ``delay`` (seconds before the answer), ``pieces`` (with ``stream``: so
many events, ``gap`` seconds apart). ``POST /mode/503`` makes it answer that status to all but
/health; ``/mode/200`` ends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from http_wire import Message, read_message

REASONS = {200: "OK", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Unavailable"}


class Stub:
    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self.answer(await read_message(reader), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, asked: Message, writer: asyncio.StreamWriter) -> None:
        path = asked.start.split(" ")[1]
        if path.startswith("/mode/"):
            self.status = int(path.removeprefix("/mode/"))
            return self.write(writer, 200, {})
        if path == "/health":
            return self.write(writer, 200, {})
        if self.status != 200:
            return self.write(writer, self.status, {"error": "told to fail"})
        try:
            wish = json.loads(asked.body)
            assert isinstance(wish, dict)
        except (ValueError, AssertionError):
            wish = {}
        if wish.get("stream"):
            return await self.stream(writer, int(wish["pieces"]), float(wish["gap"]))
        if wish.get("delay"):
            await asyncio.sleep(float(wish["delay"]))
        said = {"pool": self.name, "bytes": len(asked.body), "headers": asked.headers}
        return self.write(writer, 200, said)

    def write(self, writer: asyncio.StreamWriter, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    async def stream(self, writer: asyncio.StreamWriter, pieces: int, gap: float) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        writer.write(f"{head}X-Pool: {self.name}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for number in range(pieces):
            event = b'data: {"token": %d}\n\n' % number
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await writer.drain()
            await asyncio.sleep(gap)
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


async def main(name: str, port: int) -> None:
    parent = os.getppid()
    server = await asyncio.start_server(
        Stub(name).serve, "127.0.0.1", port, backlog=1024, limit=2**20
    )
    async with server:
        while os.getppid() == parent:  # not left behind by a test run that was killed
            await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
