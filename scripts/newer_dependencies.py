"""Which dependencies have versions that the project has not seen: newer than the lock, or than the
upper bound in pyproject.toml.

    python scripts/newer_dependencies.py

Asks the package index; says so where it cannot be had.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def direct() -> list[Requirement]:
    """What pyproject.toml asks for at run time."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def pins(text: str) -> dict[str, str]:
    """Name -> version of the ``name==version`` lines of a requirements file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)", text, re.M)
    return {canonicalize_name(name): version for name, version in found}


def newest(names: list[str]) -> dict[str, str]:
    """Name -> the newest version that the index has. Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile("w", suffix=".in") as wanted:
        wanted.write("\n".join(names))
        wanted.flush()
        uv = Path(sys.executable).parent / "uv"
        command = [uv, "pip", "compile", "--quiet", "--no-deps", "--no-header", wanted.name]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return pins(ended.stdout)


def main() -> None:
    """Print a line for each dependency with a newer version, or that there is none."""
    requirements = direct()
    locked = pins((ROOT / "requirements" / "run.txt").read_text(encoding="utf-8"))
    try:
        latest = newest([requirement.name for requirement in requirements])
    except subprocess.CalledProcessError as error:
        print(f"newer dependencies: not known, the index gave no answer: {error.stderr.strip()}")
        return
    lines = []
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if latest[name] != locked[name]:
            admitted = "" if latest[name] in requirement.specifier else ", above the upper bound"
            lines.append(f"  {name}: locked {locked[name]}, newest {latest[name]}{admitted}")
    print("\n".join(["newer dependencies:", *lines] if lines else ["newer dependencies: none"]))


if __name__ == "__main__":
    main()
