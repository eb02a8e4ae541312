"""What a live source of prices must do. A new cloud is one new file and one line in CLOUDS."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from melange_cloud.errors import OutsideError
from melange_cloud.prices.listing import Composed

T = TypeVar("T")


@dataclass(frozen=True)
class RegionState:
    """A region of a cloud; prices are fetched only where the account has it enabled."""

    name: str
    enabled: bool = True


class Cloud(Protocol):
    """One account of one cloud. Its methods are called from several threads at once."""

    name: str
    account: str
    """What tells accounts apart in the cache: quotas and enabled regions are the account's own."""

    sources: dict[str, str]
    """Key used by its offers -> where the prices were read."""

    def regions(self) -> list[RegionState]:
        """All regions. Raises CloudError."""

    def fetch(self, region: str, as_of: str) -> Composed:
        """What ``region`` lists on the day ``as_of``. Raises CloudError, RegionNotEnabled."""


class CloudError(OutsideError):
    """A cloud did not answer as it should, or will not answer us. Exit code 4."""


class RegionNotEnabled(OutsideError):
    """The account has not opted in to this region; it is skipped and said."""


class Once(Generic[T]):
    """What all regions share, fetched once, by whichever thread needs it first.

    A failure is kept as well: thirty regions must not each wait for the same broken API.
    """

    def __init__(self, fetch: Callable[[], T]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._value: list[T] = []
        self._error: Exception | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._value:
                try:
                    self._value.append(self._fetch())
                except Exception as error:
                    self._error = error
                    raise
            return self._value[0]


def _aws() -> Cloud:
    from melange_cloud.prices.aws_fetch import Aws

    return Aws.from_environment()


def _gcp() -> Cloud:
    from melange_cloud.prices.gcp_fetch import Gcp

    return Gcp.from_environment()


CLOUDS: dict[str, Callable[[], Cloud]] = {"aws": _aws, "gcp": _gcp}
"""Provider -> its live prices, with the account of the environment."""
