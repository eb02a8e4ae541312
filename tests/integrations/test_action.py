"""The GitHub action, the GitLab job and the price job: their shell, run here against a bare
repository and a stand-in for GitHub's API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCRIPTS = sorted((ROOT / "integrations").rglob("*.sh"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PRICES = yaml.safe_load((ROOT / "integrations" / "github" / "prices" / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
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
prices: prices.lock.json
"""
needs = pytest.mark.skipif(
    not os.environ.get("MELANGE_REQUIRE_TOOLS")
    and not all(map(shutil.which, ("bash", "git", "curl", "jq"))),
    reason="bash, git, curl or jq is missing",
)
pytestmark = needs


ACTIONS = "github-actions[bot]"
APP = "acme-costs[bot]"
PERSON = "octocat"


class GitHub(BaseHTTPRequestHandler):
    """Comments of one pull request, as the REST API has them, and who a token is.

    GET /user answers for tokens of people alone; ``viewer`` of GraphQL also for those of apps and
    of Actions, with the login that their comments bear.
    """

    login: str
    """Whose the token is."""
    graphql: bool
    """Whether GraphQL can be reached."""
    comments: list[dict[str, Any]]
    pulls: list[dict[str, Any]]
    calls: list[str]
    refuse: set[str]

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if self.path == "/user":
            bot = self.login.endswith("[bot]")
            said = {"message": "Resource not accessible by integration"} if bot else {}
            self._answer(403 if bot else 200, said or {"login": self.login})
            return
        if self.path.startswith("/repos/org/repo/pulls?"):
            head = query["head"][0].removeprefix("org:")
            self._answer(200, [pull for pull in self.pulls if pull["head"] == head])
            return
        size, page = int(query["per_page"][0]), int(query["page"][0])
        self._answer(200, self.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        if self.path == "/graphql":
            assert self._data() == {"query": "query { viewer { login } }"}
            viewer = {"data": {"viewer": {"login": self.login}}}
            self._answer(*((200, viewer) if self.graphql else (404, {"message": "Not Found"})))
            return
        if self.path == "/repos/org/repo/pulls":
            self.pulls.append({"number": 12, **self._data()})
            self._answer(201, self.pulls[-1])
            return
        user = {"login": self.login, "type": "Bot" if "[bot]" in self.login else "User"}
        self.comments.append({"id": 1000 + len(self.comments), "user": user, **self._data()})
        self._answer(201, self.comments[-1])

    def do_PATCH(self) -> None:
        number = int(self.path.rsplit("/", 1)[1])
        if "/pulls/" in self.path:
            self.pulls[0].update(self._data())
            self._answer(200, self.pulls[0])
            return
        comment = next(comment for comment in self.comments if comment["id"] == number)
        comment.update(self._data())
        self._answer(200, comment)

    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return data

    def _answer(self, status: int, value: object) -> None:
        self.calls.append(f"{self.command} {urlsplit(self.path).path}")
        refused = self.command in self.refuse and self.path not in ("/graphql", "/user")
        if self.headers["Authorization"] != "Bearer s3cret" or refused:
            status, value = 403, {"message": "Resource not accessible by integration"}
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Workflow:
    """A checkout of a bare repository, and the steps of the action run in it."""

    def __init__(self, folder: Path, api: str) -> None:
        self.folder, self.checkout = folder, folder / "work"
        self.bare = folder / "origin.git"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(folder, "clone", "--quiet", str(self.bare), str(self.checkout))
        for name in ("runner", "runner/melange-cloud"):
            (folder / name).mkdir()
        (folder / "runner" / "melange-cloud" / "bin").symlink_to(BIN)
        self.expressions = {
            "inputs.github-token": "s3cret",
            "github.event.pull_request.number": "7",
            **{f"inputs.{name}": value["default"] for name, value in ACTION["inputs"].items()},
        }
        self.expressions["inputs.github-token"] = "s3cret"
        self.env = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNNER_TEMP": str(folder / "runner"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": api,
            "GITHUB_GRAPHQL_URL": f"{api}/graphql",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "LC_ALL": "C.UTF-8",
        }

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            (self.checkout / name.replace("_", ".")).write_text(text)
        git(self.checkout, "add", "--all")
        git(self.checkout, "commit", "--quiet", "--message", message)
        return git(self.checkout, "rev-parse", "HEAD").strip()

    def shell(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
        )

    def step(self, name: str, steps: Any = STEPS) -> subprocess.CompletedProcess[str]:
        """Run a step as the runner does: expressions into the environment, then the shell."""
        step = steps[name]
        env = {key: self._evaluate(str(value)) for key, value in step.get("env", {}).items()}
        return self.shell(step["run"], **env)

    def outputs(self) -> dict[str, str]:
        lines = (self.folder / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def check(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        """The step Check; its outputs are expressions of the steps behind it."""
        given = {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
        self.expressions |= given
        (self.folder / "output").unlink(missing_ok=True)
        ended = self.step("Check")
        found = {f"steps.check.outputs.{name}": value for name, value in self.outputs().items()}
        self.expressions |= {"steps.check.outputs.markdown-file": ""} | found
        return ended

    def _evaluate(self, text: str) -> str:
        """``${{ a || b || 'text' }}``; a KeyError names an expression unknown here."""

        def value(found: re.Match[str]) -> str:
            words = [word.strip() for word in found[1].split("||")]
            values = (word[1:-1] if word[0] == "'" else self.expressions[word] for word in words)
            return next((value for value in values if value), "")

        return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def git(folder: Path, *words: str) -> str:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    ended = subprocess.run(
        ["git", *name, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return ended.stdout


@pytest.fixture
def github() -> Iterator[type[GitHub]]:
    state = {"comments": [], "pulls": [], "calls": [], "refuse": set()}
    handler = type("Handler", (GitHub,), {"login": ACTIONS, "graphql": True, **state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def workflow(tmp_path: Path, github: Any) -> Workflow:
    """main has a service and its plan; the checkout is on a branch of a pull request."""
    made = Workflow(tmp_path, github.url)
    made.checkout.joinpath("service.yaml").write_text(SERVICE)
    lock = "melange-cloud prices list --region us-east-1 --out prices.lock.json"
    ended = made.shell(f"{lock} && melange-cloud plan service.yaml")
    assert ended.returncode == 0, ended.stderr
    git(made.checkout, "config", "user.name", "Test")
    git(made.checkout, "config", "user.email", "test@example.com")
    git(made.checkout, "checkout", "--quiet", "-B", "main")
    made.expressions["github.event.pull_request.base.sha"] = made.commit("base")
    git(made.checkout, "push", "--quiet", "origin", "main")
    git(made.checkout, "switch", "--quiet", "--create", "change")
    return made


def test_the_scripts_pass_shellcheck() -> None:
    checker = shutil.which("shellcheck", path=f"{BIN}:{os.environ['PATH']}")
    if checker is None:
        pytest.skip("shellcheck is not installed")
    ended = subprocess.run([checker, *SCRIPTS], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_no_expression_stands_in_a_script() -> None:
    """An expression in a script's text is put there before the shell reads it."""
    for step in [*ACTION["runs"]["steps"], *PRICES["runs"]["steps"]]:
        assert "${{" not in step["run"]


def test_a_dearer_service_fails_comments_and_summarises(workflow: Workflow, github: Any) -> None:
    workflow.commit("more", service_yaml=SERVICE.replace("rate: 4", "rate: 12"))
    ended = workflow.check()
    assert ended.returncode == 0, ended.stderr
    assert "\n::error file=service.yaml,line=1," in "\n" + ended.stdout
    outputs = workflow.outputs()
    assert (outputs["code"], outputs["verdict"]) == ("1", "fail")
    assert float(outputs["usd-per-hour"]) > float(outputs["change"]) > 0
    assert "❌ fail" in (workflow.folder / "summary.md").read_text()
    assert workflow.step("Comment").returncode == 0
    assert len(github.comments) == 1
    assert github.comments[0]["body"] == Path(outputs["markdown-file"]).read_text()
    assert workflow.step("Verdict").returncode == 1
    workflow.expressions["inputs.allow-increase"] = "true"
    assert workflow.step("Verdict").returncode == 0


def test_a_pull_request_that_renews_the_plan_still_shows_the_change(workflow: Workflow) -> None:
    (workflow.checkout / "service.yaml").write_text(SERVICE.replace("rate: 4", "rate: 12"))
    assert workflow.shell("melange-cloud check service.yaml --update").returncode == 0
    workflow.commit("more, accepted")
    workflow.check(max_increase="900%")
    assert workflow.outputs()["verdict"] == "pass"
    assert float(workflow.outputs()["change"]) > 0
    workflow.check(baseline_ref="checkout")
    assert float(workflow.outputs()["change"]) == 0


def test_a_shallow_checkout_fetches_the_base(workflow: Workflow) -> None:
    workflow.commit("more", service_yaml=SERVICE.replace("rate: 4", "rate: 12"))
    git(workflow.checkout, "push", "--quiet", "origin", "change")
    git(workflow.bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
    shutil.rmtree(workflow.checkout)
    url = workflow.bare.as_uri()
    git(workflow.folder, "clone", "-q", "--depth=1", "--branch=change", url, str(workflow.checkout))
    assert workflow.check().returncode == 0
    assert workflow.outputs()["verdict"] == "fail"


def test_the_first_pull_request_has_no_baseline_in_its_base(workflow: Workflow) -> None:
    git(workflow.checkout, "rm", "--quiet", "plan.json")
    bare = workflow.commit("without")
    workflow.expressions["github.event.pull_request.base.sha"] = bare
    ended = workflow.check()
    assert ended.returncode == 0
    assert workflow.outputs()["verdict"] == "error"
    assert "there is no baseline" in ended.stdout
    assert workflow.shell("melange-cloud plan service.yaml").returncode == 0
    workflow.check()
    assert workflow.outputs()["verdict"] == "pass"


def test_an_edited_plan_in_a_pull_request_is_an_error(workflow: Workflow) -> None:
    """The attack: the base's plan and the service are as they were, only the fleet is not."""
    data = json.loads((workflow.checkout / "plan.json").read_text())
    data["pools"][0]["count"] *= 10
    workflow.commit("more machines", plan_json=json.dumps(data))
    ended = workflow.check()
    assert workflow.outputs()["verdict"] == "error"
    assert "plan.json is not a valid plan" in ended.stdout.splitlines()[-1]
    assert "pools[0].usd_per_hour" in ended.stdout.splitlines()[-1]
    assert workflow.step("Verdict").returncode == 2


def test_a_stale_plan_is_said_in_comment_summary_and_annotation(
    workflow: Workflow, github: Any
) -> None:
    workflow.commit("more", service_yaml=SERVICE.replace("rate: 4", "rate: 12"))
    ended = workflow.check(max_increase="900%")
    assert (workflow.outputs()["verdict"], workflow.outputs()["stale"]) == ("warn", "true")
    assert workflow.step("Comment").returncode == 0
    summary = (workflow.folder / "summary.md").read_text()
    for text in (ended.stdout, summary, github.comments[0]["body"]):
        assert "the committed plan plan.json is stale" in text
    assert workflow.step("Verdict").returncode == 0
    assert workflow.shell("melange-cloud check service.yaml --update").returncode == 0
    workflow.commit("renewed")
    workflow.check(max_increase="900%")
    assert (workflow.outputs()["verdict"], workflow.outputs()["stale"]) == ("pass", "false")


def test_a_plan_that_a_pull_request_removes_is_an_error(workflow: Workflow) -> None:
    git(workflow.checkout, "rm", "--quiet", "plan.json")
    workflow.commit("no plan")
    assert "no committed plan to apply" in workflow.check().stdout
    assert workflow.outputs()["verdict"] == "error"


def test_a_pull_request_does_not_choose_the_policy_that_judges_it(
    workflow: Workflow, github: Any
) -> None:
    loose = SERVICE.replace("rate: 4", "rate: 30") + "policy: {max_increase: 5000%}\n"
    workflow.commit("more, and allowed by itself", service_yaml=loose)
    for ref in ("", "checkout"):
        workflow.check(baseline_ref=ref)
        assert workflow.outputs()["verdict"] == "fail"
    workflow.step("Comment")
    lines = github.comments[0]["body"].splitlines()
    assert "The policy changes" in lines[1]
    assert "none → 5000%" in lines[3]
    # merged by somebody who may, it counts for the next one
    workflow.expressions["github.event.pull_request.base.sha"] = workflow.commit(
        "merged", plan_json=(workflow.checkout / "plan.json").read_text() + "\n"
    )
    workflow.check(baseline_ref="")
    assert workflow.outputs()["verdict"] == "warn", "the plan is stale"


def test_a_service_that_the_base_lacks_is_allowed_no_increase(workflow: Workflow) -> None:
    loose = SERVICE.replace("rate: 4", "rate: 12") + "policy: {max_increase: 5000%}\n"
    (workflow.checkout / "moved.yaml").write_text(loose)
    workflow.commit("a new file for the service")
    ended = workflow.check(service="moved.yaml")
    assert workflow.outputs()["verdict"] == "fail"
    assert "does not exist, so no increase is allowed" in ended.stdout


def test_a_base_that_cannot_be_fetched_fails(workflow: Workflow) -> None:
    """Not: compared with what the pull request itself brings."""
    workflow.expressions["github.event.pull_request.base.sha"] = "0" * 40
    with pytest.raises(FileNotFoundError):  # no outputs
        workflow.check()


def test_one_comment_is_updated_among_many(workflow: Workflow, github: Any) -> None:
    github.comments += [
        {"id": n, "user": {"login": PERSON}, "body": f"remark {n}"} for n in range(150)
    ]
    github.comments.append({"id": 500, "user": None, "body": None})
    workflow.commit("more", service_yaml=SERVICE.replace("rate: 4", "rate: 12"))
    workflow.check()
    workflow.step("Comment")
    workflow.commit("less", service_yaml=SERVICE.replace("rate: 4", "rate: 5"))
    workflow.check()
    assert workflow.step("Comment").returncode == 0
    assert len(github.comments) == 152
    assert github.comments[-1]["body"] == Path(workflow.outputs()["markdown-file"]).read_text()
    assert github.calls[-1].startswith("PATCH /repos/org/repo/issues/comments/")


@pytest.mark.parametrize("graphql", [True, False])
@pytest.mark.parametrize("login", [ACTIONS, APP, PERSON])
def test_comments_of_others_with_our_first_line_are_left_alone(
    workflow: Workflow, github: Any, login: str, graphql: bool
) -> None:
    """A token that may edit everybody's comments edits its own alone, whatever kind it is."""
    github.login, github.graphql = login, graphql
    workflow.check()
    first = Path(workflow.outputs()["markdown-file"]).read_text().splitlines()[0]
    forged = f"{first}\n**approved**"
    others = ["mallory", "github-actions", "acme-costs", f"x{login}", f"{login}x"]
    github.comments += [
        {"id": n, "user": {"login": other}, "body": forged} for n, other in enumerate(others)
    ]
    github.comments.append({"id": 50, "user": {"login": login}, "body": f"quote: {first}"})
    for text in ("4", "5"):
        workflow.commit("more", service_yaml=SERVICE.replace("rate: 4", f"rate: {text}.5"))
        workflow.check()
        assert workflow.step("Comment").returncode == 0
    assert {comment["body"] for comment in github.comments[: len(others)]} == {forged}
    own = [comment for comment in github.comments if comment["id"] >= 1000]
    patched = [call for call in github.calls if call.startswith("PATCH")]
    if login == APP and not graphql:
        # nobody says who it is: each run writes, and nothing of others is touched
        assert (len(own), patched) == (2, [])
    else:
        assert len(own) == 1
        assert patched == [f"PATCH /repos/org/repo/issues/comments/{own[0]['id']}"]
    assert own[-1]["body"] == Path(workflow.outputs()["markdown-file"]).read_text()


def test_two_services_of_one_name_have_a_comment_each(workflow: Workflow, github: Any) -> None:
    (workflow.checkout / "eu").mkdir()
    for name in ("service.yaml", "plan.json", "prices.lock.json"):
        shutil.copy(workflow.checkout / name, workflow.checkout / "eu" / name)
    workflow.commit("a second one")
    for folder in ("", "eu/", "", "eu/"):
        workflow.check(service=f"{folder}service.yaml", baseline=f"{folder}plan.json")
        assert workflow.step("Comment").returncode == 0
    assert len({comment["body"].splitlines()[0] for comment in github.comments}) == 2
    assert len(github.comments) == 2


@pytest.mark.parametrize("refused", ["GET", "POST"])
def test_a_token_that_may_only_read_fails_no_job(
    workflow: Workflow, github: Any, refused: str
) -> None:
    github.refuse.add(refused)
    workflow.check()
    ended = workflow.step("Comment")
    assert ended.returncode == 0
    assert ended.stdout.startswith("::warning")
    assert "s3cret" not in ended.stdout + ended.stderr


def test_a_check_that_cannot_be_made_is_an_error_with_its_message(
    workflow: Workflow, github: Any
) -> None:
    workflow.commit("broken", service_yaml="name: chat\nrate: 100%\n")
    ended = workflow.check()
    assert workflow.outputs()["verdict"] == "error"
    assert workflow.outputs()["usd-per-hour"] == ""
    annotation = ended.stdout.splitlines()[-1]
    assert annotation.startswith("::error title=melange-cloud::")
    assert "%0A" in annotation
    assert workflow.step("Comment").returncode == 0
    assert not github.comments
    assert workflow.step("Verdict").returncode == 2


def test_no_fleet_is_commented_too(workflow: Workflow, github: Any) -> None:
    workflow.commit("fast", service_yaml=SERVICE.replace("tpot_ms: 120", "tpot_ms: 1"))
    workflow.check()
    assert workflow.outputs()["verdict"] == "infeasible"
    workflow.step("Comment")
    assert "no fleet can serve this" in github.comments[0]["body"]
    assert workflow.step("Verdict").returncode == 3


def test_hostile_inputs_are_only_ever_values(workflow: Workflow) -> None:
    evil = "x\"; touch pwned; $(touch pwned) `touch pwned` '\n::error::forged"
    name = json.dumps(evil)
    workflow.commit("evil", service_yaml=SERVICE.replace("name: chat", f"name: {name}"))
    for inputs in ({"service": evil}, {"baseline": evil}, {"prices": evil}, {"args": evil}):
        ended = workflow.check(**inputs)
        assert workflow.outputs()["verdict"] == "error"
        assert not any("forged" in command for command in commands(ended.stdout + ended.stderr))
        workflow.expressions |= {
            f"inputs.{key}": ACTION["inputs"][key]["default"] for key in inputs
        }
    workflow.check(baseline_ref="checkout")
    assert not list(workflow.folder.rglob("pwned"))


def commands(log: str) -> list[str]:
    """Names and properties of the commands that the runner obeys in a log."""
    found, stopped = [], None
    for line in log.splitlines():
        match = re.match(r"\s*::(.*?)::(.*)", line)
        if match is None:
            continue
        if stopped is not None:
            stopped = None if match[1] == stopped else stopped
        elif match[1] == "stop-commands":
            stopped = match[2]
        else:
            found.append(match[1] + ("" if match[1].startswith("error ") else match[2]))
    return found


def test_install_takes_the_action_or_a_version(workflow: Workflow) -> None:
    """A python3 that only writes down what it is asked, in place of the network."""
    tools = workflow.folder / "tools"
    tools.mkdir()
    record = workflow.folder / "asked"
    (tools / "python3").write_text(
        f'#!/bin/sh\necho "$@" >> {record}\n'
        'if [ "$2" = venv ]; then rm -rf "$3"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n'
    )
    (tools / "python3").chmod(0o755)
    workflow.env["PATH"] = f"{tools}:{workflow.env['PATH']}"
    locked = f"install --require-hashes --requirement {ROOT}/requirements/run.txt"
    itself = f"install --no-deps --no-build-isolation {ROOT}"
    for version, installs in (("", [locked, itself]), ("0.1.0", ["install melange-cloud==0.1.0"])):
        workflow.expressions["inputs.version"] = version
        (workflow.folder / "runner" / "melange-cloud" / "bin").unlink(missing_ok=True)
        assert workflow.step("Install melange-cloud").returncode == 0
        lines = [line for line in record.read_text().splitlines() if "-m pip" in line]
        assert [line.partition("-check ")[2] for line in lines[-len(installs) :]] == installs
        shutil.rmtree(workflow.folder / "runner" / "melange-cloud")
        (workflow.folder / "runner" / "melange-cloud").mkdir()


def test_the_gitlab_job(workflow: Workflow) -> None:
    job = yaml.safe_load(
        (ROOT / "integrations" / "gitlab" / "melange-cloud.gitlab-ci.yml").read_text()
    )
    job = job["melange-cloud-check"]
    workflow.commit("more", service_yaml=SERVICE.replace("rate: 4", "rate: 12"))
    env = {name: str(value) for name, value in job["variables"].items()}
    env["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] = "main"
    script = "\n".join(job["script"])
    assert workflow.shell(script, **env).returncode == 1
    env["MELANGE_CLOUD_ARGS"] = "--max-increase=900% --warn-increase=1%"
    assert workflow.shell(script, **env).returncode == 0
    reports = job["artifacts"]["reports"]
    findings = json.loads((workflow.checkout / reports["codequality"]).read_text())
    assert [finding["check_name"].split("/")[1] for finding in findings] == [
        "warn_increase",
        "stale_plan",
    ]
    assert (workflow.checkout / reports["junit"]).read_text().startswith("<?xml")
    for path in job["artifacts"]["paths"]:
        assert (workflow.checkout / path).exists()


def refresh(workflow: Workflow, **env: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "integrations" / "refresh-prices.sh"
    return workflow.shell(f'bash "{script}"', SOURCE="today.csv", **env)


def today(workflow: Workflow, factor: float) -> None:
    """What the cloud charges today, as a file."""
    lock = json.loads((workflow.checkout / "prices.lock.json").read_text())
    lines = ["provider,region,instance_type,gpu,gpu_count,usd_per_hour,as_of"]
    for offer in lock["offers"]:
        values = [offer[name] for name in lines[0].split(",")[:-2]]
        price = round(offer["usd_per_hour"] * factor, 6)
        lines.append(",".join(map(str, [*values, price, "2026-02-10"])))
    (workflow.checkout / "today.csv").write_text("\n".join(lines) + "\n")


def test_the_price_job_pushes_new_prices_and_their_plan(workflow: Workflow) -> None:
    git(workflow.checkout, "switch", "--quiet", "main")
    today(workflow, 1.25)
    ended = refresh(workflow)
    assert ended.returncode == 0, ended.stderr
    body = (workflow.checkout / "prices.md").read_text()
    assert body.startswith("<!-- melange-cloud check ")
    assert "+25.0%" in body
    assert "changed (" in body
    names = git(workflow.bare, "diff", "--name-only", "main", "melange-cloud/prices").split()
    assert names == ["plan.json", "prices.lock.json"]
    git(workflow.checkout, "checkout", "--quiet", "melange-cloud/prices")
    assert "no change" in workflow.shell("melange-cloud check service.yaml").stdout
    # the same again: the branch is made anew from main, with the newest prices
    git(workflow.checkout, "switch", "--quiet", "main")
    today(workflow, 1.5)
    assert refresh(workflow).returncode == 0
    log = git(workflow.bare, "log", "--format=%s", "main..melange-cloud/prices").split("\n")
    assert log == ["Prices of today", ""]


def test_the_price_job_is_quiet_when_nothing_moved(workflow: Workflow) -> None:
    today(workflow, 1.0)
    (workflow.checkout / "prices.md").write_text("of last week")
    ended = refresh(workflow)
    assert ended.returncode == 0, ended.stderr
    assert not (workflow.checkout / "prices.md").exists()
    assert git(workflow.bare, "branch", "--list").split() == ["*", "main"]


def test_the_price_job_fails_with_its_error(workflow: Workflow) -> None:
    ended = refresh(workflow)
    assert ended.returncode == 2
    assert "today.csv" in ended.stderr


def test_the_price_action_opens_one_pull_request_and_updates_it(
    workflow: Workflow, github: Any
) -> None:
    git(workflow.checkout, "switch", "--quiet", "main")
    workflow.env["GITHUB_ACTION_PATH"] = str(ROOT / "integrations" / "github" / "prices")
    defaults = {f"inputs.{name}": value["default"] for name, value in PRICES["inputs"].items()}
    workflow.expressions |= defaults | {
        "inputs.github-token": "s3cret",
        "inputs.source": "today.csv",
        "runner.temp": str(workflow.folder),
        "github.ref_name": "main",
    }
    steps = {step["name"]: step for step in PRICES["runs"]["steps"]}
    bodies = []
    for factor in (1.0, 1.25, 1.5):
        git(workflow.checkout, "switch", "--quiet", "main")
        today(workflow, factor)
        for name in ("Compare", "Open the pull request"):
            ended = workflow.step(name, steps)
            assert ended.returncode == 0, ended.stderr
        bodies += [pull["body"] for pull in github.pulls]
    assert len(bodies) == 2, "none where nothing moved"
    assert "+25.0%" in bodies[0]
    assert "+50.0%" in bodies[1]
    assert len(github.pulls) == 1
    assert (github.pulls[0]["head"], github.pulls[0]["base"]) == ("melange-cloud/prices", "main")
