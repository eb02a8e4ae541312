"""The wheel as a user gets it: built, and installed by pip into an environment of its own."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from installation import ROOT, Installed, run
from tools import require_program


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    run(sys.executable, *build, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def installed(
    built: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Installed:
    """The wheel with its dependencies: the locked, the lowest or the newest admitted ones."""
    folder = tmp_path_factory.mktemp("installed")
    which = request.config.getoption("--dependencies")
    venv.create(folder / "venv", with_pip=True)
    pip = (folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet")
    (wheel,) = built.glob("*.whl")
    if which == "locked":
        requirements = ROOT / "requirements" / "run.txt"
        run(*pip, "--require-hashes", "--requirement", requirements, cwd=folder)
        run(*pip, "--no-deps", wheel, cwd=folder)
    elif which == "lowest":
        run(
            require_program("uv", Path(sys.executable).parent),
            *("pip", "compile", "--quiet", "--resolution", "lowest-direct"),
            *("--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"),
            *("--output-file", folder / "lowest.txt", ROOT / "pyproject.toml"),
            cwd=folder,
        )
        run(*pip, "--constraint", folder / "lowest.txt", wheel, cwd=folder)
    else:
        run(*pip, "--upgrade", wheel, cwd=folder)
    return Installed(folder / "venv" / "bin")
