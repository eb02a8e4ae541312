"""Just enough HTTP/1.1 over asyncio streams for the stub servers and the load: quick, and exact
about what is on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Message:
    """A request or an answer, read whole."""

    start: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    def json(self) -> Any:
        return json.loads(self.body)


async def read_head(reader: asyncio.StreamReader) -> Message:
    """The start line and the headers, names in lower case. IncompleteReadError at the end."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in lines)
    return Message(start, {name.lower(): value.strip() for name, _, value in pairs})


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The pieces of a chunked body as they were sent."""
    while size := int((await reader.readline()).split(b";")[0], 16):
        piece = await reader.readexactly(size + 2)
        yield piece[:-2]
    await reader.readline()


async def read_message(reader: asyncio.StreamReader) -> Message:
    """A whole message."""
    message = await read_head(reader)
    if message.headers.get("transfer-encoding") == "chunked":
        message.body = b"".join([piece async for piece in chunks(reader)])
    else:
        message.body = await reader.readexactly(int(message.headers.get("content-length", 0)))
    return message


def request(
    path: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    key: str | None = None,
    headers: dict[str, str] | None = None,
    chunk_bytes: int | None = None,
) -> bytes:
    """The bytes of a request; ``chunk_bytes``: without Content-Length, in chunks of that size."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if chunk_bytes is None:
        lines.append(f"Content-Length: {len(body)}")
        written = body
    else:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)]
        written = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        written += b"0\r\n\r\n"
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + written


class Connection:
    """A client's connection that opens when needed and again when the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, wire: bytes) -> Message:
        """Send a request and read the answer. Never sends twice."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        assert self._reader is not None
        self._writer.write(wire)
        answer = await read_message(self._reader)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
