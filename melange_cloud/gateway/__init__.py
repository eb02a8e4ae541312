"""The gateway: HAProxy that sends each request where the plan says, by the request's size.

Pure: a Plan goes in, the text of HAProxy's files comes out. Addresses of the pools are known to
Terraform alone; the files name them by environment variables (``address_variable``).
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
