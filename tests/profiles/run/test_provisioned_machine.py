"""What a machine of `profile provision` does, with stand-ins for docker, clouds and systemd.

The server is the stub, the program is this package out of its own wheel, and it really measures.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from stub_server import Law

from melange_cloud.profiles.document import load_profile
from melange_cloud.terraform.own_wheel import own_wheel

ROOT = Path(__file__).parents[3]
USERDATA = ROOT / "templates" / "userdata"
STUB = Path(__file__).with_name("stub_server.py")
LAW = json.dumps(asdict(Law(step=4e-3, per_sequence=1e-3)))

# the container's folders are the machine's; PyPI is what is installed here
DOCKER = f"""#!{sys.executable}
import os, sys
folders, words = dict(), sys.argv[1:]
assert words[0] == "run", words
while words[0] != "--entrypoint":
    word = words.pop(0)
    if word == "--volume":
        here, there = words.pop(0).rsplit(":", 1)
        folders[there] = here
words = words[3:]
with open(os.environ["RECORDS"] + "/docker", "a") as record:
    record.write(" ".join(words) + "\\n")
def here(word):
    for there, folder in folders.items():
        word = word.replace(there + "/", folder + "/")
    return word
words = [here(word) for word in words]
if words[:3] == ["-m", "pip", "install"] and "--require-hashes" in words:
    text = open(words[words.index("--requirement") + 1]).read()
    assert "--hash=sha256:" in text and "aiohttp==" in text, text
    sys.exit(0)
if words[:3] == ["-m", "pip", "install"]:
    words += ["--no-index"]
