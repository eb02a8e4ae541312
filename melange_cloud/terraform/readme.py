"""What the README of a rendered folder says."""

from __future__ import annotations

from collections.abc import Sequence

from melange_cloud.plan import HOURS_PER_MONTH, Plan, Pool
from melange_cloud.planning.extras import extras_note
from melange_cloud.planning.sites import Routing, Site
from melange_cloud.terraform.quoting import code


def readme_context(plan: Plan, places: Sequence[Site], routing: Routing) -> dict[str, object]:
    """What the template of the README is filled with; ``plan`` has the extras."""
    whole = plan.cost.usd_per_hour + sum(extra.usd_per_hour for extra in plan.extras)
    clouds = {site.provider for site in places}
    return {
        "service": plan.service.name,
        "model": plan.service.model,
        "places": " and ".join(site.name for site in places),
        "pools": [_readme_pool(pool) for pool in plan.pools],
        "extras": [
            {
                "what": extra.what,
                "count": extra.count,
                "instance_type": extra.instance_type,
                "place": f"{extra.provider}/{extra.region}",
                "usd": f"{extra.usd_per_hour:,.4f}",
            }
            for extra in plan.extras
        ],
        "usd": f"{plan.cost.usd_per_hour:,.4f}",
        "usd_with_extras": f"{whole:,.4f} ({whole * HOURS_PER_MONTH:,.2f} a month)",
        "as_of": plan.prices.as_of or "unknown date",
        "extras_note": extras_note().removeprefix("extras: "),
        "routing_text": _ROUTING_TEXT[routing],
        "network_variables": " and ".join(f"`{cloud}_networks`" for cloud in sorted(clouds)),
        "secrets": "\n".join(_SECRETS[cloud] for cloud in sorted(clouds)),
        "remote_text": _REMOTE_TEXT,
    }


def _readme_pool(pool: Pool) -> dict[str, object]:
    vllm = f"tensor parallel {pool.tensor_parallel}, {pool.replicas_per_instance} replica"
    return {
        "id": pool.id,
        "count": pool.count,
        "instance_type": pool.instance_type,
        "place": f"{pool.provider}/{pool.region}",
        "spot": pool.purchase == "spot",
        "gpus": f"{pool.gpus_per_instance} x {code(pool.gpu)}",
        "vllm": vllm + ("s" if pool.replicas_per_instance > 1 else ""),
        "usd": f"{pool.usd_per_hour:,.4f}",
    }


_ROUTING_TEXT: dict[Routing, str] = {
    "size": "Requests go through a gateway: two machines with HAProxy, which send each request to "
    "a pool\nby its size, in the plan's shares. Its configuration is in `gateway/`.",
    "weighted": "One internal load balancer splits requests among the pools by weight, whatever "
    "their size.",
}

_SECRETS = {
    "aws": "aws secretsmanager create-secret --name hf-token --secret-string file://token.txt\n"
    """echo 'aws_hf_token_secret = "hf-token"' >> terraform.tfvars""",
    "gcp": "gcloud secrets create hf-token --data-file=token.txt\n"
    """echo 'gcp_hf_token_secret = "hf-token"' >> terraform.tfvars""",
}

_REMOTE_TEXT = (
    "The gateway reaches pools in another region or cloud over the internet: their load balancers\n"
    "speak TLS with your certificate and let in only the addresses of the gateway's NAT. Name "
    "certificate\nand host name in `remote_sites`; no DNS entry is needed, as the gateway connects "
    "to the load\nbalancer and checks the certificate against the host name."
)
