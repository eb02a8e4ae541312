"""gpuhunt's catalogue, through the real package, from a loopback server."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from melange_cloud.errors import InvalidInput
from melange_cloud.prices.clouds import CloudError
from melange_cloud.prices.gpuhunt_catalogue import load_gpuhunt
from melange_cloud.prices.offer import provisionable
from melange_cloud.prices.sources import load_prices
from melange_cloud.prices.wanted import Wanted

pytest.importorskip("gpuhunt")

HEADER = (
    "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,"
    "gpu_vendor,flags,cpu_arch,provider_data"
)
ROWS = {
    "aws": [
        "p4d.24xlarge,us-east-1,21.96,96,1152,8,A100,40,False,,nvidia,,x86,{}",
        "p4de.24xlarge,us-east-1,27.45,96,1152,8,A100,80,False,,nvidia,,x86,{}",
        "p4d.24xlarge,us-east-1,9.0,96,1152,8,A100,40,True,,nvidia,,x86,{}",
        "m5.large,us-east-1,0.1,2,8,0,,,False,,,,x86,{}",
    ],
    "gcp": [
        "g2-standard-4,us-central1-a,0.7,4,16,1,L4,24,False,,nvidia,,x86,{}",
        "g2-standard-4,us-central1-b,0.8,4,16,1,L4,24,False,,nvidia,,x86,{}",
        "a3-highgpu-1g,us-central1-a,11.06,26,234,1,H100,80,False,,nvidia,,x86,{}",
        "a3-highgpu-8g,us-central1-a,50,208,1872,8,H100,80,False,,nvidia,"
        "gcp-dws-calendar-mode,x86,{}",
        "g4-standard-6,us-central1-b,0.56,6,22,1,RTXPRO6000,12,False,,nvidia,gcp-g4,x86,{}",
        "n1-standard-8,us-central1-a,0.73,8,30,1,T4,16,False,,nvidia,,x86,{}",
        "n1-standard-8,us-central1-a,1.08,8,30,2,T4,16,False,,nvidia,,x86,{}",
        "v5litepod-8,us-central1-a,9.6,224,384,1,v5litepod-8,128,False,,google,,x86,{}",
    ],
    "nebius": [
        "gpu-h100-sxm 8gpu-128vcpu-1600gb,eu-north1,23.6,128,1600,8,H100,80,False,,nvidia,,x86,{}",
    ],
    "runpod": [
        "NVIDIA H100 80GB HBM3,US-KS-2,2.99,16,188,1,H100,80,False,,nvidia,,x86,{}",
        "NVIDIA H100 80GB HBM3,US-KS-2,30,128,1500,8,H100,80,False,,nvidia,runpod-cluster,x86,{}",
    ],
}


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PROVIDER/version and PROVIDER/VERSION/catalog.zip, as gpuhunt publishes them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider, *rest = self.path.strip("/").split("/")
            if provider not in ROWS:
                self.send_error(404)
                return
            data = b"20261121-4711"
            if rest[-1] == "catalog.zip":
                buffer = io.BytesIO()
                with zipfile.ZipFile(buffer, "w") as archive:
                    archive.writestr(f"{provider}.csv", "\n".join([HEADER, *ROWS[provider]]))
                data = buffer.getvalue()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("GPUHUNT_CATALOG_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("catalogue")
def test_the_whole_catalogue() -> None:
    book = load_prices("gpuhunt", Path())
    assert {
        (str(offer.key), offer.gpu, offer.gpu_count, offer.usd_per_hour) for offer in book.offers
    } == {
        ("aws/us-east-1 p4d.24xlarge on-demand", "A100-40GB", 8, 21.96),
        ("aws/us-east-1 p4d.24xlarge spot", "A100-40GB", 8, 9.0),
        ("aws/us-east-1 p4de.24xlarge on-demand", "A100-80GB", 8, 27.45),
        ("gcp/us-central1 g2-standard-4 on-demand", "L4", 1, 0.8),
        ("gcp/us-central1 n1-standard-8+1xT4 on-demand", "T4", 1, 0.73),
        ("gcp/us-central1 n1-standard-8+2xT4 on-demand", "T4", 2, 1.08),
        ("nebius/eu-north1 gpu-h100-sxm-8gpu-128vcpu-1600gb on-demand", "H100", 8, 23.6),
        ("runpod/US-KS-2 NVIDIA-H100-80GB-HBM3 on-demand", "H100", 1, 2.99),
    }
    assert {offer.as_of for offer in book.offers} == {"2026-11-21"}
    assert {item.instance_type for item in book.excluded} == {"a3-highgpu-1g", "g4-standard-6"}
    (note,) = book.notes
    assert note.startswith("gpuhunt has no catalogue of azure")


@pytest.mark.usefixtures("catalogue")
def test_zones_become_their_region() -> None:
    book = load_gpuhunt(["gcp"])
    zones = {offer.instance_type: offer.zones for offer in book.offers}
    assert zones["g2-standard-4"] == ["us-central1-a", "us-central1-b"]


@pytest.mark.usefixtures("catalogue")
def test_what_terraform_cannot_be_rendered_for_is_marked() -> None:
    book = load_gpuhunt()
    marked = {
        offer.instance_type
        for offer in book.offers
        if not provisionable(offer.provider, offer.instance_type)
    }
    assert marked == {
        *("n1-standard-8+1xT4", "n1-standard-8+2xT4"),
        "gpu-h100-sxm-8gpu-128vcpu-1600gb",
        "NVIDIA-H100-80GB-HBM3",
    }


@pytest.mark.usefixtures("catalogue")
def test_only_the_providers_wanted() -> None:
    book = load_prices("gpuhunt", Path(), Wanted(providers=["Nebius"]))
    assert {offer.provider for offer in book.offers} == {"nebius"}
    assert book.notes == []
    with pytest.raises(InvalidInput, match='unknown gpuhunt provider "nebulous"'):
        load_gpuhunt(["nebulous"])


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUHUNT_CATALOG_URL", "http://127.0.0.1:1")
    with pytest.raises(CloudError, match="gpuhunt's catalogue cannot be read"):
        load_gpuhunt()
