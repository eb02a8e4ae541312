"""From a plan to the text of the gateway's files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from melange_cloud.bundled import bundled_folder
from melange_cloud.errors import InvalidInput
from melange_cloud.gateway.options import (
    MAX_POOLS,
    Backend,
    GatewayOptions,
    address_variable,
    host_variable,
)
from melange_cloud.gateway.quoting import quote
from melange_cloud.gateway.table import RoutingTable, routing_table
from melange_cloud.plan import Plan

MAX_HEADER_BYTES = 16 * 1024
"""Longer headers are answered with 431, so that the buffer always has room for the headers and a
body of half its size."""


def gateway_files(
    plan: Plan, backends: Sequence[Backend], options: GatewayOptions | None = None
) -> dict[str, str]:
    """HAProxy's configuration and maps for a plan: file name -> text.

    HAProxy reads them from one folder, after a ``base.cfg`` that sets the environment variables
    they name: addresses, listeners and sockets, which the plan does not know.
    ``backends``: one for each pool of the plan, in any order.

    Raises InvalidInput for a plan that cannot be routed, and for backends that are not one for
    each of its pools.
    """
    options = options or GatewayOptions()
    table = routing_table(plan)
    by_pool = {backend.pool_id: backend for backend in backends}
    if set(by_pool) != set(table.pool_ids) or len(by_pool) < len(backends):
        raise InvalidInput("the gateway needs one backend for each pool of the plan")
    if len(by_pool) > MAX_POOLS:
        raise InvalidInput(
            f"the plan has {len(by_pool)} pools; a gateway routes to at most {MAX_POOLS}"
        )
    return {
        "haproxy.cfg": _configuration(
            plan, table, [by_pool[pool_id] for pool_id in table.pool_ids], options
        ),
        **_maps(table, options),
    }


def _configuration(
    plan: Plan, table: RoutingTable, backends: Sequence[Backend], options: GatewayOptions
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(bundled_folder("templates") / "gateway"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quote"] = quote
    buffer_bytes = options.buffer_for(table.input_edges[-1])
    return environment.get_template("haproxy.cfg.j2").render(
        description=f"{plan.service.name}: {plan.service.model}",
        pools=[
            {
                "id": backend.pool_id,
                "slots": [f"lb{n}" for n in range(1, backend.addresses + 1)],
                "address": f"${{{address_variable(backend.pool_id)}}}",
                "host": f"${{{host_variable(backend.pool_id)}}}",
                "tls": backend.tls,
            }
            for backend in backends
        ],
        max_attempts=len(backends) + 2,
        last_row=len(table.input_edges),
        last_column=len(table.output_edges),
        buffer_bytes=buffer_bytes,
        max_header_bytes=MAX_HEADER_BYTES,
        max_unannounced_bytes=buffer_bytes // 2,
        max_body_bytes=options.max_body_bytes,
        max_connections=options.connections_for(buffer_bytes),
        answer_timeout_seconds=options.answer_timeout_seconds,
    )


def _maps(table: RoutingTable, options: GatewayOptions) -> dict[str, str]:
    # HAProxy's ranges are closed: (low, high] in tokens is low + 1 to high in whole bytes
    input_bytes = [math.floor(edge * options.bytes_per_token) for edge in table.input_edges]
    weights = {f"{row}_{column}": pools for (row, column), pools in table.weights.items()}
    return {
        "input.map": _ranges(input_bytes),
        "output.map": _ranges(table.output_edges),
        "mean_output.map": _lines(enumerate(table.mean_output)),
        "weights.map": _lines(
            (key, ",".join(map(str, pools)))
            for key, pools in [*weights.items(), ("any", table.overall)]
        ),
    }


def _ranges(edges: Sequence[int]) -> str:
    """``first:last index`` of each range; above the last edge the reader's default applies."""
    firsts = [0, *(edge + 1 for edge in edges[:-1])]
    return _lines(
        (f"{first}:{last}", index)
        for index, (first, last) in enumerate(zip(firsts, edges, strict=True))
        if first <= last
    )


def _lines(rows: Iterable[tuple[object, object]]) -> str:
    return "".join(f"{key} {value}\n" for key, value in rows)
