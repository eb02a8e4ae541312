"""What docs/ci.md shows fits the files it is about."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL)
DOCUMENTS = [yaml.safe_load(block) for block in BLOCKS]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def steps() -> list[dict[str, object]]:
    jobs = [job for document in DOCUMENTS for job in document.get("jobs", {}).values()]
    return [step for job in jobs for step in job["steps"]]


def test_actions_are_used_with_the_inputs_they_have() -> None:
    seen = 0
    for step in steps():
        uses = str(step.get("uses", ""))
        if uses.startswith("OWNER/melange-cloud"):
            folder = uses.removeprefix("OWNER/melange-cloud").split("@")[0].lstrip("/")
            action = yaml.safe_load((ROOT / folder / "action.yml").read_text())
            assert set(step["with"]) <= set(action["inputs"])  # type: ignore[call-overload]
            seen += 1
    assert seen == 2


def test_outputs_named_are_the_action_s() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    named = set(re.findall(r"steps\.cost\.outputs\.([\w-]+)", "".join(BLOCKS)))
    assert named == set(action["outputs"]) == {"verdict", "usd-per-hour", "change", "stale"}


def test_the_gitlab_include_is_a_file_and_its_job_has_these_variables() -> None:
    document = next(document for document in DOCUMENTS if "include" in document)
    path = document["include"][0]["remote"].split("/v0.1.0/")[1]
    template = yaml.safe_load((ROOT / path).read_text())
    job = document["melange-cloud-check"]
    assert set(job["variables"]) <= set(template["melange-cloud-check"]["variables"])


def test_hooks_named_exist_and_match_the_files_they_are_about() -> None:
    document = next(document for document in DOCUMENTS if "repos" in document)
    by_id = {hook["id"]: hook for hook in HOOKS}
    assert {hook["id"] for hook in document["repos"][0]["hooks"]} <= set(by_id)
    for hook in HOOKS:
        assert re.search(hook["files"], "deploy/service.yaml")
        assert re.search(hook["files"], "prices.lock.json")
        assert not re.search(hook["files"], "src/main.py")


def test_hooks_run_what_the_command_line_has(melange, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Each hook's words are understood: what fails is that there is no such service."""
    monkeypatch.chdir(tmp_path)
    for hook in HOOKS:
        words = [*hook["entry"].split()[1:], *hook["args"]]
        ended = melange(*words)
        assert ended.code == 2
        assert "service.yaml does not exist" in ended.err or "no baseline" in ended.err
