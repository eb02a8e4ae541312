"""melange-cloud: the cheapest mix of cloud GPUs that serves an LLM at a traffic and latency.

What a notebook imports; each name is loaded on first use, so that importing the package is free:

    from melange_cloud import load_inputs, load_service, make_plan

    plan = make_plan(load_inputs(load_service("examples/chat.yaml"), "examples")).plan
    plan.cost.usd_per_hour

A path is a text or a ``pathlib.Path``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from melange_cloud.allocation.problem import Cap, Column, Problem
    from melange_cloud.allocation.solve import Solution, solve
    from melange_cloud.errors import Infeasible, InvalidInput, MelangeError, OutsideError
    from melange_cloud.plan import Plan, load_plan
    from melange_cloud.planning.inputs import load_inputs
    from melange_cloud.planning.planner import make_plan
    from melange_cloud.planning.sweep import sweep_points
    from melange_cloud.prices.sources import load_prices
    from melange_cloud.profiles.store import load_profiles
    from melange_cloud.service import Service, load_service
    from melange_cloud.workload.store import load_workload

__version__ = "0.1.0"

__all__ = [
    "Cap",
    "Column",
    "Infeasible",
    "InvalidInput",
    "MelangeError",
    "OutsideError",
    "Plan",
    "Problem",
    "Service",
    "Solution",
    "load_inputs",
    "load_plan",
    "load_prices",
    "load_profiles",
    "load_service",
    "load_workload",
    "make_plan",
    "solve",
    "sweep_points",
]

_MODULES = {
    "allocation.problem": ("Cap", "Column", "Problem"),
    "allocation.solve": ("Solution", "solve"),
    "errors": ("Infeasible", "InvalidInput", "MelangeError", "OutsideError"),
    "plan": ("Plan", "load_plan"),
    "planning.inputs": ("load_inputs",),
    "planning.planner": ("make_plan",),
    "planning.sweep": ("sweep_points",),
    "prices.sources": ("load_prices",),
    "profiles.store": ("load_profiles",),
    "service": ("Service", "load_service"),
    "workload.store": ("load_workload",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
