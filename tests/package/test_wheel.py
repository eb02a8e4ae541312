"""The wheel works outside the checkout: data files included, from another folder."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", folder, ROOT, cwd=folder,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def run(*words: object, cwd: Path) -> str:
    ended = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, cwd=cwd, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_wheel_holds_profiles_and_templates(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder, pattern in (("profiles", "*.json"), ("templates", "*")):
        files = [path for path in (ROOT / folder).rglob(pattern) if path.is_file()]
        assert files
        for path in files:
            assert f"melange_cloud/bundled/{path.relative_to(ROOT).as_posix()}" in names


def test_it_plans_in_a_fresh_environment_and_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # its dependencies are those of this environment, where they are installed already; a .pth in
    # a folder added by a .pth is not read, so the checkout itself stays out of reach
    site = Path(
        run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=tmp_path).strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run(python, "-c", "import melange_cloud; print(melange_cloud.__file__)", cwd=tmp_path)
    assert str(environment) in where
    service = tmp_path / "chat.yaml"
    service.write_text((ROOT / "examples" / "chat.yaml").read_text())
    out = run(environment / "bin" / "melange-cloud", "plan", service, cwd=tmp_path)
    assert "proven cheapest" in out
    assert json.loads((tmp_path / "plan.json").read_text())["status"] == "optimal"
