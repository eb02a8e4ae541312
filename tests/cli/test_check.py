"""`check`, as CI runs it: exit codes, messages, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SERVICE = """\
name: chat
model: meta-llama/Llama-2-7b-hf
slo: {tpot_ms: 120}
workload:
  rate: 4
  sizes:
    input_tokens: [100, 1000]
    output_tokens: [100, 500]
    shares: [[0.4, 0.3], [0.2, 0.1]]
offers: {gpus: [A10G, H100], regions: [us-east-1]}
"""
PRICES = """\
provider,region,instance_type,gpu,gpu_count,usd_per_hour
aws,us-east-1,g5.xlarge,A10G,1,1.006
aws,us-east-1,p5.4xlarge,H100,1,6.88
aws,us-west-2,g5.xlarge,A10G,1,1.206
"""


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, melange: Any) -> Path:
    """A service with its committed plan, and no trace of a CI around it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    Path("service.yaml").write_text(SERVICE)
    Path("prices.csv").write_text(PRICES)
    assert melange("plan", "service.yaml", "--prices", "prices.csv").code == 0
    return tmp_path


def service(old: str, new: str) -> None:
    path = Path("service.yaml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def check(melange: Any, *words: object) -> Any:
    return melange("check", "service.yaml", "--prices", "prices.csv", *words)


def test_nothing_changed(melange: Any) -> None:
    ended = check(melange)
    assert ended.code == 0
    assert "no change: pass" in ended.out
    assert "Traceback" not in ended.err


def test_a_dearer_service_fails_and_says_why(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    ended = check(melange)
    assert ended.code == 1
    assert ": fail" in ended.out
    assert "rate: 4 → 12 req/s" in ended.out
    assert "no increase is allowed" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        (["--max-increase", "900%"], 0, "pass"),
        (["--max-increase", "100"], 0, "pass"),
        (["--max-increase", "900%", "--warn-increase", "1%"], 0, "warn"),
        (["--max-increase", "900%", "--max-increase", "0.5"], 1, "fail"),
        (["--budget", "100000"], 0, "pass"),
        (["--budget", "100"], 1, "fail"),
    ],
)
def test_policy_by_options(melange: Any, words: list[str], code: int, verdict: str) -> None:
    service("rate: 4", "rate: 12")
    ended = check(melange, *words, "--format", "json")
    assert ended.code == code
    assert json.loads(ended.out)["verdict"] == verdict


def test_policy_of_the_service(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    Path("service.yaml").write_text(
        Path("service.yaml").read_text() + "policy: {max_increase: 900%, warn_increase: 1.5}\n"
    )
    ended = check(melange)
    assert ended.code == 0
    assert ": warn" in ended.out
    assert ended.out.startswith("The policy changed since the baseline; the new one counts")
    assert "policy.max_increase: none → 900%" in ended.out
    assert check(melange, "--max-increase", "1%").code == 1


def test_no_baseline(melange: Any) -> None:
    Path("plan.json").unlink()
    ended = check(melange)
    assert ended.code == 2
    assert ended.out == ""
    assert "plan.json does not exist" in ended.err
    assert "melange-cloud plan service.yaml --out plan.json" in ended.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ('{"schema": "melange-cloud/plan/v9"}', 'is "melange-cloud/plan/v9", a version that'),
        ("\0", "not a text file"),
    ],
)
def test_an_unreadable_baseline(melange: Any, text: str, said: str) -> None:
    Path("plan.json").write_text(text)
    ended = check(melange)
    assert ended.code == 2
    assert said in ended.err
    assert "write a new one with `melange-cloud check" in ended.err


def test_the_baseline_of_another_service(melange: Any) -> None:
    service("name: chat", "name: search")
    ended = check(melange)
    assert ended.code == 2
    assert 'is the plan of service "chat", not of "search"' in ended.err


def test_a_baseline_edited_by_hand(melange: Any) -> None:
    data = json.loads(Path("plan.json").read_text())
    data["cost"]["usd_per_hour"] += 1
    Path("plan.json").write_text(json.dumps(data))
    ended = check(melange, "--max-increase", "100%")
    assert ended.code == 2
    assert "cost.usd_per_hour" in ended.err
    assert "but the pools cost" in ended.err


