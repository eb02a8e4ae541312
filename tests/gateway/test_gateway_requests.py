"""What the gateway does with one request: where it goes, what is refused, how it streams."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from itertools import pairwise
from pathlib import Path

import pytest
from gateway_rig import KEY, Rig
from http_wire import chunks, read_head, request
from sample_plans import three_pools
from tls_files import self_signed

pytestmark = pytest.mark.gateway


def body(size: int, **fields: object) -> bytes:
    """A JSON body of exactly ``size`` bytes."""
    text = json.dumps({**fields, "prompt": ""})
    assert len(text) <= size
    return (text[:-2] + "x" * (size - len(text)) + '"}').encode()


def pools_of(rig: Rig, data: bytes, times: int = 12, **how: object) -> set[str]:
    return {rig.ask(data, **how).json()["pool"] for _ in range(times)}


def bucket_of(rig: Rig, data: bytes, **how: object) -> str:
    """The bucket that the access log says."""
    marker = rig.log.stat().st_size
    assert rig.ask(data, **how).status == 200
    end = time.monotonic() + 5
    while time.monotonic() < end:
        lines = rig.log.read_bytes()[marker:].decode().splitlines()
        found = [line for line in lines if "bucket=" in line]
        if found:
            return found[-1].split("bucket=")[1].split(" ")[0]
        time.sleep(0.01)
    raise AssertionError("nothing in the log")


@pytest.mark.parametrize(
    ("size", "row"),
    [(399, 0), (400, 0), (401, 1), (2000, 1), (2001, 2), (8000, 2), (8001, 3), (32000, 3)],
)
def test_an_input_on_an_edge_belongs_to_the_lower_bucket(rig: Rig, size: int, row: int) -> None:
    assert bucket_of(rig, body(size, max_tokens=50)) == f"{row}_0"


@pytest.mark.parametrize(
    ("tokens", "column"), [(1, 0), (100, 0), (101, 1), (400, 1), (401, 2), (1000, 2), (1001, 3)]
)
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_output_on_an_edge_belongs_to_the_lower_bucket(
    rig: Rig, name: str, tokens: int, column: int
) -> None:
    assert bucket_of(rig, body(300, **{name: tokens})) == f"0_{column}"


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({}, 1),  # 3 columns of equal rate with middles 50, 250, 700: 333
        ({"max_tokens": None}, 1),
        ({"max_tokens": 0}, 1),
        ({"max_tokens": -7}, 1),
        ({"max_tokens": 10**30}, 1),
        ({"max_completion_tokens": None, "max_tokens": 50}, 0),
        ({"max_completion_tokens": 50, "max_tokens": 900}, 0),
        ({"metadata": {"max_tokens": 50}}, 1),
        ({"messages": [{"role": "user", "content": '"max_tokens": 50'}]}, 1),
    ],
)
def test_without_a_usable_limit_the_mean_output_counts(
    rig: Rig, fields: dict[str, object], column: int
) -> None:
    assert bucket_of(rig, body(300, **fields)) == f"0_{column}"


def test_what_is_no_json_is_routed_by_its_size(rig: Rig) -> None:
    assert bucket_of(rig, b"\xff" * 300) == "0_1"


def test_max_tokens_is_found_after_the_longest_planned_prompt(rig: Rig) -> None:
    data = json.dumps({"prompt": "x" * 31_900, "max_tokens": 50}).encode()
    assert bucket_of(rig, data) == "3_0"


def test_a_larger_input_than_planned_goes_to_the_largest_bucket(rig: Rig) -> None:
    assert bucket_of(rig, body(100_000, max_tokens=50)) == "4_0"
    assert pools_of(rig, body(100_000, max_tokens=50)) == {"gcp-a100"}


def test_a_body_larger_than_the_buffer_arrives_whole(rig: Rig) -> None:
    answer = rig.ask(body(3_000_000, max_tokens=50))
    assert (answer.status, answer.json()["bytes"]) == (200, 3_000_000)


@pytest.mark.parametrize("chunk_bytes", [7, 400, 100_000])
def test_a_chunked_body_is_routed_by_its_whole_size(rig: Rig, chunk_bytes: int) -> None:
    data = body(2001, max_tokens=50)
    assert bucket_of(rig, data, chunk_bytes=chunk_bytes) == "2_0"
    assert rig.ask(data, chunk_bytes=chunk_bytes).json()["bytes"] == 2001


@pytest.mark.parametrize("size", [32_769, 60_000, 70_000, 200_000])
@pytest.mark.parametrize("chunk_bytes", [1000, 10**6])
def test_a_chunked_body_of_more_than_half_the_buffer_needs_a_length(
    rig: Rig, size: int, chunk_bytes: int
) -> None:
    answer = rig.ask(body(size), chunk_bytes=chunk_bytes)
    assert answer.status == 411
    assert answer.json()["error"]["code"] == "length_required"


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_the_api_is_served(rig: Rig, path: str) -> None:
    assert rig.ask(path=path).status == 200


def test_the_models_are_served(rig: Rig) -> None:
    assert rig.ask(b"", "/v1/models", method="GET").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/completions/", "/v1/completions2", "/metrics", "/V1/completions",
             "/v1/../metrics", "/health/x", "//v1/completions", "/v1/embeddings"]
)  # fmt: skip
def test_other_paths_are_404(rig: Rig, path: str) -> None:
    answer = rig.ask(path=path)
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "wrong",
        KEY + "x",
        KEY[:-1],
        KEY.upper(),
        f"{KEY}, {KEY}",
        "'\"${HOME}%[env(PATH)]",
    ],
)
def test_without_the_right_key_401(rig: Rig, key: str | None) -> None:
    answer = rig.ask(key=key)
    assert answer.status == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_a_client_cannot_pretend_to_come_from_inside(rig: Rig) -> None:
    tried = {"X-Melange-Tried": ", ".join(rig.pool_ports)}
    assert rig.ask(key=None, headers=tried).status == 401
    answer = rig.ask(body(300, max_tokens=50), headers=tried).json()
    assert (answer["pool"], answer["headers"]["x-melange-tried"]) == ("aws-l4", "aws-l4")


def test_pools_never_see_the_key(rig: Rig) -> None:
    assert "authorization" not in rig.ask().json()["headers"]


@pytest.mark.parametrize("size", [4 * 1024 * 1024, 4 * 1024 * 1024 + 1])
def test_a_body_over_the_limit_is_413(rig: Rig, size: int) -> None:
    assert rig.ask(body(size)).status == (200 if size == 4 * 1024 * 1024 else 413)


def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(rig: Rig) -> None:
    wire = request("/v1/completions", key=KEY).replace(b"Length: 0", b"Length: 99999999999")
    assert rig.exchange(wire).status == 413


def test_headers_over_the_limit_are_431(rig: Rig) -> None:
    assert rig.ask(headers={"X-Long": "x" * 20_000}).status == 431


def test_a_stream_arrives_token_by_token(rig: Rig) -> None:
    """Events 150 ms apart arrive so, none held back for the next."""
    gap, pieces = 0.15, 8

    async def arrivals() -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        wish = {"stream": True, "pieces": pieces, "gap": gap}
        writer.write(request("/v1/completions", json.dumps(wish).encode(), key=KEY))
        await read_head(reader)
        times = [time.monotonic() async for _ in chunks(reader)]
        writer.close()
        return times

    times = asyncio.run(asyncio.wait_for(arrivals(), 20))
    assert len(times) == pieces + 1
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) > gap / 2


def test_health_needs_no_key(rig: Rig) -> None:
    assert rig.ask(b"", "/health", method="GET", key=None).status == 200


def test_metrics_are_prometheus_on_their_own_port(rig: Rig) -> None:
    rig.ask()
    answer = rig.ask(b"", "/metrics", method="GET", key=None, port=rig.metrics_port)
    assert answer.status == 200
    assert b'haproxy_backend_http_requests_total{proxy="aws-l4"}' in answer.body
    assert rig.ask(b"", "/", method="GET", key=None, port=rig.metrics_port).status == 404


def test_the_log_names_client_and_bucket_and_holds_no_key_or_prompt(rig: Rig) -> None:
    bucket_of(rig, json.dumps({"prompt": "a secret prompt"}).encode())
    text = rig.log.read_text()
    assert "client=tester" in text
    assert "secret prompt" not in text
    assert "sk-test" not in text


def test_tls_with_the_users_certificate_and_both_versions_of_http(
    tmp_path: Path,
    haproxy: str,  # noqa: ARG001
) -> None:
    pem = self_signed()
    with Rig(tmp_path, three_pools(), tls_pem=pem) as rig:
        context = ssl.create_default_context(cadata=pem)
        context.set_alpn_protocols(["http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", rig.port), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            wrapped.sendall(request("/v1/completions", b"{}", key=KEY))
            assert wrapped.recv(4096).startswith(b"HTTP/1.1 200 ")
            assert wrapped.version() in ("TLSv1.2", "TLSv1.3")
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", rig.port), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            assert wrapped.selected_alpn_protocol() == "h2"


def test_hostile_names_in_the_plan_are_only_text(tmp_path: Path, haproxy: str) -> None:  # noqa: ARG001
    name = "a'b\"c\n    maxconn 1 # ${HOME} %[env(PATH)] \\"
    plan = three_pools()
    service = plan.service.model_copy(update={"model": name})
    with Rig(tmp_path, plan.model_copy(update={"service": service})) as rig:
        described = rig.command("show info desc")
        assert "maxconn 1 # ${HOME} %[env(PATH)] \\" in described
        assert "Maxconn: 8000" in described
        assert rig.ask().status == 200
