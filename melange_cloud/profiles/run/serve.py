"""Starting and stopping `vllm serve` around a run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from melange_cloud.errors import InvalidInput, OutsideError

_START_LIMIT_S = 3600.0  # a large model may have to be downloaded first
_STOP_LIMIT_S = 30.0
_LOG_LINES = 15


@contextmanager
def serving(model: str, tensor_parallel: int, arguments: Sequence[str], log: Path) -> Iterator[str]:
    """The URL of a `vllm serve` that runs as long as this context; its output goes to ``log``.

    Raises InvalidInput when vLLM is not installed, OutsideError when it does not start.
    """
    port = _free_port()
    command = [
        _vllm(), "serve", model, "--host", "127.0.0.1", "--port", str(port),
        "--tensor-parallel-size", str(tensor_parallel), *arguments,
    ]  # fmt: skip
    with log.open("wb") as output:
        # a session of its own: Ctrl-C is ours to handle, and all its workers end with it
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, url, log)
        yield url
    finally:
        _stop(process)


def last_lines(log: Path) -> str:
    """The end of the server's output, indented for a message."""
    lines = log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
    return "\n".join(f"  {line}" for line in lines)


def _vllm() -> str:
    beside = Path(sys.executable).parent / "vllm"
    found = str(beside) if beside.exists() else shutil.which("vllm")
    if found is None:
        raise InvalidInput(
            "--serve needs vLLM, which is not installed",
            hint="pip install 'melange-cloud[vllm]', or start a server elsewhere and give --url",
        )
    return found


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _START_LIMIT_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    while time.monotonic() < until:
        if process.poll() is not None:
            raise OutsideError(
                f"vllm serve ended with code {process.returncode} before it was ready; "
                f"{log} ends:\n{last_lines(log)}"
            )
        try:
            with opener.open(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    raise OutsideError(f"vllm serve was not ready within {_START_LIMIT_S:.0f} s; see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers: asked first, then killed."""
    _signal(process, signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_LIMIT_S)
    finally:  # after a second Ctrl-C too: the model would stay on the GPU
        _signal(process, signal.SIGKILL)  # also what workers may have stayed behind
        process.wait()


def _signal(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, sign)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
