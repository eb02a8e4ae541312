"""The settings of a gateway that do not come from the plan."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.plan import Plan

MAX_POOLS = 50
_POOL_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_AWS_ADDRESSES = 4
"""The name of an AWS load balancer has one address in each zone, and more under load; the name of
a GCP one has one address."""


@dataclass(frozen=True)
class Backend:
    """How the gateway reaches a pool.

    ``addresses``: the most addresses that its load balancer's name has, from 1 to 100. ``tls``:
    speak TLS to it and check its certificate against the machine's authorities.

    Raises InvalidInput for a pool id or a number of addresses that HAProxy cannot use.
    """

    pool_id: str
    addresses: int = 1
    tls: bool = False

    def __post_init__(self) -> None:
        if not _POOL_ID.fullmatch(self.pool_id) or len(self.pool_id) > 120:
            raise InvalidInput(
                f"pool id {shorten(repr(self.pool_id))} cannot be a name in HAProxy",
                hint="a pool id has lower-case letters, digits and single hyphens",
            )
        if not 1 <= self.addresses <= 100:
            raise InvalidInput(
                f"backend {self.pool_id} has {self.addresses} addresses; it must have 1 to 100"
            )


@dataclass(frozen=True)
class GatewayOptions:
    """Limits of the gateway, and how it estimates a request's length.

    - ``bytes_per_token``: input tokens are the body's bytes divided by this; 4 fits English
      prose, escaped JSON and other scripts need less.
    - ``max_body_bytes``: a larger body is answered with 413.
    - ``answer_timeout_seconds``: the longest silence of a pool, before its first byte and between
      two bytes.
    - ``buffer_bytes``: bodies up to nearly this are read whole, so that ``max_tokens`` is found
      anywhere in them and the request can be sent again; by default what the plan's longest input
      needs.
    - ``max_connections``: of one machine; by default as many as 1 GiB of buffers can hold.

    Raises InvalidInput for a value out of its range.
    """

    bytes_per_token: float = 4.0
    max_body_bytes: int = 4 * 1024 * 1024
    answer_timeout_seconds: int = 600
    buffer_bytes: int | None = None
    max_connections: int | None = None

    def __post_init__(self) -> None:
        _within("bytes_per_token", self.bytes_per_token, 0.1, 100)
        _within("max_body_bytes", self.max_body_bytes, 1024, 2**30)
        _within("answer_timeout_seconds", self.answer_timeout_seconds, 1, 86_400)
        if self.buffer_bytes is not None:
            _within("buffer_bytes", self.buffer_bytes, 2**16, 2**22)
        if self.max_connections is not None:
            _within("max_connections", self.max_connections, 10, 1_000_000)

    def buffer_for(self, longest_input_tokens: int) -> int:
        """Bytes of HAProxy's buffer: the longest input and its headers, a power of two.

        At least 64 KiB; at most 1 MiB, since every request pays for the buffer's size
        (measured: 10,900 requests/s at 128 KiB, 2,000 at 1 MiB).
        """
        if self.buffer_bytes is not None:
            return self.buffer_bytes
        needed = longest_input_tokens * self.bytes_per_token + 16 * 1024
        return min(max(1 << math.ceil(math.log2(needed)), 2**16), 2**20)

    def connections_for(self, buffer_bytes: int) -> int:
        """Connections of one machine; each may hold two buffers."""
        if self.max_connections is not None:
            return self.max_connections
        return min(2**30 // (2 * buffer_bytes), 4000)


def default_backends(plan: Plan) -> list[Backend]:
    """The plan's pools as their own cloud's load balancers present them.

    Raises InvalidInput when a pool's id cannot be a name in HAProxy.
    """
    return [
        Backend(pool.id, addresses=_AWS_ADDRESSES if pool.provider == "aws" else 1)
        for pool in plan.pools
    ]


def address_variable(pool_id: str) -> str:
    """The environment variable that holds a pool's ``address:port``."""
    return "MELANGE_POOL_" + _variable(pool_id)


def host_variable(pool_id: str) -> str:
    """The environment variable that holds the host name a pool's TLS certificate is for."""
    return "MELANGE_HOST_" + _variable(pool_id)


def _variable(pool_id: str) -> str:
    return pool_id.upper().replace("-", "_")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also false for a NaN
        raise InvalidInput(f"{name} is {value}; it must be from {low:,} to {high:,}")
