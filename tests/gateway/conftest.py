"""Fixtures of the gateway's tests: the real HAProxy, or a clear word that it is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# the machine's own program, which is no part of the package; the providers' stand-ins
sys.path[:0] = [str(ROOT / "templates" / "userdata"), str(ROOT / "tests" / "terraform")]

from gateway_rig import Rig  # noqa: E402
from sample_plans import three_pools  # noqa: E402
from tools import require_program  # noqa: E402


@pytest.fixture(scope="session")
def haproxy() -> str:
    """The path of HAProxy, 2.6 or newer."""
    return require_program("haproxy")


@pytest.fixture(scope="module")
def rig(haproxy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:  # noqa: ARG001
    """A gateway before three pools, shared by a module's tests that leave it as it was."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with Rig(folder, three_pools()) as running:
        yield running
