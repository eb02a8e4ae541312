"""Servers that fail: a clear account, and the finished points are kept."""

from __future__ import annotations

import asyncio

import pytest
from profiling_harness import profile, profile_stub
from stub_server import Faults, Law, Stub
from virtual_time import run_virtually

from melange_cloud.errors import OutsideError
from melange_cloud.profiles.run.stream import check_stream

LAW = Law(step=20e-3, per_sequence=4e-3, prefill=10e-3)
SIZES = [(25, 10), (25, 20)]

PROTOCOL = {
    "garbage": "not a server-sent event",
    "not http": "it does not speak HTTP",
    "html": "it answers with text/html, not a stream",
    "short": "asked for 25 input and 20 output tokens, but reports 25 and 19",
    "no usage": "it reports no usage",
    "endless": "it does not stop at the length asked for",
}

TROUBLE = {
    "500": "HTTP 500: CUDA out of memory",
    "reset": "",
    "cut": "",
    "stall": "nothing came for 5 s",
    "error event": "engine died",
    "at once": "the whole answer came at once",
}


def first_of_second_size() -> int:
    """Requests that the first size takes, so that faults may begin with the second."""
    stub = Stub(LAW)

    async def count() -> int:
        from pathlib import Path
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            await profile_stub(Path(folder) / "p.json", stub, SIZES[:1], [40.0])
        return len(stub.asked)

    return run_virtually(count())


@pytest.mark.parametrize("kind", PROTOCOL)
def test_an_answer_that_is_not_what_was_asked_ends_the_run(tmp_path, kind: str) -> None:
    stub = Stub(LAW, Faults(kind, after=first_of_second_size()))
    ran = run_virtually(profile_stub(tmp_path / "p.json", stub, SIZES, [40.0], stall_s=5))
    assert isinstance(ran.error, OutsideError)
    text = str(ran.error)
    assert PROTOCOL[kind] in text
    assert "at 25x20 tokens and concurrency 1" in text
    assert "points are kept in" in text
    assert "--resume" in text
    assert ran.profile.sizes == [(25, 10)]
    assert ran.rate((25, 10), 40) == pytest.approx(LAW.best_rate(0.04, (25, 10)), rel=0.05)


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_size_that_fails_is_told_and_recorded(tmp_path, kind: str) -> None:
    stub = Stub(LAW, Faults(kind, after=first_of_second_size()))
    ran = run_virtually(profile_stub(tmp_path / "p.json", stub, SIZES, [40.0], stall_s=5))
    assert ran.error is None
    (failed,) = ran.at((25, 20))
    assert (failed.request_rate, failed.errors) == (0, 3)
    assert "3 failed" in ran.lines[-1]
    assert TROUBLE[kind] in ran.lines[-1]
    assert ran.rate((25, 10), 40) > 0


def test_a_server_that_dies_ends_the_run(tmp_path) -> None:
    stub = Stub(LAW, Faults("die", after=first_of_second_size() + 20))
    ran = run_virtually(profile_stub(tmp_path / "p.json", stub, SIZES, [40.0]))
    assert isinstance(ran.error, OutsideError)
    assert "the server stopped answering at 25x20 tokens" in str(ran.error)
    assert ran.rate((25, 10), 40) > 0
    assert ran.at((25, 20))


def test_a_server_that_is_not_there(tmp_path) -> None:
    ran = asyncio.run(profile(tmp_path / "p.json", "http://127.0.0.1:9", SIZES, [40.0]))
    assert isinstance(ran.error, OutsideError)
    assert "http://127.0.0.1:9 does not answer" in str(ran.error)


EVENT = b'data: {"choices": [{"text": "x"}]}\n\n'
USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 4}}\n\n'
DONE = b"data: [DONE]\n\n"


def test_a_good_stream() -> None:
    assert check_stream(4 * EVENT + USAGE + DONE, 5, 4) is None
    crlf = (4 * EVENT + USAGE + DONE).replace(b"\n", b"\r\n")
    assert check_stream(b": ping\r\n\r\n" + crlf, 5, 4) is None
    # tokens may share an event when the client or the network is slow
    assert check_stream(2 * EVENT + USAGE + DONE, 5, 4) is None
    in_each = EVENT.replace(b"]}", b'], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}')
    assert check_stream(4 * in_each + USAGE + DONE, 5, 4) is None


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"", "not a server-sent event"),
        (4 * EVENT, "ended early, after 4 tokens"),
        (4 * EVENT + DONE, "reports no usage"),
        (4 * EVENT + USAGE.replace(b"4}", b"3}") + DONE, "reports 5 and 3"),
        (4 * EVENT + USAGE.replace(b": 5", b": 6") + DONE, "reports 6 and 4"),
        (2 * EVENT + b"data: {broken\n\n" + 8 * EVENT + USAGE + DONE, "not JSON"),
        (2 * EVENT + b"data: [1]\n\n" + 8 * EVENT + USAGE + DONE, "not JSON"),
        (4 * EVENT + b'data: {"error": {"message": "no"}}\n\n' + DONE, "no"),
        (4 * EVENT + USAGE[: USAGE.index(b'{"prompt')] + b"7}\n\n" + DONE, "no usage"),
        (EVENT + USAGE + DONE, "whole answer came at once"),
        (b"\xff\xfe" * 50, "not a server-sent event"),
    ],
)  # fmt: skip
def test_a_bad_stream(stream: bytes, words: str) -> None:
    failure = check_stream(stream, 5, 4)
    assert failure is not None
    assert words in failure.text
