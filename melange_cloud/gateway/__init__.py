"""The gateway: HAProxy that sends each request to the pool that the plan has for its size.

Pure: a Plan goes in, the text of HAProxy's files comes out. Only Terraform knows the addresses of
the pools, so the files name them by environment variables (``address_variable``).
"""

from melange_cloud.gateway.files import gateway_files
from melange_cloud.gateway.options import (
    Backend,
    GatewayOptions,
    address_variable,
    default_backends,
    host_variable,
)
from melange_cloud.gateway.routing import depends_on_size, overall_shares
from melange_cloud.gateway.table import RoutingTable, routing_table

__all__ = [
    "Backend",
    "GatewayOptions",
    "RoutingTable",
    "address_variable",
    "default_backends",
    "depends_on_size",
    "gateway_files",
    "host_variable",
    "overall_shares",
    "routing_table",
]
