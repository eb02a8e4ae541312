"""What is installed is what was tested: every command of the README, from the installed wheel."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shlex
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from harness import Terraform, standin_environment
from installation import ROOT, Installed, run
from tools import require_program

README = (ROOT / "README.md").read_text()
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
ELSEWHERE = {
    "profile run": "needs a server: tests/profiles/run",
    "prices refresh": "needs accounts: tests/cli/test_prices_live.py",
}
"""Commands that need something that no fresh machine has, and the tests that run them."""

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "num_hidden_layers": 32,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
}
"""What the config.json of the README's model says (Llama-2-7b)."""


@pytest.fixture(scope="session")
def folder(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user's, with the files that the README names."""
    made = tmp_path_factory.mktemp("user")
    service = re.search(r"```yaml\n(name: chat\n.*?)```", README, re.S)
    assert service
    (made / "service.yaml").write_text(service[1])
    rows = "".join(f"{100 + 7 * i},{20 + 3 * i}\n" for i in range(300))
    (made / "config.json").write_text(json.dumps(LLAMA))
    (made / "requests.csv").write_text(f"input_tokens,output_tokens\n{rows}")
    estimate = ("profile", "estimate", "--model", "meta-llama/Llama-2-7b-hf", "--gpu", "L4")
    installed.melange(*estimate, "--out", "profiles", cwd=made)
    # where `terraform output fetch` brings what was measured
    installed.melange(*estimate, "--out", "profiling/profiles", cwd=made)
    for name in ("plan.json", "old.json", "new.json"):
        installed.melange("plan", "service.yaml", "--out", name, cwd=made)
    return made


def readme_commands() -> list[str]:
    """The lines of the README that run the program."""
    found = re.findall(r"^ +(melange-cloud .*?)(?:  +#.*)?$", README, re.M)
    return [line for line in found if not any(line[14:].startswith(name) for name in ELSEWHERE)]


def test_the_readme_is_read_at_all() -> None:
    commands = {line.split()[1] for line in readme_commands()}
    assert commands >= {"plan", "sweep", "check", "compare", "render", "schema", "workload"}


def test_wheel_and_sdist_are_complete(built: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), cwd=built)
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    for source, pattern in (("profiles", "*.json"), ("templates", "*")):
        paths = [path for path in (ROOT / source).rglob(pattern) if path.is_file()]
        assert paths
        for path in paths:
            assert f"melange_cloud/bundled/{path.relative_to(ROOT).as_posix()}" in names
    assert "melange_cloud/py.typed" in names
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "uv.lock", "requirements/run.txt"):
        assert name in inside
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")} <= inside


def test_the_metadata_says_what_the_package_is(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    found = Parser().parsestr(archive.read(name).decode())
    assert found["Name"] == "melange-cloud"
    assert found["License-Expression"] == "Apache-2.0"
    urls = {line.split(",")[0] for line in found.get_all("Project-URL", [])}
    assert {"Homepage", "Source", "Issues", "Changelog", "Documentation"} <= urls
    version = re.search(r'__version__ = "(.*)"', (ROOT / "melange_cloud/__init__.py").read_text())
    assert version
    assert found["Version"] == version[1]
    assert {"gpuhunt", "plots", "vllm"} == set(found.get_all("Provides-Extra", []))


def test_nothing_of_the_checkout_is_importable(installed: Installed, folder: Path) -> None:
    where = installed.python(
        "import sys, melange_cloud; print(melange_cloud.__file__, *sys.path)", folder
    )
    assert str(installed.bin.parent) in where
    assert str(ROOT) not in where.replace(sys.base_prefix, "")
    installed.python("import importlib.util as u; assert u.find_spec('tests') is None", folder)


def test_the_public_api_has_types(installed: Installed, tmp_path: Path) -> None:
    """mypy, strict, on a program of a user's: with py.typed it sees our types, not Any."""
    source = (
        "from melange_cloud import Plan, load_inputs, load_service, make_plan, solve\n"
        'plan: Plan = make_plan(load_inputs(load_service("chat.yaml"), ".")).plan\n'
        "cost: str = plan.cost.usd_per_hour\n"
    )
    (tmp_path / "use.py").write_text(source)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable")
    out = run(*mypy, installed.bin / "python", "use.py", cwd=tmp_path, code=1)
    assert out.count("error:") == 1
    assert 'use.py:3: error: Incompatible types in assignment (expression has type "float"' in out


@pytest.mark.parametrize("line", readme_commands())
def test_a_command_of_the_readme(installed: Installed, folder: Path, line: str) -> None:
    out = installed.melange(*shlex.split(line)[1:], cwd=folder)
    if line.endswith(("schema service", "--format json")):
        json.loads(out)
    (folder / "plan.json").write_text((folder / "old.json").read_text())


def test_what_programs_read(installed: Installed, folder: Path) -> None:
    """stdout parses whole with whatever the solver prints, in every format that a script reads."""
    plan = json.loads(installed.melange("plan", "service.yaml", "--format", "json", cwd=folder))
    assert plan["status"] == "optimal"
    sweep = installed.melange("sweep", "service.yaml", "--format", "csv", cwd=folder)
    assert len(list(csv.DictReader(io.StringIO(sweep)))) >= 1
    check = ("check", "service.yaml", "--baseline", "old.json", "--format", "json")
    assert json.loads(installed.melange(*check, cwd=folder))["verdict"] == "pass"
    offers = installed.melange("prices", "list", "--format", "json", cwd=folder)
    assert json.loads(offers)["offers"]
    config = {
        "gpu_info": {"A10G": {"cost": 1.0, "tputs": [[2.0]]}},
        "workload_distribution": [[1.0]],
        "total_request_rate": 3.0,
        "slice_factor": 2,
    }
    (folder / "solve.json").write_text(json.dumps(config))
    assert json.loads(installed.melange("solve", "solve.json", cwd=folder))["A10G"] == 2


def test_an_own_profile_is_found(installed: Installed, folder: Path) -> None:
    out = installed.melange("profile", "list", "--profiles", "profiles", cwd=folder)
    assert "meta-llama/Llama-2-7b-hf" in out


def test_the_machine_that_measures_gets_the_installed_package(
    installed: Installed, folder: Path
) -> None:
    installed.melange("profile", "provision", "service.yaml", "--out", "measure", cwd=folder)
    (encoded,) = (folder / "measure").rglob("*.whl.base64")
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(encoded.read_text()))).namelist()
    assert "melange_cloud/cli/profile_run.py" in names


@pytest.fixture(scope="session")
def terraform_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    require_program("terraform")
    return standin_environment(tmp_path_factory.mktemp("standins"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_planned_rendered_and_valid(
    installed: Installed, terraform_environment: dict[str, str], example: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "user"
    folder.mkdir()
    installed.melange("plan", example, cwd=folder)
    if example.parent.name == "paper":  # the paper's prices are of no region
        installed.melange("render", "plan.json", "--out", "infra", cwd=folder, code=2)
        return
    installed.melange("render", "plan.json", "--out", "infra", cwd=folder)
    terraform = Terraform(folder / "infra", terraform_environment)
    terraform.run("fmt", "-check", "-recursive", "-diff")
    terraform.init()
    terraform.run("validate", "-no-color")
