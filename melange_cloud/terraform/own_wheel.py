"""This installation of melange-cloud as a wheel, for machines that must run the same program."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from melange_cloud.bundled import bundled_folder
from melange_cloud.errors import OutsideError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold, so that the same files give the same bytes."""

_WHEEL = "Wheel-Version: 1.0\nGenerator: melange-cloud\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def own_wheel() -> tuple[str, bytes]:
    """File name and content of a wheel with this package, installed or of a checkout.

    The layout is that of the binary distribution format (PyPA). The bundled profiles and templates
    are left out, since measuring does not need them; the locked requirements are in. Raises
    OutsideError where the package was copied somewhere without being installed, because its
    requirements are then unknown.
    """
    try:
        found = distribution("melange-cloud")
        metadata = found.read_text("METADATA")
    except PackageNotFoundError:
        metadata = None
    if not metadata:
        raise OutsideError(
            "melange-cloud is not installed as a package, so its requirements are not known",
            hint="install it with `pip install`, then run this again",
        )
    package = Path(__file__).parents[1]
    info = f"melange_cloud-{found.version}.dist-info"
    files = {
        f"melange_cloud/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and not {"__pycache__", "bundled"} & set(path.relative_to(package).parts)
    }
    requirements = bundled_folder("requirements") / "run.txt"
    files["melange_cloud/bundled/requirements/run.txt"] = requirements.read_bytes()
    files |= {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": _WHEEL.encode()}
    lines = [f"{path},{_record(data)}" for path, data in files.items()] + [f"{info}/RECORD,,"]
    files[f"{info}/RECORD"] = "".join(f"{line}\n" for line in lines).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return f"melange_cloud-{found.version}-py3-none-any.whl", content.getvalue()


def _record(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(data)}"
