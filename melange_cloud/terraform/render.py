"""From a plan to the files of a folder that `terraform apply` turns into the fleet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from melange_cloud.errors import InvalidInput
from melange_cloud.gateway import default_backends, depends_on_size, gateway_files
from melange_cloud.names import shorten
from melange_cloud.plan import Plan
from melange_cloud.planning.extras import extras
from melange_cloud.planning.machines import max_model_len
from melange_cloud.planning.sites import (
    Routing,
    Site,
    check_routing,
    default_routing,
    not_provisionable,
    sites,
)
from melange_cloud.terraform.call import Call
from melange_cloud.terraform.calls import balancer, calls, pool_call
from melange_cloud.terraform.names import aws_tags, changed_tags, gcp_labels
from melange_cloud.terraform.quoting import Expression
from melange_cloud.terraform.readme import readme_context
from melange_cloud.terraform.root import check_model, module_files, root_context, templates

ROOT_FILES = ("README.md", "main.tf", "outputs.tf", "variables.tf", "versions.tf")


@dataclass(frozen=True)
class Rendered:
    """The files of a root module, and notes for the reader."""

    files: dict[str, str]
    """Path below the folder -> text."""
    routing: Routing
    plan: Plan
    """The plan with the extras of this rendering, as it is written to plan.json."""
    notes: list[str]


def render(plan: Plan, routing: Routing | None = None) -> Rendered:
    """All files for a plan. Without a ``routing``, the one that its shares need is used.

    Raises InvalidInput for offers that cannot be provisioned, for values that Terraform cannot
    hold, and for a routing that is not possible for the plan.
    """
    _check(plan)
    routing = routing or default_routing(plan)
    check_routing(plan, routing)
    places = sites(plan)
    gateway = _gateway_files(plan, places) if routing == "size" else {}
    all_calls = calls(plan, places, routing, sorted(gateway))
    with_extras = plan.model_copy(update={"extras": extras(plan, routing)})
    files = {
        **_root(plan, with_extras, places, routing, all_calls),
        **{f"gateway/{name}": text for name, text in gateway.items()},
        "plan.json": with_extras.to_json(),
    }
    files |= module_files(all_calls)
    return Rendered(
        dict(sorted(files.items())), routing, with_extras, _notes(plan, routing, places)
    )


def _check(plan: Plan) -> None:
    if not plan.pools:
        raise InvalidInput(
            "the plan has no pools, so there is nothing to render",
            hint="make the plan again with `melange-cloud plan`",
        )
    refused = not_provisionable(plan.pools)
    if refused:
        raise InvalidInput(
            "these offers of the plan cannot be provisioned: " + "; ".join(refused),
            hint="plan again with offers of AWS or Google Cloud, in regions named as they name "
            "them (--provider, --region, or other --prices)",
        )
    check_model(plan.service.model)
    if len({pool.id for pool in plan.pools}) < len(plan.pools):
        raise InvalidInput(
            "two pools of the plan have the same id",
            hint="make the plan again with `melange-cloud plan`",
        )


def _gateway_files(plan: Plan, places: Sequence[Site]) -> dict[str, str]:
    far = {pool.id for site in places if not site.home for pool in site.pools}
    backends = [replace(backend, tls=backend.pool_id in far) for backend in default_backends(plan)]
    return gateway_files(plan, backends)


def _root(
    plan: Plan,
    with_extras: Plan,
    places: Sequence[Site],
    routing: Routing,
    all_calls: Sequence[Call],
) -> dict[str, str]:
    environment = templates()
    service = plan.service
    settings = {"model": service.model, "plan_digest": plan.digest}
    context = {
        **root_context(service.name, service.tags, places, all_calls, settings),
        "serving": True,
        "sized": routing == "size",
        "remote": [site.name for site in places if not site.home],
        "digest": plan.digest,
        "usd_per_hour": plan.cost.usd_per_hour,
        "endpoint": _endpoint(places, routing),
        "api_key_description": _api_key_description(routing),
        "certificate_description": _certificate_description(places),
    }
    texts = {
        name: environment.get_template(f"root/{name}.j2").render(context, pools=_pool_outputs(plan))
        for name in ROOT_FILES
        if name != "README.md"
    }
    readme = environment.get_template("root/README.md.j2")
    return texts | {
        "README.md": readme.render(context | readme_context(with_extras, places, routing))
    }


def _endpoint(places: Sequence[Site], routing: Routing) -> Expression:
    if routing == "size":
        return Expression("module.gateway.endpoint")
    return balancer(places[0]).output("endpoint")


def _pool_outputs(plan: Plan) -> dict[str, object]:
    return {
        pool.id: {
            name: pool_call(pool).output(name)
            for name in ("instance_type", "planned_count", "address", "port", "capacity_alarm")
        }
        for pool in plan.pools
    }


def _api_key_description(routing: Routing) -> str:
    if routing == "size":
        return "Secret with one line for each API key: the key's SHA-256 and the client's name."
    return "Secret that holds the API key that the servers check; empty for none."


def _certificate_description(places: Sequence[Site]) -> str:
    of = "ACM ARN" if places[0].provider == "aws" else "self link of a regional SSL certificate"
    return f"Certificate of the endpoint ({of}); empty for plain HTTP inside the network."


def _notes(plan: Plan, routing: Routing, places: Sequence[Site]) -> list[str]:
    service, found = plan.service, []
    clouds = {site.provider for site in places}
    for cloud, name, of in (("aws", "AWS", aws_tags), ("gcp", "Google Cloud", gcp_labels)):
        changed = changed_tags(service.tags, of(service.name, service.tags))
        if cloud in clouds and changed:
            keys = ", ".join(shorten(key, 40) for key in changed)
            found.append(f"{name} does not accept these tags as written, so they differ: {keys}")
    for pool in plan.pools:
        wanted, fits = service.max_model_len, max_model_len(plan, pool)
        if wanted and fits and fits < wanted:
            found.append(
                f"{pool.id}: max_model_len is set to {fits}, because its GPUs' memory cannot hold "
                f"the cache of {wanted} tokens and vLLM would not start"
            )
    if routing == "weighted" and depends_on_size(plan):
        found.append(
            "the plan's shares depend on the size of requests; routed by weight, without the "
            "gateway, its fleet may be slower than planned"
        )
    return found
