"""What the README of a rendered folder says."""

from __future__ import annotations

from collections.abc import Sequence

from melange_cloud.plan import HOURS_PER_MONTH, Plan, Pool
from melange_cloud.planning.extras import extras_note
from melange_cloud.planning.sites import Routing, Site
from melange_cloud.terraform.quoting import code


def readme_context(plan: Plan, places: Sequence[Site], routing: Routing) -> dict[str, object]:
    """The values for the README's template; ``plan`` has the extras of this rendering."""
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
        "extras_note": extras_note().removeprefix("extras are "),
        "routing_text": _ROUTING_TEXT[routing],
        "network_variables": " and ".join(f"`{cloud}_networks`" for cloud in sorted(clouds)),
        "steps": _steps(places, routing),
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
    "a pool\naccording to its size and the plan's shares. Their configuration is in `gateway/`.",
    "weighted": "One internal load balancer splits requests among the pools by weight, whatever "
    "their size.",
}


def _steps(places: Sequence[Site], routing: Routing) -> list[dict[str, str]]:
    """What must exist before `terraform apply`, and the shell commands that make it."""
    home = next(site for site in places if site.home)
    clouds = sorted({site.provider for site in places})
    found = []
    if "gcp" in clouds:
        found.append({"text": _PROJECT_TEXT, "shell": _project(home, routing)})
    if routing == "size":
        created = _create_secret(home, _KEYS, "keys.txt")
        shell = [*_MAKE_KEY, created, _setting("api_key_secret", _KEYS)]
        found.append({"text": _KEYS_TEXT, "shell": "\n".join(shell)})
    shell = []
    for cloud in clouds:
        of_cloud = [site for site in places if site.provider == cloud]
        # AWS keeps a secret in a region, Google Cloud in a project
        shell += [
            _create_secret(site, "hf-token", "token.txt")
            for site in (of_cloud if cloud == "aws" else of_cloud[:1])
        ]
        shell.append(_setting(f"{cloud}_hf_token_secret", "hf-token"))
    return [*found, {"text": _TOKEN_TEXT, "shell": "\n".join(shell)}]


def _project(home: Site, routing: Routing) -> str:
    apis = ["compute", "iam", "monitoring", "secretmanager"]
    if routing == "size" and home.provider == "gcp":
        # the gateway's configuration is in a bucket that a role of the project lets it read
        apis += ["cloudresourcemanager", "storage"]
    names = " ".join(f"{api}.googleapis.com" for api in sorted(apis))
    return (
        "project=YOUR-PROJECT\n"
        f'gcloud services enable --project "$project" \\\n  {names}\n'
        """echo "gcp_project = \\"$project\\"" >> terraform.tfvars"""
    )


def _create_secret(site: Site, name: str, file: str) -> str:
    if site.provider == "aws":
        return (
            f"aws secretsmanager create-secret --region {site.region} --name {name} \\\n"
            f"  --secret-string file://{file}"
        )
    return f'gcloud secrets create {name} --project "$project" --data-file {file}'


def _setting(variable: str, value: str) -> str:
    return f"""echo '{variable} = "{value}"' >> terraform.tfvars"""


_PROJECT_TEXT = "Name the Google Cloud project, and enable the APIs that the fleet needs:"

_KEYS = "gateway-keys"

_KEYS_TEXT = (
    "Make an API key. The gateway's secret has one line for each key: its SHA-256 and the client's "
    "name.\nOnly the client keeps the key itself, so note down what this prints:"
)

_MAKE_KEY = (
    'key=$(openssl rand -hex 24); echo "$key"',
    """printf '%s my-client\\n' "$(printf %s "$key" | sha256sum | cut -d' ' -f1)" >> keys.txt""",
)

_TOKEN_TEXT = (
    "Open models need no Hugging Face token. For others, put the token into the cloud's secret "
    "store and\nname the secret; the token itself never enters Terraform's state:"
)

_REMOTE_TEXT = (
    "The gateway reaches pools in another region or cloud over the internet: their load balancers\n"
    "speak TLS with your certificate and let in only the addresses of the gateway's NAT. Name the\n"
    "certificate and its host name in `remote_sites`. No DNS entry is needed: the gateway\n"
    "connects to the load balancer's address and checks the certificate against the host name."
)
