"""Standard output and arguments of another encoding, and names that are too long for a file."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAT = ROOT / "examples" / "chat.yaml"
NAME = "café ☕ 𝕏"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a service whose name is in no old encoding, and with its plan."""
    made = tmp_path_factory.mktemp("encodings")
    (made / "cafe.yaml").write_text(
        CHAT.read_text().replace("name: chat", f"name: {NAME}"), encoding="utf-8"
    )
    assert run(made, "utf-8", "plan", "cafe.yaml", "--out", "cafe.json").returncode == 0
    return made


def run(folder: Path, encoding: str, *words: object) -> subprocess.CompletedProcess[bytes]:
    ended = subprocess.run(
        [sys.executable, "-m", "melange_cloud", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in ended.stderr
    assert b"bug" not in ended.stderr
    return ended


CHECK = ("check", "cafe.yaml", "--baseline", "cafe.json", "--rate", "12", "--format")


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_tables_are_drawn_in_what_the_encoding_has(folder: Path, encoding: str) -> None:
    for words, code in (
        (("plan", "cafe.yaml"), 0),
        ((*CHECK, "table"), 1),
        (("workload", "show", "arena"), 0),
        (("--help",), 0),
        (("profile", "show", "meta-llama/Llama-3.1-8B", "L4", "--size", "25x25"), 0),
    ):
        ended = run(folder, encoding, *words)
        assert ended.returncode == code, ended.stderr
        text = ended.stdout.decode(encoding)
        assert "\\u" not in text.replace("\\u2615", "").replace("\\U0001d54f", "")
    assert "\n------" in run(folder, encoding, "plan", "cafe.yaml").stdout.decode(encoding)


def test_ascii_tables_stay_aligned(folder: Path) -> None:
    lines = run(folder, "ascii", "workload", "show", "arena").stdout.decode().splitlines()
    rule = next(at for at, line in enumerate(lines) if line.startswith("---"))
    assert "<=25" in lines[rule - 1]
    assert len(lines[rule - 1]) == len(lines[rule])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_documents_stay_what_they_are(folder: Path, encoding: str) -> None:
    plan = run(folder, encoding, "plan", "cafe.yaml", "--out", "-").stdout
    assert json.loads(plan)["service"]["name"] == NAME
    assert json.loads(run(folder, encoding, *CHECK, "json").stdout)["service"] == NAME
    junit = ElementTree.fromstring(run(folder, encoding, *CHECK, "junit").stdout)
    assert NAME in ElementTree.tostring(junit, encoding="unicode")
    assert "☕" in run(folder, encoding, *CHECK, "markdown").stdout.decode()
    sweep = run(folder, encoding, "sweep", "cafe.yaml", "--rates", "1,2", "--format", "csv").stdout
    assert len(list(csv.reader(sweep.decode().splitlines()))) > 2


def test_arguments_that_are_no_text_are_refused(folder: Path) -> None:
    for words in (
        ("plan", os.fsdecode(b"caf\xe9.yaml")),
        ("plan", CHAT, "--out", os.fsdecode(b"\xff.json")),
        ("profile", "show", "L4", os.fsdecode(b"\xff")),
    ):
        ended = run(folder, "utf-8", *words)
        assert ended.returncode == 2
        assert b"is not text in the encoding of this shell" in ended.stderr


LONG = "x" * 300


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", CHAT, "--out", LONG), 4),
        (("plan", CHAT, "--out", "x" * 250), 0),
        (("plan", CHAT, "--out", f"{LONG}/plan.json"), 4),
        (("plan", LONG), 2),
        (("plan", CHAT, "--prices", LONG), 2),
        (("plan", CHAT, "--profiles", LONG), 2),
        (("plan", CHAT, "--keep", LONG), 2),
        (("check", CHAT, "--baseline", LONG), 2),
        (("compare", LONG), 2),
        (("workload", "show", f"{LONG}.json"), 2),
        (("workload", "from-trace", LONG), 2),
        (("profile", "show", f"{LONG}/{LONG}", "L4"), 2),
        (("profile", "show", f"{LONG}.json"), 2),
        (("profile", "import", LONG, "--gpu", "L4", "--out", "o"), 2),
        (("render", LONG, "--out", "o"), 2),
        (("solve", LONG), 2),
    ],
    ids=lambda value: str(value)[:60],
)
def test_names_that_are_too_long(
    words: tuple[object, ...], code: int, tmp_path: Path, melange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = melange(*words)
    assert ended.code == code, ended.err
    assert "bug" not in ended.err
    assert len(ended.err) < 2000


@pytest.mark.parametrize("words", [("plan", "x"), ("render", "x", "--out", "o"), ("solve", "x"),
                                   ("workload", "show", "./x"), ("profile", "check", "x.json"),
                                   ("profile", "import", "x", "--gpu", "L4", "--out", "o"),
                                   ("plan", str(CHAT), "--prices", "./x")],
                         ids=" ".join)  # fmt: skip
def test_halves_of_characters_are_refused(
    words: tuple[str, ...], tmp_path: Path, melange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (r'{"name": "\ud800"}', r'{"\udfff": 1, "schema": "a"}', r'{"a": ["\uDABC x"]}'):
        for name in ("x", "x.json"):
            Path(name).write_text(text)
        ended = melange(*words)
        assert ended.code == 2, ended
        assert "half of a character" in ended.err or "not valid YAML" in ended.err
    for name in ("x", "x.json"):
        Path(name).write_text(r'{"schema": "\ud83d\ude00"}')  # a whole one
    assert "half of" not in melange(*words).err
