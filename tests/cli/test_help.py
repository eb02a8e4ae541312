"""The interface cannot drift unseen: what every command's --help says."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMANDS = [
    "",
    "plan",
    "sweep",
    "solve",
    "render",
    "schema",
    "check",
    "compare",
    "prices",
    "prices list",
    "prices refresh",
    "prices diff",
    "profile",
    "profile list",
    "profile show",
    "profile run",
    "profile estimate",
    "profile import",
    "profile compare",
    "profile check",
    "profile provision",
    "workload",
    "workload show",
    "workload from-trace",
]

HEAVY = {
    *("pulp", "highspy", "numpy", "pydantic", "rich", "yaml", "jinja2"),
    *("boto3", "google", "duckdb", "aiohttp"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_as_reviewed(melange, golden, monkeypatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")
    ended = melange(*command.split(), "--help")
    assert ended.code == 0
    golden(f"help/{command.replace(' ', '-') or 'melange-cloud'}.txt", ended.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_whole_and_names_no_python_type(melange, command: str) -> None:
    text = melange(*command.split(), "--help").out
    assert "..." not in text.replace("[ARGS]...", "").split("Options:", 1)[1]  # no cut summary
    for written in ("<path>", "<str>", "<int", "<float", "<list", "{", "[["):
        assert written not in text


def test_help_lists_every_interconnect(melange) -> None:
    from melange_cloud.profiles.facts import gpu_book

    text = " ".join(melange("profile", "estimate", "--help").out.split())
    names = sorted(link.name for link in gpu_book().interconnects)
    assert f"{', '.join(names[:-2])}, {names[-2]} or {names[-1]}" in text


def test_help_names_every_exit_code(melange) -> None:
    text = " ".join(melange("--help").out.split())
    for words in ("0 done", "1 check", "2 wrong usage", "3 no fleet", "4 the outside", "130 inter"):
        assert words in text


def imported(*words: str) -> set[str]:
    """Top-level packages that a command imports, in a process of its own."""
    code = (
        "import sys\n"
        "from melange_cloud.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('IMPORTED', *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return set(ended.stderr.rsplit("IMPORTED", 1)[1].split())


def test_help_imports_nothing_heavy() -> None:
    assert not imported("--help") & HEAVY


def test_plan_with_bundled_prices_imports_no_cloud_sdk(tmp_path) -> None:
    from pathlib import Path

    chat = Path(__file__).parents[2] / "examples" / "chat.yaml"
    names = imported("plan", str(chat), "--out", str(tmp_path / "plan.json"))
    assert not names & {"boto3", "botocore", "google", "duckdb", "jinja2", "matplotlib"}
    assert "highspy" in names
