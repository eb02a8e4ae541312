"""Only files that end are read, as fast as they are long, and what is not ours is not quoted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from melange_cloud.errors import InvalidDocument, InvalidInput
from melange_cloud.reading import read_text, regular_file

ROOT = Path(__file__).parents[1]
CHAT = ROOT / "examples" / "chat.yaml"
SECRET = "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI"


def service(folder: Path, **fields: str) -> Path:
    """The chat example with some of its lines changed, in a folder of its own."""
    lines = CHAT.read_text()
    for name, value in fields.items():
        lines += f"\n{name}: {value}\n"
    path = folder / "service.yaml"
    path.write_text(lines)
    return path


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def special_files(folder: Path) -> dict[str, str]:
    """Things that are no regular files -> what they are called."""
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    (folder / "folder").mkdir()
    return {
        "/dev/zero": "a device",
        "/dev/tty": "a device",
        "fifo": "a pipe",
        "socket": "a socket",
        "folder": "a directory",
    }


def test_what_a_document_names_must_be_a_regular_file(tmp_path: Path, melange) -> None:
    for name, kind in special_files(tmp_path).items():
        for ended in (
            melange("plan", service(tmp_path, prices=name)),
            melange("plan", CHAT, "--prices", name),
            melange("workload", "show", name if "/" in name else f"./{name}"),
            melange("workload", "from-trace", name),
        ):
            assert ended.code == 2, ended
            assert f"{name} is {kind}" in ended.err


def test_what_a_folder_holds_must_be_a_regular_file(tmp_path: Path, melange) -> None:
    place = tmp_path / "profiles" / "meta-llama" / "Llama-2-7b-hf"
    place.mkdir(parents=True)
    os.mkfifo(place / "L4.json")
    ended = melange("plan", CHAT, "--profiles", "profiles")
    assert (ended.code, "L4.json is a pipe" in ended.err) == (2, True)
    ended = melange("profile", "import", "profiles", "--gpu", "L4", "--out", "out")
    assert (ended.code, "L4.json is a pipe" in ended.err) == (2, True)


def test_a_file_without_a_stated_size_is_empty() -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        read_text(Path("/proc/self/environ"), "service", typed=True)


def test_a_trace_may_be_of_any_size_but_not_of_any_kind(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    regular_file(tmp_path / "large", "trace")


def test_process_substitution_is_read_as_a_stream(tmp_path: Path) -> None:
    command = f"{sys.executable} -m melange_cloud plan <(cat {CHAT}) --out plan.json"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "plan.json").exists()


def test_a_pipe_that_never_ends_or_never_begins_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("melange_cloud.reading.PIPE_WAITS_S", 0.1)
    os.mkfifo("fifo")
    with pytest.raises(InvalidInput, match="nothing was written to it"):
        read_text(Path("fifo"), "service", typed=True)
    with subprocess.Popen(["bash", "-c", "exec cat /dev/zero > fifo"]) as endless:
        time.sleep(0.2)
        with pytest.raises(InvalidInput, match="has more than 1 MB, the most that"):
            read_text(Path("fifo"), "service", 1_000_000, typed=True)
        endless.kill()


@pytest.mark.parametrize("ending", ["csv", "json", "env"])
def test_a_file_of_another_kind_is_not_quoted(ending: str, tmp_path: Path, melange) -> None:
    for text in (
        f"{SECRET}\n",
        f"{SECRET},a,b\n1,2,3\n",
        json.dumps(SECRET),
        json.dumps({SECRET: SECRET}),
        json.dumps([SECRET]),
        f"# a comment\n{SECRET}\nb=1,2\n",
    ):
        other = tmp_path / f"other.{ending}"
        other.write_text(text)
        for ended in (
            melange("plan", service(tmp_path, prices=other.name)),
            melange("plan", other),
            melange("render", other, "--out", "out"),
            melange("workload", "show", other),
            melange("solve", other),
            melange("profile", "check", other),
        ):
            assert ended.code == 2, ended
            assert "SECRET" not in ended.err
            assert "wJalr" not in ended.err


def test_the_header_of_prices_names_columns_by_position(melange) -> None:
    Path("p.csv").write_text(f"provider,regoin,{SECRET},instance_type,gpu,gpu_count,usd_per_hour\n")
    ended = melange("plan", CHAT, "--prices", "p.csv")
    assert 'column 2 has an unknown name; did you mean "region"?' in ended.err
    assert "column 3 has an unknown name\n" in ended.err
    assert "SECRET" not in ended.err


MANY = 60_000
REPEATED = "{" + ", ".join(f'"k{n % (MANY - 1)}": 1' for n in range(MANY)) + "}"
UNKNOWN = "{" + ", ".join(f'"k{n}": 1' for n in range(MANY)) + ', "name": "a", "source": "file"}'


@pytest.mark.parametrize("text", [REPEATED, UNKNOWN], ids=["repeated", "unknown"])
@pytest.mark.parametrize("name", ["d.json", "d.yaml", "d.csv"])
def test_sixty_thousand_keys_take_a_second(text: str, name: str, melange) -> None:
    Path(name).write_text(text.replace(", ", "\n").strip("{}") if name == "d.csv" else text)
    for words in (("plan", name), ("plan", CHAT, "--prices", name), ("solve", name)):
        began = time.process_time()
        ended = melange(*words)
        assert time.process_time() - began < 5, words
        assert (ended.code, len(ended.err) < 10_000) == (2, True), ended.err[:2000]


def test_a_wide_header_takes_a_second(melange) -> None:
    Path("wide.csv").write_text(",".join(["gpu", *(f"column{n}" for n in range(MANY))]) + "\n")
    began = time.process_time()
    ended = melange("plan", CHAT, "--prices", "wide.csv")
    assert time.process_time() - began < 15  # quadratic: 28 and more
    assert "more\n" in ended.err


def test_a_long_list_of_problems_is_cut() -> None:
    from melange_cloud.errors import Problem

    error = InvalidDocument("a", "plan", [Problem("", str(n)) for n in range(70)], more=30)
    assert "(100 problems)" in str(error)
    assert str(error).endswith("  and 50 more")
