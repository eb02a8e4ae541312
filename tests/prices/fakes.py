"""Loopback servers that answer as the clouds' APIs do: they page, wait, and fail on demand."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape


@dataclass
class Request:
    """What a client asked: its path, query and body (JSON or form), and the call's name."""

    path: str
    query: dict[str, str]
    body: dict[str, Any]
    target: str

    def __str__(self) -> str:
        return f"{self.target} {self.path} {self.query} {self.body}"


@dataclass
class Answer:
    """``body`` is sent as it is when it is text, else as JSON."""

    body: Any
    status: int = 200
    content_type: str = "application/json"
    cut: bool = False
    """Promise the whole body, send half of it."""


@dataclass
class Fault:
    """The next ``times`` requests whose text matches ``pattern`` get ``answer``."""

    pattern: str
    answer: Answer
    times: int = 10**9


@dataclass
class Fake:
    """A server of one API; ``with Fake(answer) as fake: fake.url``."""

    answer: Callable[[Request], Answer]
    latency: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """The requests that were answered."""
    arrived: int = 0
    """The requests that came."""

    def fail(self, pattern: str, answer: Answer, times: int = 10**9) -> None:
        self.faults.append(Fault(pattern, answer, times))

    def __enter__(self) -> Fake:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def respond(self, request: Request) -> Answer:
        self.arrived += 1
        time.sleep(self.latency)
        with self._lock:
            self.seen.append(str(request))
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, str(request)):
                    fault.times -= 1
                    if not fault.answer.cut:
                        return fault.answer
                    return Answer(self.answer(request).body, cut=True)
        return self.answer(request)


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length).decode()
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            if text.startswith("{"):
                body = json.loads(text)
            else:
                body = {key: values[0] for key, values in parse_qs(text).items()}
            target = self.headers.get("X-Amz-Target") or body.get("Action", "")
            answer = fake.respond(Request(url.path, query, body, target))
            data = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            raw = data.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2] if answer.cut else raw)
            if answer.cut:
                self.wfile.flush()
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _page(items: Sequence[Any], size: int, token: str | None) -> tuple[list[Any], str]:
    """One page of ``items`` and the token of the next, "" after the last."""
    start = int(token or 0)
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else ""


# AWS


def price_list_api(products: Sequence[str], page_size: int = 100) -> Callable[[Request], Answer]:
    """GetProducts over JSON strings as in PriceList, by their regionCode; paged by NextToken."""
    by_region: dict[str, list[str]] = {}
    for element in products:
        attributes = json.loads(element)["product"]["attributes"]
        by_region.setdefault(attributes["regionCode"], []).append(element)

    def answer(request: Request) -> Answer:
        assert request.target == "AWSPriceListService.GetProducts"
        assert request.body["ServiceCode"] == "AmazonEC2"
        wanted = {item["Field"]: item["Value"] for item in request.body["Filters"]}
        found = by_region.get(wanted["regionCode"], [])
        page, token = _page(found, page_size, request.body.get("NextToken"))
        body: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": page}
        if token:
            body["NextToken"] = token
        return Answer(body, content_type="application/x-amz-json-1.1")

    return answer


def quotas_api(values: dict[str, float]) -> Callable[[Request], Answer]:
    """GetServiceQuota; codes that are not in ``values`` do not exist."""

    def answer(request: Request) -> Answer:
        assert request.target == "ServiceQuotasV20190624.GetServiceQuota"
        code = request.body["QuotaCode"]
        if code not in values:
            return aws_error("NoSuchResourceException", 400)
        quota = {"ServiceCode": "ec2", "QuotaCode": code, "Value": values[code], "Unit": "None"}
        return Answer({"Quota": quota}, content_type="application/x-amz-json-1.1")

    return answer


def aws_error(code: str, status: int, message: str = "as the test asked") -> Answer:
    """An error of a JSON API."""
    return Answer({"__type": code, "message": message}, status, "application/x-amz-json-1.1")