def test_locked_prices_that_lack_an_offer_of_the_baseline(melange: Any) -> None:
    used = {pool["instance_type"] for pool in json.loads(Path("plan.json").read_text())["pools"]}
    lines = PRICES.splitlines(keepends=True)
    kept = [x for x in lines if not any(f"us-east-1,{name}," in x for name in used)]
    Path("prices.csv").write_text("".join(kept))
    ended = check(melange)
    assert ended.code == 2
    assert "prices.csv cannot price the baseline" in ended.err
    assert "is in the baseline's fleet, but not in these prices" in ended.err


def test_prices_that_cannot_be_had(melange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No account at all: live prices fail with what is missing."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.cwd() / "cache"))
    service("offers: {", "offers: {providers: [aws], ")
    ended = melange("check", "service.yaml", "--prices", "live")
    assert ended.code == 4
    assert ended.out == ""


def test_no_fleet_can_serve_it(melange: Any) -> None:
    service("tpot_ms: 120", "tpot_ms: 1")
    for format_, said in (("table", "no fleet can serve it"), ("json", '"infeasible"')):
        ended = check(melange, "--format", format_)
        assert ended.code == 3
        assert said in ended.out
        assert "error: no fleet can serve chat" in ended.err
    before = Path("plan.json").read_text()
    assert check(melange, "--update").code == 3
    assert Path("plan.json").read_text() == before


def test_update_accepts_and_writes(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    ended = check(melange, "--update")
    assert ended.code == 0
    assert ": fail" in ended.out, "it still says what the change does to the bill"
    assert "wrote plan.json" in ended.err
    assert check(melange).code == 0
    plain = melange("plan", "service.yaml", "--prices", "prices.csv", "--out", "fresh.json")
    assert plain.code == 0
    assert Path("plan.json").read_bytes() == Path("fresh.json").read_bytes()


@pytest.mark.parametrize("broken", ["missing", "unreadable", "other"])
def test_update_makes_a_baseline_where_none_is_usable(melange: Any, broken: str) -> None:
    if broken == "missing":
        Path("plan.json").unlink()
    elif broken == "unreadable":
        Path("plan.json").write_text("{")
    else:
        service("name: chat", "name: search")
    ended = check(melange, "--update")
    assert ended.code == 0
    assert "not compared: " in ended.err
    assert "no baseline to compare with" in ended.out
    assert check(melange).code == 0


def test_every_format_and_file(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    ended = check(
        melange, "--format", "gitlab", "--out", "a.md", "--out", "b.xml", "--out", "c.json"
    )
    assert ended.code == 1
    assert json.loads(ended.out)[0]["location"]["path"] == "service.yaml"
    assert Path("a.md").read_text().startswith("<!-- melange-cloud check ")
    assert Path("b.xml").read_text().startswith("<?xml")
    assert json.loads(Path("c.json").read_text())["schema"] == "melange-cloud/check/v1"


def test_github_gets_annotations_and_a_job_summary(
    melange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = Path("summary.md")
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    service("rate: 4", "rate: 12")
    ended = check(melange, "--format", "github")
    assert ended.code == 1
    assert ended.out.startswith("::error file=service.yaml,line=1,title=melange-cloud%3A chat::")
    assert ended.out.count("\n") == 1
    assert summary.read_text().startswith("before\n<!-- melange-cloud check ")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/nonexistent/summary.md")
    assert check(melange, "--format", "github").code == 4


def test_a_cent_replaces_no_machine_with_keep(melange: Any) -> None:
    """H100s become a little cheaper than the A10Gs they would replace, or the other way round."""
    running = {p["id"]: p["count"] for p in json.loads(Path("plan.json").read_text())["pools"]}
    for price in ("6.80", "6.95"):
        Path("prices.csv").write_text(PRICES.replace("6.88", price))
        ended = check(melange, "--keep", "--max-increase", "2%", "--format", "json")
        assert ended.code == 0, ended.err
        found = json.loads(ended.out)
        assert {pool["id"]: pool["count"] for pool in found["pools"]} == running
        assert found["kept"]["changes"] == 0


def test_plan_keeps_what_runs_and_says_so(melange: Any) -> None:
    running = {p["id"]: p["count"] for p in json.loads(Path("plan.json").read_text())["pools"]}
    service("rate: 4", "rate: 3.9")
    words = ("plan", "service.yaml", "--prices", "prices.csv", "--out", "new.json")
    ended = melange(*words, "--keep", "plan.json", "--tolerance", "60%")
    assert ended.code == 0, ended.err
    new = json.loads(Path("new.json").read_text())
    assert {pool["id"]: pool["count"] for pool in new["pools"]} == running
    assert new["kept"]["changes"] == 0
    assert new["cost"]["usd_per_hour"] <= 1.6 * new["kept"]["cheapest_usd_per_hour"]
    assert "instances kept, 0 changed" in ended.out
    assert "running instances stay" in ended.out or "running instance stays" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tolerance", "2"], "--tolerance must be a percentage"),
        (["--tolerance=-2%"], "--tolerance must be a percentage"),
        (["--keep", "--slices", "4"], "do not go together"),
        (["--max-increase", "lots"], "--max-increase must be a percentage"),
        (["--budget", "-4"], "--budget must be"),
        (["--format", "sarif"], "sarif"),
    ],
)
def test_wrong_usage(melange: Any, words: list[str], said: str) -> None:
    ended = check(melange, *words)
    assert ended.code == 2
    assert said in ended.err


def test_plan_refuses_to_keep_what_is_no_plan(melange: Any) -> None:
    data = json.loads(Path("plan.json").read_text())
    data["pools"][0]["count"] += 1
    Path("edited.json").write_text(json.dumps(data))
    for name, said in (
        ("none.json", "none.json does not exist"),
        ("edited.json", "is not a valid plan"),
    ):
        ended = melange("plan", "service.yaml", "--keep", name)
        assert ended.code == 2
        assert said in ended.err


def test_the_same_inputs_give_the_same_bytes(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    for format_ in ("json", "markdown", "junit", "github", "gitlab", "table"):
        first, second = (check(melange, "--format", format_).out for _ in range(2))
        assert first == second


def policy(limits: str, path: str = "base.yaml") -> None:
    """A service file as it was, with that policy."""
    Path(path).write_text(SERVICE + f"policy: {limits}\n")


def test_the_policy_of_another_file_judges(melange: Any) -> None:
    """A pull request that loosens the policy in the same breath is judged by the earlier one."""
    service("rate: 4", "rate: 12")
    service("workload:", "policy: {max_increase: 5000%}\nworkload:")
    assert check(melange).code == 0
    policy("{max_increase: 5%}")
    ended = check(melange, "--policy", "base.yaml")
    assert ended.code == 1
    assert ended.out.startswith("The policy changes with this service; the earlier one counts")
    assert "policy.max_increase: 5% → 5000%" in ended.out
    assert "5% is allowed" in ended.out
    assert check(melange, "--policy", "base.yaml", "--max-increase", "900%").code == 0
    for text in (SERVICE, "name: x\nunknown_to_this_version: 1\n"):
        Path("base.yaml").write_text(text)
        ended = check(melange, "--policy", "base.yaml")
        assert ended.code == 1
        assert "no increase is allowed" in ended.out
        assert "policy.max_increase: none → 5000%" in ended.out


def test_where_no_policy_was_no_increase_is_allowed(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    service("workload:", "policy: {max_increase: 5000%}\nworkload:")
    ended = check(melange, "--policy", "none.yaml", "--format", "json")
    assert ended.code == 1
    assert "none.yaml does not exist, so no increase is allowed" in ended.err
    found = json.loads(ended.out)
    assert found["policy_file"] == "none.yaml"
    assert found["policy_changes"] == [
        {"limit": "max_increase", "before": "none", "after": "5000%"}
    ]


@pytest.mark.parametrize("text", ["", "[1]", "a: b", "policy: {max_increase: lots}", "policy: 3"])
def test_a_policy_that_cannot_be_read_is_exit_2(melange: Any, text: str) -> None:
    Path("base.yaml").write_text(text)
    ended = check(melange, "--policy", "base.yaml")
    assert ended.code == 2
    assert "base.yaml" in ended.err


def committed(melange: Any, *words: object) -> Any:
    return check(melange, "--committed", "new.json", *words)


def test_a_committed_plan_that_is_what_planning_gives(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    words = ("--prices", "prices.csv", "--out", "new.json")
    assert melange("plan", "service.yaml", *words).code == 0
    ended = committed(melange, "--max-increase", "900%", "--format", "json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert (found["verdict"], found["committed"]["stale"]) == ("pass", False)


def test_a_committed_plan_that_was_edited_is_refused(melange: Any) -> None:
    """The baseline is sound; the plan of the pull request has ten times the machines."""
    data = json.loads(Path("plan.json").read_text())
    data["pools"][0]["count"] *= 10
    Path("new.json").write_text(json.dumps(data))
    ended = committed(melange)
    assert ended.code == 2
    assert ended.out == ""
    assert "new.json is not a valid plan" in ended.err
    assert "pools[0].usd_per_hour" in ended.err
    assert "write a new one with `melange-cloud plan service.yaml --out new.json`" in ended.err


def dearer_plan() -> None:
    """The plan with ten times the machines, and every figure of it put right."""
    data = json.loads(Path("plan.json").read_text())
    for pool in data["pools"]:
        pool["count"] *= 10
        pool["usd_per_hour"] = round(pool["count"] * pool["usd_per_hour_each"], 6)
        pool["utilization"] /= 10
    total = round(sum(pool["usd_per_hour"] for pool in data["pools"]), 6)
    data["cost"].update(usd_per_hour=total, usd_per_month=round(730 * total, 2))
    data["cost"].update(lower_bound_usd_per_hour=total)
    for line in data["baselines"]:
        if line["saving"] is not None:
            line["saving"] = round(1 - total / line["usd_per_hour"], 6)
    data.update(extras=[], digest=None)
    Path("new.json").write_text(json.dumps(data))


def test_what_the_committed_plan_costs_counts_too(melange: Any) -> None:
    """No figure of it disagrees, the service did not change: but that is what will be applied."""
    dearer_plan()
    assert check(melange).code == 0
    ended = committed(melange)
    assert ended.code == 1
    assert "the committed plan costs 900.00% more than the baseline" in ended.out
    assert "the committed plan new.json is stale" in ended.out
    assert committed(melange, "--max-increase", "9999%").code == 0
    assert committed(melange, "--max-increase", "9999%", "--budget", "9000").code == 1


def test_a_stale_plan_warns_unless_the_policy_says_fail(melange: Any) -> None:
    service("rate: 4", "rate: 12")
    Path("new.json").write_bytes(Path("plan.json").read_bytes())
    ended = committed(melange, "--max-increase", "900%")
    assert ended.code == 0
    assert ": warn" in ended.out
    assert "the service's workload changed" in ended.out
    assert " instances" in ended.out
    policy("{stale_plan: fail}")
    ended = committed(melange, "--max-increase", "900%", "--policy", "base.yaml")
    assert ended.code == 1
    for format_ in ("markdown", "github", "gitlab", "junit", "json", "table"):
        found = committed(melange, "--max-increase", "900%", "--format", format_)
        assert "stale" in found.out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: chat", "name: chat\ntags: {team: a}", "the service's tags changed"),
        ("[0.4, 0.3], [0.2, 0.1]", "[0.3, 0.4], [0.2, 0.1]", "the service's workload changed"),
    ],
)
def test_what_makes_a_plan_stale(melange: Any, old: str, new: str, said: str) -> None:
    Path("new.json").write_bytes(Path("plan.json").read_bytes())
    service(old, new)
    assert said in committed(melange, "--max-increase", "900%").out


def test_a_policy_alone_makes_no_plan_stale(melange: Any) -> None:
    Path("new.json").write_bytes(Path("plan.json").read_bytes())
    service("workload:", "policy: {max_increase: 5%}\nworkload:")
    ended = committed(melange, "--format", "json")
    assert json.loads(ended.out)["committed"]["stale"] is False


def test_a_plan_that_was_kept_is_not_stale_while_it_is_within_its_tolerance(melange: Any) -> None:
    service("rate: 4", "rate: 3")
    words = ("plan", "service.yaml", "--prices", "prices.csv", "--out", "new.json")
    assert melange(*words, "--keep", "plan.json", "--tolerance", "60%").code == 0
    ended = committed(melange, "--tolerance", "60%", "--max-increase", "100%")
    assert ended.code == 0
    assert "stale" not in ended.out
    assert "stale" in committed(melange, "--tolerance", "0%", "--max-increase", "100%").out


def test_a_committed_plan_that_is_missing_or_of_another_service(melange: Any) -> None:
    ended = committed(melange)
    assert ended.code == 2
    assert "new.json does not exist, so there is no committed plan to apply" in ended.err
    Path("other.yaml").write_text(SERVICE.replace("name: chat", "name: other"))
    words = ("plan", "other.yaml", "--prices", "prices.csv", "--out", "new.json")
    assert melange(*words).code == 0
    ended = committed(melange)
    assert ended.code == 2
    assert 'new.json is the plan of service "other", not of "chat"' in ended.err
    assert check(melange, "--committed", "plan.json", "--update").code == 2
