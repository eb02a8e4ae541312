"""`profile run` as users type it, against the stub in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from stub_server import Law

from melange_cloud.profiles.document import load_profile

STUB = Path(__file__).with_name("stub_server.py")
LAW = json.dumps(asdict(Law(step=4e-3, per_sequence=1e-3)))
QUICK = ("--tpot-ms", "8", "--size", "25x8", "--max-concurrency", "2")


@pytest.fixture
def url() -> Iterator[str]:
    server = subprocess.Popen([sys.executable, STUB, "0", LAW], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait()
    server.stdout.close()


def test_a_run_into_a_folder(melange, tmp_path, url: str) -> None:
    ended = melange("profile", "run", "--url", url, "--gpu", "a10g", "--out", tmp_path, *QUICK)
    assert ended.code == 0
    path = tmp_path / "some" / "model" / "A10G.json"
    profile = load_profile(path)
    assert profile.source == "measured"
    assert profile.engine.model_dump() == {"name": "vllm", "version": "0.32.0", "args": []}
    assert profile.max_model_len == 20000
    assert [row[2] for row in profile.points] == [1, 2]
    assert "25x8, concurrency 2:" in ended.err
    assert " left\n" in ended.err
    assert f"wrote {path}" in ended.err
    assert "some/model on A10G" in ended.out
    shown = melange("profile", "show", "some/model", "A10G", "--profiles", tmp_path)
    assert shown.code == 0


def test_as_json_and_under_another_name(melange, tmp_path, url: str) -> None:
    out = tmp_path / "p.json"
    words = ("--gpu", "L4", "--out", out, "--model", "my/model", "--format", "json", *QUICK)
    ended = melange("profile", "run", "--url", f"{url}/v1/", *words)
    assert ended.code == 0
    assert json.loads(ended.out) == json.loads(out.read_text())
    assert json.loads(ended.out)["model"] == "my/model"


def test_what_is_wrong_with_the_options(melange, tmp_path) -> None:
    out = ("--gpu", "L4", "--out", tmp_path / "p.json")
    for words, said in (
        ((), "--url of a running server, or --serve"),
        (("--url", "http://x", "--serve", "y"), "--url of a running server, or --serve"),
        (("--url", "localhost:8000"), "must begin with http"),
        (("--url", "http://x", "--tpot-ms", "0"), '"0" is not a number above 0'),
        (("--url", "http://x", "--size", "25"), 'not a size: "25"'),
        (("--url", "http://x", "--size", "25x1"), "2 or more"),
    ):
        ended = melange("profile", "run", *out, *words)
        assert ended.code == 2
        assert said in ended.err


def test_a_name_that_leads_out_of_the_folder(melange, tmp_path, url: str) -> None:
    for words, said in (
        (("--gpu", "L4", "--model", "/models/x"), '"/models/x" is not a Hugging Face id'),
        (("--gpu", "L4", "--model", "../x"), "not a Hugging Face id"),
        (("--gpu", "../../L4"), "is not the name of a GPU type"),
    ):
        ended = melange("profile", "run", "--url", url, "--out", tmp_path, *words, *QUICK)
        assert ended.code == 2
        assert said in ended.err
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(melange, url: str) -> None:
    ended = melange("profile", "run", "--url", url, "--gpu", "L4", "--out", "/proc/p.json", *QUICK)
    assert ended.code == 4
    assert "/proc/p.json cannot be written" in ended.err


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_hand_it_keeps_what_is_finished(melange, tmp_path, url: str, sign: int) -> None:
    out = tmp_path / "p.json"
    words = ["profile", "run", "--url", url, "--gpu", "L4", "--out", str(out), "--tpot-ms", "9"]
    sizes = ["--size", "25x8", "--size", "25x400"]
    running = subprocess.Popen(
        [sys.executable, "-m", "melange_cloud", *words, *sizes],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not out.exists() and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(sign)
    printed, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert printed == ""
    assert "--resume continues it" in said
    assert "Traceback" not in said
    kept = load_profile(out).points
    assert kept
    ended = melange(*words, *sizes[:2], "--resume", "--max-concurrency", "4")
    assert ended.code == 0
    assert all(row in load_profile(out).points for row in kept)


@pytest.fixture
def vllm(tmp_path, monkeypatch) -> Path:
    """A `vllm` command that is the stub, and writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "vllm"
    command.write_text(
        f'#!/bin/sh\necho $$ "$@" > {folder}/called\n'
        'while [ "$1" != --port ]; do shift; done\n'
        f"test -e {folder}/fail && echo 'no such model' && exit 3\n"
        f"exec {sys.executable} {STUB} $2 '{LAW}'\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_serve_starts_and_stops_the_server(melange, tmp_path, vllm: Path) -> None:
    words = ("--serve", "some/model", "--tensor-parallel", "2", "--serve-arg=--max-model-len=4096")
    out = ("--gpu", "L4", "--out", tmp_path / "p.json")
    ended = melange("profile", "run", *words, *out, *QUICK)
    assert ended.code == 0, ended.err
    called = (vllm / "called").read_text().split()
    assert called[1:3] == ["serve", "some/model"]
    assert called[-3:] == ["--tensor-parallel-size", "2", "--max-model-len=4096"]
    assert not Path(f"/proc/{called[0]}").exists()
    profile = load_profile(tmp_path / "p.json")
    assert profile.engine.args == ["--max-model-len=4096"]
    assert profile.tensor_parallel == 2


def test_serve_that_does_not_start(melange, tmp_path, vllm: Path) -> None:
    (vllm / "fail").touch()
    ended = melange("profile", "run", "--serve", "m", "--gpu", "L4", "--out", tmp_path / "p.json")
    assert ended.code == 4
    assert "vllm serve ended with code 3 before it was ready" in ended.err
    assert "no such model" in ended.err


def test_serve_without_vllm(melange, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = melange("profile", "run", "--serve", "m", "--gpu", "L4", "--out", tmp_path / "p.json")
    assert ended.code == 2
    assert "pip install 'melange-cloud[vllm]'" in ended.err
