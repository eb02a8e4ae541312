"""What every command prints fits the terminal, and a pipe gets the same bytes as ever."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from melange_cloud.output.text import cells

ROOT = Path(__file__).parents[2]
CHAT = str(ROOT / "examples" / "chat.yaml")
LLAMA = "meta-llama/Llama-2-7b-hf"
CSV = "provider,region,instance_type,gpu,gpu_count,usd_per_hour\n"
COMMANDS = {
    "plan": ["plan", CHAT, "--out", "again.json"],
    "plan of two clouds": ["plan", str(ROOT / "examples/two-clouds.yaml"), "--out", "again.json"],
    "sweep": ["sweep", CHAT, "--rates", "1,16", "--tpot-ms", "40,1"],
    "check": ["check", CHAT, "--rate", "9", "--max-increase", "900%"],
    "compare": ["compare", "plan.json", "plan.json", "plan.json", "plan.json"],
    "render": ["render", "plan.json", "--out", "infra"],
    "prices list": ["prices", "list", "--gpu", "RTX-PRO-6000"],
    "prices diff": ["prices", "diff", "old.csv", "new.csv"],
    "profile list": ["profile", "list"],
    "profile show": ["profile", "show", LLAMA, "L4", "--tpot-ms", "120"],
    "profile show --size": ["profile", "show", LLAMA, "L4", "--size", "1000x250"],
    "profile compare": ["profile", "compare", "--model", LLAMA, "L4", "A10G", "H100"],
    "profile check": ["profile", "check", str(ROOT / "profiles" / LLAMA / "L4.json")],
    "workload show": ["workload", "show", "azure-conversation"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("widths")
    for name, price in (("old.csv", "1.006"), ("new.csv", "1.2")):
        rows = [
            f"aws,us-east-1,g5.xlarge,A10G,1,{price}",
            f"gcp,northamerica-northeast1,g4-standard-384,RTX-PRO-6000,8,{price}",
        ]
        (made / name).write_text(CSV + "\n".join(rows) + "\n")
    run(["plan", CHAT], made)
    return made


def run(words: list[str], folder: Path, columns: object = None) -> str:
    """What a command prints on stdout, in a process of its own."""
    environment = os.environ | ({} if columns is None else {"COLUMNS": str(columns)})
    command = [sys.executable, "-m", "melange_cloud", *words]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def said(text: str) -> set[str]:
    """Numbers and short words; not the shares in a map of sizes: they stand where there is room."""
    text = re.sub(r"\b[A-Z] [<>]?\d+%", "", text)
    found = re.findall(r"(?<![\w.-])[+-]?\d[\d,]*(?:\.\d+)?%?(?![\w-])", text)
    return {*found, *re.findall(r"\b[A-Za-z]{2,8}\b", text)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_fits_and_cuts_no_number(
    melange, monkeypatch: pytest.MonkeyPatch, folder: Path, name: str
) -> None:
    monkeypatch.chdir(folder)
    melange(*COMMANDS[name])  # rendering for the first time says more than the second
    whole = melange(*COMMANDS[name]).out
    for width in (40, 60, 80, 100, 132):
        monkeypatch.setenv("COLUMNS", str(width))
        text = melange(*COMMANDS[name]).out
        assert max(map(cells, text.splitlines())) <= width
        # a row of a line each leaves out its empty cells: here a column without any note
        assert said(whole) - {"note"} <= said(text)
    monkeypatch.setenv("COLUMNS", "1000")
    assert melange(*COMMANDS[name]).out == whole


@pytest.mark.parametrize("columns", ["80", "40"])
def test_columns_is_obeyed_by_the_program_itself(folder: Path, columns: str) -> None:
    text = run(["profile", "list"], folder, columns)
    assert max(map(cells, text.splitlines())) <= int(columns)
    assert "not bundled;" in text


@pytest.mark.parametrize("columns", ["", "0", "wide", "-5", None])
def test_a_pipe_without_columns_gets_what_it_always_got(
    folder: Path, melange, monkeypatch: pytest.MonkeyPatch, columns: str | None
) -> None:
    monkeypatch.chdir(folder)
    words = ["profile", "show", LLAMA, "L4"]
    assert run(words, folder, columns) == melange(*words).out


def in_a_terminal(words: list[str], folder: Path, columns: int) -> list[str]:
    """Lines that a command prints in a real terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "melange_cloud", *words]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, cwd=folder) as running:
        os.close(theirs)
        found = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not part:
                break
            found += part
    os.close(ours)
    assert running.returncode == 0
    return found.decode().splitlines()


def test_a_terminal_is_filled_and_not_overflowed(folder: Path) -> None:
    words = ["plan", CHAT, "--out", "again.json"]
    lines = in_a_terminal(words, folder, 80)
    assert max(map(cells, lines)) <= 80
    assert any("10,897.44" in line for line in lines)
    assert in_a_terminal(words, folder, 200) == run(words, folder).splitlines()
    # a terminal that does not know its size
    assert in_a_terminal(words, folder, 0) == run(words, folder).splitlines()