def ec2_error(code: str, status: int) -> Answer:
    """An error of EC2's query API."""
    text = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>as the test asked</Message></Error>"
        "</Errors><RequestID>0</RequestID></Response>"
    )
    return Answer(text, status, "text/xml")


def ec2_api(
    regions: Sequence[str], instance_types: Sequence[dict[str, Any]]
) -> Callable[[Request], Answer]:
    """EC2 where every region sells the same types in two zones; for the benchmark."""

    def answer(request: Request) -> Answer:
        action = request.body["Action"]
        if action == "DescribeRegions":
            items = [
                f"<item><regionName>{name}</regionName>"
                "<optInStatus>opt-in-not-required</optInStatus></item>"
                for name in regions
            ]
            return _ec2("DescribeRegions", "regionInfo", items)
        if action == "DescribeInstanceTypes":
            return _ec2(action, "instanceTypeSet", map(_instance_type_xml, instance_types))
        assert action == "DescribeInstanceTypeOfferings"
        items = [
            f"<item><instanceType>{described['InstanceType']}</instanceType>"
            f"<location>zone-{zone}</location><locationType>availability-zone</locationType></item>"
            for described in instance_types
            for zone in "ab"
        ]
        return _ec2(action, "instanceTypeOfferingSet", items)

    return answer


def _ec2(action: str, name: str, items: Iterable[str]) -> Answer:
    text = (
        f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>0</requestId><{name}>{''.join(items)}</{name}></{action}Response>"
    )
    return Answer(text, content_type="text/xml")


def _instance_type_xml(described: dict[str, Any]) -> str:
    (gpu,) = described["GpuInfo"]["Gpus"]
    return (
        f"<item><instanceType>{escape(described['InstanceType'])}</instanceType>"
        f"<vCpuInfo><defaultVCpus>{described['VCpuInfo']['DefaultVCpus']}</defaultVCpus></vCpuInfo>"
        f"<memoryInfo><sizeInMiB>{described['MemoryInfo']['SizeInMiB']}</sizeInMiB></memoryInfo>"
        f"<gpuInfo><gpus><item><name>{gpu['Name']}</name><manufacturer>NVIDIA</manufacturer>"
        f"<count>{gpu['Count']}</count>"
        f"<memoryInfo><sizeInMiB>{gpu['MemoryInfo']['SizeInMiB']}</sizeInMiB></memoryInfo>"
        "</item></gpus></gpuInfo></item>"
    )


# GCP


def compute_api(
    regions: Sequence[dict[str, Any]],
    machine_types: dict[str, Sequence[dict[str, Any]]],
    project_quotas: Sequence[dict[str, Any]] = (),
    page_size: int = 100,
) -> Callable[[Request], Answer]:
    """Compute Engine v1: regions, the project, and machine types by zone; paged by pageToken."""

    def answer(request: Request) -> Answer:
        parts = request.path.removeprefix("/compute/v1/projects/").split("/")
        if len(parts) == 1:
            return Answer({"name": parts[0], "quotas": list(project_quotas)})
        if parts[1] == "regions":
            items: Sequence[dict[str, Any]] = regions
        else:
            assert parts[1] == "zones"
            assert parts[3] == "machineTypes"
            items = machine_types.get(parts[2], ())
        page, token = _page(items, page_size, request.query.get("pageToken"))
        body: dict[str, Any] = {"items": page}
        if token:
            body["nextPageToken"] = token
        return Answer(body)

    return answer


def billing_api(
    skus: Sequence[dict[str, Any]], page_size: int = 100
) -> Callable[[Request], Answer]:
    """The Cloud Billing catalogue's SKUs of Compute Engine; paged by pageToken."""

    def answer(request: Request) -> Answer:
        assert request.path == "/v1/services/6F81-5844-456A/skus"
        assert request.query["currencyCode"] == "USD"
        page, token = _page(skus, page_size, request.query.get("pageToken"))
        return Answer({"skus": page, "nextPageToken": token})

    return answer


def google_error(status: int, message: str = "as the test asked") -> Answer:
    """An error of a Google API."""
    return Answer({"error": {"code": status, "message": message, "errors": []}}, status)
