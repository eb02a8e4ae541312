"""Fixtures of the price tests: loopback clouds, and an account that exists nowhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake, billing_api, compute_api, price_list_api, quotas_api

from melange_cloud.prices.aws_fetch import Aws
from melange_cloud.prices.gcp_fetch import Endpoints, Gcp

FakeAws = tuple[Fake, Fake]


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No login, no configuration and no cache of whoever runs the tests."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_", "CLOUDSDK_", "GCLOUD_", "GPUHUNT_")):
            monkeypatch.delenv(name)
    nowhere = tmp_path / "nowhere"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(nowhere))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("MELANGE_CLOUD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A moto server: EC2 with its instance types and offerings as recorded from AWS."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that fakes accept, and few retries, with the SDK's own backoff."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")


@pytest.fixture
def aws_fakes(
    monkeypatch: pytest.MonkeyPatch,
    aws_login: None,  # noqa: ARG001 - it sets the environment
) -> Iterator[Callable[..., tuple[Fake, Fake]]]:
    """``prices, quotas = aws_fakes(products, {code: value})``: the two APIs moto lacks."""
    with ExitStack() as stack:

        def start(
            products: list[str], quotas: dict[str, float] | None = None, **paging: int
        ) -> tuple[Fake, Fake]:
            prices = stack.enter_context(Fake(price_list_api(products, **paging)))
            limits = stack.enter_context(Fake(quotas_api(quotas or {})))
            monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", prices.url)
            monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", limits.url)
            return prices, limits

        yield start


@pytest.fixture
def aws(
    aws_fakes: Callable[..., tuple[Fake, Fake]], moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Aws, Fake, Fake]]:
    """``cloud, prices, quotas = aws(products, {code: value})``, with EC2 from moto."""

    def start(*arguments: Any, **more: Any) -> tuple[Aws, Fake, Fake]:
        prices, limits = aws_fakes(*arguments, **more)
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", moto_url)
        return Aws.from_environment(), prices, limits

    return start


@pytest.fixture
def gcp() -> Iterator[Callable[..., tuple[Gcp, Fake, Fake]]]:
    """``cloud, compute, billing = gcp(regions, machines by zone, skus)``, over REST."""
    from google.auth.credentials import AnonymousCredentials

    with ExitStack() as stack:

        def start(
            regions: list[dict[str, Any]],
            machines: dict[str, list[dict[str, Any]]],
            skus: list[dict[str, Any]],
            retry_seconds: float = 3.0,
            page_size: int = 100,
            **more: Any,
        ) -> tuple[Gcp, Fake, Fake]:
            answer = compute_api(regions, machines, page_size=page_size, **more)
            compute = stack.enter_context(Fake(answer))
            billing = stack.enter_context(Fake(billing_api(skus, page_size=page_size)))
            endpoints = Endpoints(compute.url, billing.url)
            cloud = Gcp("test-project", AnonymousCredentials(), endpoints, retry_seconds)
            return cloud, compute, billing

        yield start


@pytest.fixture(scope="session")
def service_account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service account's key file as Google writes it, with a key made for this run."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("key") / "key.json"
    account = {
        "type": "service_account",
        "project_id": "project-of-the-key",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "test@project-of-the-key.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:1/token",
    }
    path.write_text(json.dumps(account))
    return path
