"""Reading a whole stream of server-sent events: its tokens, its usage, what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from melange_cloud.names import shorten

FailureKind = Literal["connection", "http", "stall", "bunched", "protocol"]
"""What broke: the connection; the server refused (an HTTP status, or an error within the stream);
nothing came for too long; all tokens came at once, as from a starved front end, so that they have
no times; or the answer is not what was asked (no stream, no usage, a wrong length)."""

TOKEN = b'"choices"'
"""What marks an event that carries a token. In generated text the quotes would be escaped."""

_FIELDS = (b"data:", b":", b"event:", b"id:", b"retry:")


@dataclass(frozen=True)
class Failure:
    """Why a request failed, in words for a person."""

    kind: FailureKind
    text: str
    status: int | None = None


def count_tokens(stream: bytes) -> int:
    """Tokens in a stream so far: one an event."""
    return stream.count(TOKEN)


def check_stream(stream: bytes, input_tokens: int, output_tokens: int) -> Failure | None:
    """What is wrong with a whole answer, or None: lengths are as asked, by the server's own usage.

    Events in the middle are not parsed: in a good stream they all look alike.
    """
    lines = [line.strip() for line in stream.splitlines() if line.strip()]
    alien = next((line for line in lines if not line.startswith(_FIELDS)), None)
    if alien is not None or not lines:
        return Failure(
            "protocol",
            f'it sent something that is not a server-sent event: "{_words(alien or b"")}"',
        )
    events = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    usage: dict[str, Any] | None = None
    for place, event in enumerate(events):
        usual = TOKEN in event and b'"error"' not in event and 0 < place < len(events) - 3
        if usual or event == b"[DONE]":
            continue
        parsed = parse_json(event)
        if not isinstance(parsed, dict):
            return Failure("protocol", f'it sent an event that is not JSON: "{_words(event)}"')
        if parsed.get("error"):
            return refusal(None, event)
        usage = parsed.get("usage") or usage
    if b"[DONE]" not in events[-1:]:
        return Failure("connection", f"the stream ended early, after {count_tokens(stream)} tokens")
    if not isinstance(usage, dict):
        return Failure("protocol", "it reports no usage, so the lengths cannot be checked")
    got = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if got != (input_tokens, output_tokens):
        return Failure(
            "protocol",
            f"it was asked for {input_tokens} input and {output_tokens} output tokens, "
            f"but reports {got[0]} and {got[1]}",
        )
    # the usage's event may be marked as a token's
    if output_tokens > 2 and count_tokens(stream) <= 2:
        return Failure("bunched", "the whole answer came at once instead of as a stream")
    return None


def refusal(status: int | None, body: bytes) -> Failure:
    """The server's own words, from any of the forms they come in."""
    parsed = parse_json(body)
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    words = shorten(error, 160) if error else _words(body) or "no reason given"
    return Failure("http", f"HTTP {status}: {words}" if status else words, status)


def parse_json(data: bytes) -> Any:
    """The JSON in ``data``, or None."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _words(data: bytes) -> str:
    return shorten(data[:200].decode("utf-8", "replace"), 60)
