"""Standard output holds results alone, whatever libraries print: commands run as subprocesses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAT = ROOT / "examples" / "chat.yaml"
PLAN = ROOT / "examples" / "plans" / "chat.json"
SAMPLES = ROOT / "tests" / "profiles" / "samples"
LLAMA = ("--model", "meta-llama/Llama-2-7b-hf")
HELP = Path(__file__).parents[1] / "golden" / "help"

NOISE = """\
# every library that a command needs prints when it is imported: from Python, to the descriptor,
# and from C, where the text stays in a buffer until the process ends
import atexit, builtins, ctypes, os
atexit.register(print, "NOISE at the end")
libc, quiet, original = ctypes.CDLL(None), set(), builtins.__import__
NOISY = {"highspy", "pulp", "yaml", "duckdb", "pydantic", "rich", "typer"}

def noisy(name, *rest, **more):
    library = name.split(".")[0]
    if library in NOISY and library not in quiet:
        quiet.add(library)
        print("NOISE of", library)
        os.write(1, b"NOISE to the descriptor\\n")
        libc.printf(b"NOISE from C\\n")
    return original(name, *rest, **more)

builtins.__import__ = noisy
"""


def table(text: str) -> None:
    assert "NOISE" not in text
    assert "HiGHS" not in text


def comma_separated(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1


def github(text: str) -> None:
    assert re.fullmatch(r"(::(error|warning|notice) .*\n)+", text), text


def markdown(text: str) -> None:
    assert text.startswith(("<!--", "**")), text
    table(text)


READERS: dict[str, Callable[[str], object]] = {
    "table": table,
    "json": json.loads,
    "aibrix": json.loads,
    "gitlab": json.loads,
    "csv": comma_separated,
    "junit": ElementTree.fromstring,
    "github": github,
    "markdown": markdown,
}
"""Format -> what reads the whole of stdout, and fails on anything else in it."""

CHECK = ("check", CHAT, "--baseline", PLAN)
COMMANDS: dict[str, tuple[object, ...]] = {
    "plan": ("plan", CHAT, "--out", "new.json"),
    "sweep": ("sweep", CHAT, "--rates", "1,2"),
    "check": ("check", CHAT, "--baseline", PLAN),
    "compare": ("compare", PLAN, PLAN),
    "prices list": ("prices", "list", "--gpu", "H100"),
    "prices diff": ("prices", "diff", "a.csv", "b.csv"),
    "profile list": ("profile", "list", *LLAMA),
    "profile show": ("profile", "show", LLAMA[1], "H100", "--tpot-ms", 60),
    "profile estimate": ("profile", "estimate", *LLAMA, "--gpu", "H100"),
    "profile import": (
        *("profile", "import", SAMPLES / "vllm_bench_plain.json", "--gpu", "H100"),
        *("--out", "profiles"),
    ),
    "profile compare": ("profile", "compare", "a.json", "b.json"),
    "profile check": ("profile", "check", "a.json"),
    "workload show": ("workload", "show", "arena"),
    "workload from-trace": ("workload", "from-trace", "trace.csv"),
}
ELSEWHERE = {
    "profile run": "measures a server: tests/profiles/run reads its stdout",
    "prices refresh": "asks clouds: tests/cli/test_prices_live.py reads its stdout",
}


def formats_of(command: str) -> list[str]:
    """What its reviewed help offers behind --format."""
    text = (HELP / f"{command.replace(' ', '-')}.txt").read_text()
    found = re.search(r"--format <([a-z|]+)>", text)
    return found[1].split("|") if found else []


def cases() -> list[tuple[str, str]]:
    return [(command, format) for command in COMMANDS for format in formats_of(command)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the commands read, and with noisy libraries."""
    made = tmp_path_factory.mktemp("stdout")
    (made / "noise").mkdir()
    (made / "noise" / "sitecustomize.py").write_text(NOISE)
    header = "provider,region,instance_type,gpu,gpu_count,usd_per_hour\n"
    (made / "a.csv").write_text(f"{header}aws,us-east-1,g5.xlarge,A10G,1,1.006\n")
    (made / "b.csv").write_text(f"{header}aws,us-east-1,g5.xlarge,A10G,1,1.2\n")
    (made / "trace.csv").write_text("input_tokens,output_tokens\n100,20\n300,40\n")
    (made / "config.json").write_text(
        json.dumps(
            {
                "gpu_info": {"A10G": {"cost": 1.0, "tputs": [[2.0]]}},
                "workload_distribution": [[1.0]],
                "total_request_rate": 3.0,
                "slice_factor": 2,
            }
        )
    )
    profiles = ROOT / "profiles" / "meta-llama" / "Llama-2-7b-hf"
    (made / "a.json").write_text((profiles / "H100.json").read_text())
    (made / "b.json").write_text((profiles / "A10G.json").read_text())
    return made


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "melange_cloud", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder / 'noise'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_command_with_formats_is_here() -> None:
    with_formats = {page.stem.replace("-", " ", 1) for page in HELP.glob("*.txt")}
    with_formats = {command for command in with_formats if formats_of(command)}
    assert with_formats == COMMANDS.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize(("command", "format"), cases(), ids=lambda word: word)
