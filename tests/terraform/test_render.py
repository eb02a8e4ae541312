"""What is rendered, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from rigs import plan_of, rendered
from tools import require_program

from melange_cloud.errors import InvalidInput
from melange_cloud.gateway import depends_on_size
from melange_cloud.plan import Plan
from melange_cloud.planning.extras import extras
from melange_cloud.terraform.render import render
from melange_cloud.terraform.write import write_files

HOSTILE = (
    'x"${file("/etc/passwd")}%{ if true }\n<<EOT\nEOT\n\'; $(touch pwned) `id` | & # \\ %0a é日'
)


def changed(plan: Plan, **service: object) -> Plan:
    return plan.model_copy(update={"service": plan.service.model_copy(update=service)})


def with_pool(plan: Plan, **pool: object) -> Plan:
    first, *rest = plan.pools
    return plan.model_copy(update={"pools": [first.model_copy(update=pool), *rest]})


def test_golden(golden) -> None:
    # the digest of a plan changes with every price: not what these files are about
    for case in ("two-clouds", "large-model"):
        found = rendered(case)
        for name in ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"):
            text = found.files[name].replace(plan_of(case).digest, "sha256:DIGEST")
            golden(f"render/{case}/{name}", text)


def test_a_pool_keeps_its_port_when_another_comes() -> None:
    plan = plan_of("chat")
    first = plan.pools[0].model_copy(update={"id": "aws-us-east-1-a-new-one", "count": 1})
    more = plan.model_copy(update={"pools": [first, *plan.pools]})

    def ports(found: Plan) -> dict[str, str]:
        main = render(found, "size").files["main.tf"]
        blocks = re.findall(r'(?s)module "(pool_[^"]+)" \{(.*?)\n\}', main)
        return {name: re.findall(r"listener_port\s+= (\d+)", text)[0] for name, text in blocks}

    before, after = ports(plan), ports(more)
    assert len(after) == len(before) + 1 == len(set(after.values()))
    assert before.items() <= after.items()


def test_a_length_that_does_not_fit_is_said() -> None:
    found = render(changed(plan_of("large-model"), max_model_len=10_000_000))
    assert any("cannot hold the cache of 10000000 tokens" in note for note in found.notes)


def test_the_folder_is_self_contained() -> None:
    files = rendered("two-clouds").files
    called = {
        line.split('"')[1].removeprefix("./")
        for line in files["main.tf"].splitlines()
        if line.strip().startswith("source = ")
    }
    assert called == {
        f"modules/{name}"
        for name in (
            "aws-network", "aws-balancer", "aws-pool", "aws-gateway", "gcp-network", "gcp-pool",
        )
    }  # fmt: skip
    for module in called:
        for name in ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"):
            assert f"{module}/{name}" in files
    assert json.loads(files["plan.json"])["service"]["name"] == "two-clouds"


def test_only_the_hashicorp_providers_are_used() -> None:
    text = "".join(t for path, t in rendered("two-clouds").files.items() if path.endswith(".tf"))
    sources = {line.split('"')[1] for line in text.splitlines() if "source  = " in line}
    assert sources == {"hashicorp/aws", "hashicorp/google"}


def test_weights_where_shares_do_not_depend_on_size() -> None:
    assert not depends_on_size(plan_of("large-model"))
    assert rendered("large-model").routing == "weighted"
    assert "modules/aws-gateway/main.tf" not in rendered("large-model").files
    assert rendered("chat").routing == "size"
    assert "gateway/haproxy.cfg" in rendered("chat").files
    forced = render(plan_of("chat"), "weighted")
    assert any("depend on the size" in note for note in forced.notes)


def test_weights_do_not_span_places() -> None:
    with pytest.raises(InvalidInput, match="no load balancer spans aws/us-east-1 and gcp"):
        render(plan_of("two-clouds"), "weighted")


@pytest.mark.parametrize(
    "offer",
    [
        {"provider": "azure", "instance_type": "NC24ads_A100_v4"},
        {"provider": "runpod", "instance_type": "x"},
        {"provider": "gcp", "region": "us-central1", "instance_type": "n1-standard-8"},
        {"region": "paper"},
        {"region": 'us-east-1"\n}'},
    ],
)
def test_offers_that_cannot_be_provisioned_are_named(offer: dict[str, str]) -> None:
    plan = with_pool(plan_of("large-model"), **offer)
    with pytest.raises(InvalidInput, match="cannot be provisioned") as refused:
        render(plan)
    pool = plan.pools[0]
    assert pool.instance_type in str(refused.value)
    if pool.region == "paper":
        assert "paper is not the name of a region of AWS" in str(refused.value)
    assert extras(plan) == []


def test_an_empty_plan_and_an_option_for_a_model_are_refused() -> None:
    plan = plan_of("large-model")
    with pytest.raises(InvalidInput, match="no pools"):
        render(plan.model_copy(update={"pools": []}))
    with pytest.raises(InvalidInput, match='begins with "-"'):
        render(changed(plan, model="--trust-remote-code"))


def test_hostile_text_is_data_to_terraform(tmp_path: Path) -> None:
    require_program("terraform")
    plan = changed(
        with_pool(plan_of("large-model"), id=HOSTILE, gpu=HOSTILE),
        name=HOSTILE,
        model=HOSTILE,
        tags={HOSTILE: HOSTILE, "team": HOSTILE},
    )
    plan = plan.model_copy(
        update={
            "assignment": [
                line.model_copy(update={"shares": {HOSTILE: 1.0}}) for line in plan.assignment
            ]
        }
    )
    write_files(tmp_path, render(plan).files)
    formatted = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    # the locals alone, evaluated by terraform itself
    main = (tmp_path / "main.tf").read_text()
    head = main[: main.index("\nmodule ")].replace("merge(local.given_tags, var.tags)", "{}")
    head = re.sub(r"var\.vllm_image\w*", '"x"', head)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "main.tf").write_text(head + '\noutput "model" {\n  value = local.model\n}\n')
    for words in (["init"], ["apply", "-auto-approve"]):
        subprocess.run(["terraform", *words], cwd=alone, capture_output=True, check=True)
    shown = subprocess.run(
        ["terraform", "output", "-json"], cwd=alone, capture_output=True, text=True, check=True
    )
    assert json.loads(shown.stdout)["model"]["value"] == HOSTILE


def test_extras_are_in_the_plan_and_follow_the_routing() -> None:
    plan = plan_of("chat")
    assert [extra.what for extra in plan.extras] == ["gateway", "load balancer", "NAT", "disk"]
    assert rendered("chat").plan == plan
    weighted = render(plan, "weighted").plan
    assert "gateway" not in {extra.what for extra in weighted.extras}
    both = plan_of("two-clouds").extras
    assert {(extra.what, extra.provider) for extra in both} >= {
        ("NAT", "aws"), ("NAT", "gcp"), ("load balancer", "gcp"), ("gateway", "aws"),
    }  # fmt: skip
    assert {extra.provider for extra in both if extra.what == "gateway"} == {"aws"}
    for extra in (*plan.extras, *both):
        assert 0 < extra.usd_per_hour < 1
        assert extra.count > 0


def test_the_readme_says_what_it_costs() -> None:
    found = rendered("chat")
    text = found.files["README.md"]
    for extra in found.plan.extras:
        assert f"{extra.usd_per_hour:,.4f}" in text
    assert f"{found.plan.cost.usd_per_hour:,.4f}" in text
    whole = found.plan.cost.usd_per_hour + sum(e.usd_per_hour for e in found.plan.extras)
    assert f"{whole:,.4f}" in text


def test_regions_of_one_cloud_get_a_provider_each() -> None:
    plan = plan_of("chat")
    far = plan.pools[1].model_copy(update={"region": "us-west-2"})
    main = render(plan.model_copy(update={"pools": [plan.pools[0], far]})).files
    assert 'alias  = "us_west_2"' in main["versions.tf"]
    assert "aws = aws.us_west_2" in main["main.tf"]


def test_tags_in_other_words_are_said() -> None:
    plan = changed(plan_of("large-model"), tags={"Team": "search"})
    assert render(plan).notes == []  # AWS admits it as it is
    assert any("tags" in note for note in render(changed(plan, tags={"a": "b\n"})).notes)
