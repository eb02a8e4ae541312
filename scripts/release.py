"""Build a release in dist/ and check it; upload nothing.

    python scripts/release.py            builds
    python scripts/release.py --check    only says whether a release could be built

Makes the wheel and the sdist, their checksums (SHA256SUMS), a bill of materials (CycloneDX) of the
locked dependencies, a statement of provenance (in-toto, SLSA 1.0, unsigned) and the tag's message
from the changelog, and prints the commands that tag and publish. Refuses a working tree with
changes, and a changelog without a section for the version.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from melange_cloud import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
SBOM = "sbom.cdx.json"
HOME = "https://github.com/OWNER/melange-cloud"


class NotReady(Exception):
    """What stands in the way of a release, for a person."""


def changelog_section(text: str, version: str) -> str:
    """The entries below ``## VERSION (date)``, without the heading. Raises NotReady."""
    headings = list(re.finditer(r"^## +(.*?) *$", text, re.M))
    for index, heading in enumerate(headings):
        if re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading[1]):
            end = headings[index + 1].start() if index + 1 < len(headings) else len(text)
            section = text[heading.end() : end].strip()
            if section:
                return section
    raise NotReady(
        f'CHANGELOG.md has no entries below a heading "## {version} (YYYY-MM-DD)"; '
        'turn "Unreleased" into it and commit'
    )


def require_clean_tree() -> None:
    """Raises NotReady where a file differs from the last commit."""
    status = ("git", "status", "--porcelain")
    changed = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if changed:
        raise NotReady(f"the working tree has changes; commit or stash them:\n{changed.rstrip()}")


def require_an_account() -> None:
    """Raises NotReady while OWNER stands where users copy from: whoever takes that name could run
    code in their CI."""
    pages = ["pyproject.toml", "action.yml", "docs/ci.md"]
    pages += [str(p.relative_to(ROOT)) for p in (ROOT / "integrations").rglob("*") if p.is_file()]
    found = [page for page in pages if "OWNER/" in (ROOT / page).read_text(encoding="utf-8")]
    if found:
        raise NotReady(f"OWNER/ must become the account of the project in {', '.join(found)}")


def build() -> list[Path]:
    """Wheel and sdist in an empty dist/, their metadata checked."""
    shutil.rmtree(DIST, ignore_errors=True)
    python = (sys.executable, "-m")
    subprocess.run(
        [*python, "build", "--no-isolation", "--outdir", DIST, ROOT], check=True, cwd=ROOT
    )
    files = sorted(DIST.iterdir())
    subprocess.run([*python, "twine", "check", "--strict", *files], check=True)
    return files


def bill_of_materials() -> None:
    """dist/sbom.cdx.json: the dependencies that the release was tested with, with their hashes."""
    uv = Path(sys.executable).parent / "uv"
    words = ["export", "--quiet", "--frozen", "--no-default-groups", "--format", "cyclonedx1.5"]
    subprocess.run(
        [uv, *words, "--output-file", DIST / SBOM], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
    )


def provenance(files: list[Path], commit: str) -> dict[str, object]:
    """An in-toto statement with a SLSA 1.0 predicate: which commit and lock the files were made of.

    It is not signed: whoever publishes can sign it, for example with cosign.
    """
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": p.name, "digest": {"sha256": _sha256(p)}} for p in files],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": f"{HOME}/blob/v{__version__}/scripts/release.py",
                "externalParameters": {"version": __version__},
                "resolvedDependencies": [
                    {
                        "uri": f"git+{HOME}@refs/tags/v{__version__}",
                        "digest": {"gitCommit": commit},
                    },
                    {"uri": "uv.lock", "digest": {"sha256": _sha256(ROOT / "uv.lock")}},
                ],
            },
            "runDetails": {"builder": {"id": f"{HOME}/blob/v{__version__}/Makefile#release"}},
        },
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """0 when the release is built, 2 when something stands in the way."""
    try:
        section = changelog_section(
            (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), __version__
        )
        require_an_account()
        require_clean_tree()
        if "--check" in sys.argv[1:]:
            return 0
        files = build()
        bill_of_materials()
    except NotReady as error:
        print(f"no release: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"no release: {' '.join(map(str, error.cmd))} failed", file=sys.stderr)
        return 2
    head = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(head, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    statement = provenance([*files, DIST / SBOM], commit.strip())
    (DIST / "provenance.intoto.json").write_text(json.dumps(statement, indent=2) + "\n")
    sums = "".join(f"{_sha256(path)}  {path.name}\n" for path in sorted(DIST.iterdir()))
    (DIST / "SHA256SUMS").write_text(sums)
    (DIST / "tag-message.txt").write_text(f"melange-cloud {__version__}\n\n{section}\n")
    print(f"{sums}\nTo publish:")
    print(f"  git tag --annotate v{__version__} --cleanup=whitespace --file dist/tag-message.txt")
    print(f"  git push origin v{__version__}")
    print("  twine upload dist/*.whl dist/*.tar.gz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