def test_stdout_is_the_result_alone(folder: Path, command: str, format: str) -> None:
    ended = run(folder, *COMMANDS[command], "--format", format)
    assert ended.returncode in (0, 1), ended.stderr
    assert "NOISE of" in ended.stderr
    assert "NOISE to the descriptor" in ended.stderr
    assert "NOISE from C" in ended.stderr
    assert "NOISE at the end" in ended.stderr
    READERS[format](ended.stdout)


@pytest.mark.parametrize("words", [("solve", "config.json"), ("schema", "plan")], ids=" ".join)
def test_a_command_that_knows_only_json(folder: Path, words: tuple[str, ...]) -> None:
    ended = run(folder, *words)
    assert ended.returncode == 0, ended.stderr
    json.loads(ended.stdout)


def test_help_and_version_are_results(folder: Path) -> None:
    for words in (("--version",), ("--help",), ("plan", "--help"), ("prices", "list", "-h")):
        ended = run(folder, *words)
        assert ended.returncode == 0
        assert "melange-cloud" in ended.stdout
        assert "NOISE to" not in ended.stdout
        assert "NOISE at" not in ended.stdout
        assert "NOISE to the descriptor" in ended.stderr
        assert "NOISE at the end" in ended.stderr


@pytest.mark.parametrize(
    ("words", "code"), [(("prices", "list", "--format", "json"), 0), ((*CHECK, "--rate", 30), 1)]
)
def test_a_reader_that_left_is_no_error(folder: Path, words: tuple[object, ...], code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "melange_cloud", *map(str, words)],
        cwd=folder,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert ended.returncode == code
    assert "error" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "code"), [((*CHECK, "--format", "json"), 0), (("plan", "absent.yaml"), 2)]
)
def test_remarks_that_cannot_be_written_change_nothing(
    folder: Path, words: tuple[object, ...], code: int
) -> None:
    command = " ".join(map(str, words))
    for ending in ("2>/dev/full", "2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}"):
        ended = subprocess.run(
            ["bash", "-c", f'"{sys.executable}" -m melange_cloud {command} {ending}'],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == code
        if code == 0 and ending == "2>/dev/full":
            json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("ending", "said"),
    [(">/dev/full", "No space left on device"), (">&-", "standard output is closed")],
)
def test_a_result_that_cannot_be_printed_is_said(folder: Path, ending: str, said: str) -> None:
    ended = subprocess.run(
        f'"{sys.executable}" -m melange_cloud prices list {ending}',
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 4
    assert said in ended.stderr
    assert "bug" not in ended.stderr


def test_remarks_do_not_reach_stdout_when_stderr_is_closed(folder: Path) -> None:
    ended = subprocess.run(
        f'"{sys.executable}" -m melange_cloud plan {CHAT} --out new.json --format json 2>&-',
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    json.loads(ended.stdout)


def test_a_program_that_runs_commands_may_replace_stderr(folder: Path) -> None:
    """As scripts/check_examples.py does: commands in one process, remarks kept apart."""
    code = (
        "import contextlib, io\n"
        "from melange_cloud.cli.main import main\n"
        "for _ in range(2):\n"
        "    with contextlib.redirect_stderr(io.StringIO()):\n"
        "        try: main(['prices', 'list', '--gpu', 'H100', '--format', 'json', '-o', '-'])\n"
        "        except SystemExit: pass\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    first, second = ended.stdout[: len(ended.stdout) // 2], ended.stdout[len(ended.stdout) // 2 :]
    assert json.loads(first) == json.loads(second)