os.environ["PYTHONPATH"] = folders["/program"] + "/lib"
os.chdir("/")
os.execv(sys.executable, [sys.executable, *words])
"""
COPY = """#!/bin/bash
printf '%s\\n' "$*" >>"$RECORDS/copied"
from=${@: -2:1} to=${@: -1}
from=${from/#*:\\/\\//$BUCKET\\/} to=${to/#*:\\/\\//$BUCKET\\/}
mkdir -p "$(dirname "$to")" && cp "$from" "$to"
"""
GCLOUD = f"""#!/bin/bash
if [[ $1 == compute ]]; then printf '%s\\n' "$*" >>"$RECORDS/ended"; exit "${{DELETE:-0}}"; fi
{COPY.removeprefix("#!/bin/bash")}"""
RECORD = """#!/bin/bash
printf '%s\\n' "${0##*/} $*" >>"$RECORDS/ended"
"""


class Machine:
    """A root folder, a bucket, and a PATH with stand-ins that record what they are asked."""

    def __init__(self, folder: Path, port: str, **settings: Any) -> None:
        self.root, self.records, self.bucket = (folder / n for n in ("root", "records", "bucket"))
        path = folder / "bin"
        for made in (self.root / "etc/melange", self.records, self.bucket / "b/program", path):
            made.mkdir(parents=True)
        programs = {
            "docker": DOCKER,
            "aws": COPY,
            "gcloud": GCLOUD,
            "shutdown": RECORD,
            "systemctl": '#!/bin/bash\necho "$*" >>"$RECORDS/systemctl"\n',
            "journalctl": "#!/bin/bash\necho the server said this\n",
        }
        for name, text in programs.items():
            (path / name).write_text(text)
            (path / name).chmod(0o755)
        name, wheel = own_wheel()
        program = base64.encodebytes(wheel)
        (self.bucket / "b/program/wheel").write_bytes(program)
        self.settings: dict[str, Any] = {
            "cloud": "aws",
            "bucket_region": "us-east-1",
            "name": "L4",
            "image": "vllm/vllm-openai:v0.28.0-cu129",
            "port": int(port),
            "load_seconds": 10,
            "program": "s3://b/program/wheel",
            "results": "s3://b/profiles",
            "program_sha256": hashlib.sha256(program).hexdigest(),
            "wheel": name,
            "arguments": ["--gpu=L4", "--size=25x8", "--tpot-ms=8", "--max-concurrency=2"],
            **settings,
        }
        self.environment = {
            "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
            "MELANGE_ROOT": str(self.root),
            "MELANGE_PAUSE": "0.2",
            "RECORDS": str(self.records),
            "BUCKET": str(self.bucket),
        }

    def measure(self, **environment: str) -> None:
        """Run the script with the settings, to the machine's end."""
        (self.root / "etc/melange/profile.json").write_text(json.dumps(self.settings))
        words = ["bash", str(USERDATA / "profile-run.sh")]
        subprocess.run(words, env=self.environment | environment, timeout=120)

    def boot(self, script: str) -> None:
        ended = subprocess.run(
            ["bash", "-c", script], env=self.environment, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stderr

    def recorded(self, name: str) -> list[str]:
        path = self.records / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def log(self) -> str:
        return (self.bucket / f"b/profiles/{self.settings['name']}.log").read_text()


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    server = subprocess.Popen([sys.executable, STUB, "0", LAW], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield server.stdout.readline().strip().rsplit(":", 1)[1]
    server.terminate()
    server.wait()
    server.stdout.close()


def test_profile_and_log_come_into_the_bucket_and_the_machine_ends(port: str, tmp_path) -> None:
    machine = Machine(tmp_path, port)
    machine.measure()
    profile = load_profile(machine.bucket / "b/profiles/L4.json")
    assert (profile.gpu, profile.source) == ("L4", "measured")
    assert [row[2] for row in profile.points] == [1, 2]
    assert machine.log.rstrip().endswith("finished")
    assert machine.recorded("ended") == ["shutdown -P now"]
    unpacked, requirements, program, ran = machine.recorded("docker")
    assert unpacked.startswith("-m zipfile -e ")
    assert "--require-hashes --requirement " in requirements
    assert " --no-deps " in program
    assert "--out /results/L4.json --resume" in ran
    assert (machine.root / "var/lib/melange/program/lib/melange_cloud/cli/main.py").exists()
    assert all("--region us-east-1" in line for line in machine.recorded("copied"))


def test_a_second_machine_goes_on_where_the_first_was_ended(port: str, tmp_path) -> None:
    first = Machine(tmp_path / "first", port, arguments=["--gpu=L4", "--size=25x8", "--tpot-ms=8"])
    first.settings["arguments"].append("--max-concurrency=1")
    first.measure()
    second = Machine(tmp_path / "second", port)
    before = (first.bucket / "b/profiles/L4.json").read_bytes()
    (second.bucket / "b/profiles").mkdir()
    (second.bucket / "b/profiles/L4.json").write_bytes(before)
    second.measure()
    assert "1 points are in /" in second.log
    profile = load_profile(second.bucket / "b/profiles/L4.json")
    assert [row[2] for row in profile.points] == [1, 2]


def test_a_server_that_never_answers_ends_the_machine_and_its_words_are_kept(tmp_path) -> None:
    machine = Machine(tmp_path, "9", load_seconds=1)
    machine.measure()
    assert "did not answer within 1 s" in machine.log
    assert "the server said this" in machine.log
    assert not machine.recorded("docker")
    assert machine.recorded("ended") == ["shutdown -P now"]


def test_a_profiler_that_fails_ends_the_machine(port: str, tmp_path) -> None:
    machine = Machine(tmp_path, port, arguments=["--gpu=L4", "--size=nonsense"])
    machine.measure()
    assert "nonsense" in machine.log
    assert "failed with exit code 2" in machine.log
    assert machine.recorded("ended") == ["shutdown -P now"]


@pytest.mark.parametrize("refused", [False, True])
def test_on_google_cloud_the_machine_deletes_itself(port: str, tmp_path, refused: bool) -> None:
    settings = {"cloud": "gcp", "machine": "chat-l4", "zone": "us-central1-a"}
    places = {"program": "gs://b/program/wheel", "results": "gs://b/profiles"}
    machine = Machine(tmp_path, port, **settings, **places)
    machine.measure(DELETE="1" if refused else "0")
    load_profile(machine.bucket / "b/profiles/L4.json")
    deletes = "compute instances delete chat-l4 --zone us-central1-a --quiet"
    # stopped, it would not be deleted at its limit: the rest is left to the cloud
    assert machine.recorded("ended") == [deletes] * (5 if refused else 1)


def test_the_first_thing_that_a_machine_does_is_to_set_its_end(tmp_path) -> None:
    machine = Machine(tmp_path, "9")
    nasty = {"arguments": ["$(touch pwned)", "`id`\nEND\n", "${HOME} %{ if true }"]}
    template = (USERDATA / "profile-boot.sh.tftpl").read_text()
    values = {
        "limit_minutes": "95",
        "settings": base64.b64encode(json.dumps(nasty).encode()).decode(),
        "profile": base64.b64encode((USERDATA / "profile-run.sh").read_bytes()).decode(),
    }
    for name, value in values.items():
        template = template.replace("${" + name + "}", value)
    script = template.replace("$${", "${")
    assert script.index("shutdown -P +95") < script.index("install -d")
    machine.boot(script)
    assert machine.recorded("ended") == ["shutdown -P +95"]
    assert json.loads((machine.root / "etc/melange/profile.json").read_text()) == nasty
    unit = (machine.root / "etc/systemd/system/melange-profile.service").read_text()
    assert "ExecStart=/opt/melange/profile.sh" in unit
    assert "Restart=no" in unit
    assert machine.recorded("systemctl")[-1] == "enable --now --no-block melange-profile.service"
    assert os.access(machine.root / "opt/melange/profile.sh", os.X_OK)


def test_a_program_that_is_not_the_one_rendered_is_not_run(port: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, port, program_sha256="0" * 64)
    machine.measure()
    assert machine.recorded("docker") == []
    assert "the measurement failed" in machine.log
    assert machine.recorded("ended")
