"""The README and docs say what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_readme_shows_what_plan_prints(melange, tmp_path: Path) -> None:
    ended = melange("plan", ROOT / "examples" / "chat.yaml", "--out", tmp_path / "plan.json")
    assert f"```\n{ended.out.rstrip()}\n```" in README


def test_the_readme_names_every_command_and_example(melange) -> None:
    listing = melange("--help").out
    commands = re.findall(r"^  ([a-z]+) +[A-Z]", listing.split("Commands:")[1], re.M)
    assert commands
    for command in commands:
        assert f"`{command}" in README
    for example in (ROOT / "examples").glob("*.yaml"):
        assert f"examples/{example.name}" in README


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_page_on_the_paper_is_what_its_script_writes() -> None:
    script = ROOT / "scripts" / "make_paper.py"
    ended = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
