"""Streaming completions over HTTP, timed at their first and last token.

TTFT and TPOT follow from three times: sent, first token, last token. So the tokens between are
only gathered, and read when the stream has ended: to handle each as it comes would cost several
times more, and show in the latencies of hundreds of streams. scripts/bench_profiler.py measures
what the client adds.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from melange_cloud.names import shorten
from melange_cloud.profiles.run.stream import (
    TOKEN,
    Failure,
    check_stream,
    count_tokens,
    parse_json,
    refusal,
)

if TYPE_CHECKING:
    import aiohttp

TOKEN_IDS = range(100, 1000)
"""Ids that prompts are made of: in every model's vocabulary, and above most special tokens. Each
token is drawn anew, so that no two prompts share a block of the prefix cache."""

STALL_S = 120.0
"""A request that has brought nothing for this long has failed."""

_CONNECT_S = 10.0
_PATIENCE = 6  # times that long, before a server that says nothing counts as dead
_IDLE_S = 2.0  # uvicorn drops connections idle for 5 s; one dropped while we send is a failure
_BUFFER_BYTES = 1 << 24  # above the longest answer: a full buffer would stop the stream
_WORDS = [str(token) for token in TOKEN_IDS]


@dataclass(slots=True)
class Request:
    """One request and how far it got; times in seconds of the event loop's clock."""

    input_tokens: int
    output_tokens: int
    started: float = 0.0
    first: float | None = None
    ended: float | None = None
    failure: Failure | None = None
    received: int = 0
    """Tokens that had come when ``look`` was last called."""
    patience_s: float = 0.0
    """How long the first token may take, where that is more than the client's stall limit: behind
    a full engine requests queue."""
    _content: aiohttp.StreamReader | None = None
    _seen: bytes = b""

    @property
    def served(self) -> bool:
        """Whether the whole answer came, and was what was asked for."""
        return self.ended is not None and self.failure is None

    def look(self) -> int:
        """Count the tokens received so far of an answer that is still coming."""
        if self._content is not None and self._content.exception() is None:
            self._seen += self._content.read_nowait()
            self.received = count_tokens(self._seen)
        return self.received


class Client:
    """Requests to one server; an async context manager."""

    def __init__(self, url: str, api_key: str | None = None, stall_s: float = STALL_S) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._stall_s = stall_s
        self._random = random.Random()  # seeded anew: an earlier run's prompts may be cached
        self._open_session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        import aiohttp

        self._open_session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            headers=self._headers,
            read_bufsize=_BUFFER_BYTES,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get_json(self, path: str) -> tuple[int, Any]:
        """Status and JSON of ``path``, None where it is not JSON. OSError without an answer."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=_CONNECT_S)
        try:
            async with self._session.get(self.url + path, timeout=timeout) as response:
                return response.status, parse_json(await response.read())
        except TimeoutError:
            raise TimeoutError(f"no answer within {_CONNECT_S:g} s") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise OSError(_reason(error)) from None

    async def alive(self) -> bool:
        """Whether the server still answers; an overloaded one may take its time."""
        for _ in range(_PATIENCE):
            try:
                status, _ = await self.get_json("/v1/models")
            except TimeoutError:
                continue
            except OSError:
                break
            return status < 500
        return False

    async def complete(self, model: str, request: Request) -> None:
        """Send ``request`` with a random prompt; its times, or its failure, are in it then."""
        import aiohttp
        from aiohttp.http import HttpProcessingError

        body = self._body(model, request)
        now = asyncio.get_running_loop().time
        request.started = now()
        try:
            request.failure = await self._stream(body, request)
        except aiohttp.ConnectionTimeoutError:
            request.failure = Failure("connection", f"no connection within {_CONNECT_S:g} s")
        except TimeoutError:
            waited = now() - request.started if request.first is None else self._stall_s
            request.failure = Failure("stall", f"nothing came for {waited:.3g} s")
        except (aiohttp.ClientResponseError, HttpProcessingError) as error:
            words = shorten(error.message, 100)
            request.failure = Failure("protocol", f"it does not speak HTTP: {words}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            request.failure = Failure("connection", _reason(error))
        finally:
            request._content, request._seen = None, b""
        request.ended = request.ended or now()

    async def _stream(self, body: bytes, request: Request) -> Failure | None:
        now = asyncio.get_running_loop().time
        limit = asyncio.timeout(max(self._stall_s, request.patience_s))
        posting = self._session.post(
            self.url + "/v1/completions", data=body, headers={"Content-Type": "application/json"}
        )
        async with limit, posting as response:
            content = response.content
            if response.status != 200:
                return refusal(response.status, await content.read(1 << 14))
            kind = response.headers.get("Content-Type", "nothing")
            if "event-stream" not in kind:
                return Failure("protocol", f"it answers with {shorten(kind, 40)}, not a stream")
            while TOKEN not in request._seen and not content.at_eof():
                request._seen += await content.readany()
                request.first = now()
                if len(request._seen) > _BUFFER_BYTES:
                    break
            limit.reschedule(None)
            request._content = content
            await self._end(content, request)
            if not content.is_eof():
                return Failure("protocol", "it does not stop at the length asked for")
            return check_stream(
                request._seen + content.read_nowait(), request.input_tokens, request.output_tokens
            )

    async def _end(self, content: aiohttp.StreamReader, request: Request) -> None:
        """Wait for the end of a stream, without being woken by each of its tokens.

        Returns before the end when far more came than was asked for.
        """
        now = asyncio.get_running_loop().time

        def ended() -> None:
            request.ended = now()

        content.on_eof(ended)
        while not content.is_eof():
            error = content.exception()
            if error is not None:
                raise error
            before = content.total_bytes
            try:
                async with asyncio.timeout(self._stall_s):
                    await content.wait_eof()
            except TimeoutError:
                if content.total_bytes == before:
                    raise
                if request.look() > 2 * request.output_tokens:
                    return

    def _body(self, model: str, request: Request) -> bytes:
        """The prompt is a list of token ids: no tokenizer is needed."""
        fields = {
            "model": model,
            "max_tokens": request.output_tokens,
            "ignore_eos": True,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        prompt = ",".join(self._random.choices(_WORDS, k=request.input_tokens))
        return f'{json.dumps(fields)[:-1]}, "prompt": [{prompt}]}}'.encode()

    @property
    def _session(self) -> aiohttp.ClientSession:
        assert self._open_session is not None, "a client is a context manager"
        return self._open_session


def _reason(error: BaseException) -> str:
    return shorten(str(error) or type(error).__name__, 160)
