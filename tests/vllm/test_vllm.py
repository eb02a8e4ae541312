"""Against real vLLM on a CPU, with a tiny random model: `make test-vllm`.

It wants a virtual environment made by install.sh, named by MELANGE_VLLM_VENV. The profile is
written where MELANGE_VLLM_PROFILE says, otherwise to a temporary folder; one that is there
already is not measured again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.run.point import points_of
from melange_cloud.profiles.run.search import holds
from melange_cloud.profiles.run.serve import serving
from melange_cloud.profiles.throughput import Slo, Throughputs

VENV = os.environ.get("MELANGE_VLLM_VENV")

pytestmark = pytest.mark.skipif(not VENV, reason="opt-in: make test-vllm")

SIZES = [(32, 32), (64, 48), (128, 48), (256, 32)]
SLO_MS = 40.0  # breaks before prefills alone fill a core: beyond that, queues grow at random
ARGUMENTS = (
    "--served-model-name=tiny-random-llama",
    "--load-format=dummy",
    "--dtype=float32",
    "--max-model-len=4096",
    "--enforce-eager",
    # vLLM's benchmark counts upwards from a random token: among 1024, prompts share beginnings
    "--no-enable-prefix-caching",
    "--distributed-executor-backend=uni",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vllm") / "tiny"
    script = Path(__file__).with_name("tiny_model.py")
    subprocess.run([f"{VENV}/bin/python", script, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    patch = pytest.MonkeyPatch()
    patch.setenv("PATH", f"{VENV}/bin", prepend=os.pathsep)
    for name, value in (
        ("HF_HUB_OFFLINE", "1"),
        ("VLLM_CPU_KVCACHE_SPACE", "1"),
        # one core is the front end's: a starved one sends tokens in bunches, if not all at once
        ("VLLM_CPU_NUM_OF_RESERVED_CPU", "1"),
        ("VLLM_NO_USAGE_STATS", "1"),
    ):
        patch.setenv(name, value)
    with serving(str(model), 1, ARGUMENTS, model.parent / "serve.log") as running:
        yield running
    patch.undo()


@pytest.fixture(scope="module")
def profile(url: str, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    given = os.environ.get("MELANGE_VLLM_PROFILE")
    out = Path(given) if given else tmp_path_factory.mktemp("profile") / "CPU.json"
    command = [sys.executable, "-m", "melange_cloud", "profile", "run", "--url", url, "--gpu",
               "CPU", "--out", str(out), "--tpot-ms", str(SLO_MS), "--arrivals", "poisson",
               "--max-concurrency", "64",
               *(word for i, o in SIZES for word in ("--size", f"{i}x{o}")),
               *(["--resume"] if out.exists() else [])]  # fmt: skip
    subprocess.run(command, check=True)
    return load_profile(out)


def test_every_size_is_profiled(profile: Profile) -> None:
    assert profile.model == "tiny-random-llama"
    assert profile.engine.name == "vllm"
    assert (profile.engine.version or "").startswith("0.32")
    assert profile.max_model_len == 4096
    assert profile.sizes == sorted(SIZES)
    for point in points_of(profile):
        assert point.errors == 0
        assert point.request_rate > 0


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_rate_found_is_one_that_vllm_bench_serve_gets(
    profile: Profile, url: str, model: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Asked for at random, by vLLM's own benchmark. Its TPOT is chance so near to the knee."""
    rate = Throughputs(profile, Slo(SLO_MS)).at_size(*size).rate
    arrivals = ["--request-rate", str(rate), "--num-prompts", str(int(60 * rate))]
    result = _bench(url, model, size, arrivals, tmp_path)
    report = _report(size, f"rate {rate:.3f} requests/s", result)
    assert result["request_throughput"] == pytest.approx(rate, rel=0.15), report


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_point_is_as_vllm_bench_serve_has_it(
    profile: Profile, url: str, model: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    """The heaviest load that keeps to the SLO, kept up by vLLM's own benchmark.

    It starts all its clients at once, and they stay together: a server that takes their prompts in
    one batch is then faster by tens of percent. A rate somewhat above what the clients can use
    spreads their starts as ours are.
    """
    held = [p for p in points_of(profile) if p.size == size and p.arrivals == "closed"]
    point = max((p for p in held if holds(p, SLO_MS)), key=lambda p: p.concurrency)
    clients = int(point.concurrency)
    spread = ["--request-rate", str(1.5 * point.request_rate), "--burstiness", "100"]
    arrivals = [*spread, "--max-concurrency", str(clients), "--num-prompts", str(30 * clients)]
    result = _bench(url, model, size, arrivals, tmp_path)
    ours = f"{clients} clients {point.request_rate:.3f} requests/s, TPOT {point.tpot_ms_mean} ms"
    report = _report(size, ours, result)
    assert result["request_throughput"] == pytest.approx(point.request_rate, rel=0.15), report
    assert result["mean_tpot_ms"] == pytest.approx(point.tpot_ms_mean, rel=0.15), report


def _bench(
    url: str, model: Path, size: tuple[int, int], arrivals: list[str], folder: Path
) -> dict[str, float]:
    command = [f"{VENV}/bin/vllm", "bench", "serve", "--backend", "openai", "--base-url", url,
               "--model", "tiny-random-llama", "--tokenizer", str(model), "--dataset-name",
               "random", "--random-input-len", str(size[0]), "--random-output-len", str(size[1]),
               "--ignore-eos", *arrivals, "--num-warmups", "10", "--save-result", "--result-dir",
               str(folder), "--result-filename", "bench.json"]  # fmt: skip
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    result: dict[str, float] = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    assert result["failed"] == 0
    return result


def _report(size: tuple[int, int], ours: str, result: dict[str, float]) -> str:
    text = (
        f"{size[0]}x{size[1]}: {ours}; vllm bench serve {result['request_throughput']:.3f} "
        f"requests/s, TPOT {result['mean_tpot_ms']:.2f} ms"
    )
    print(text, file=sys.stderr)
    return text
