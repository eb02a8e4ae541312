"""One call that profiles a server, as the command line does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from math import inf
from pathlib import Path

from melange_cloud import __version__
from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.names import one_gpu
from melange_cloud.paths import is_file
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.run.client import Client
from melange_cloud.profiles.run.record import Record, is_there_already, place
from melange_cloud.profiles.run.search import HIGHEST_CONCURRENCY
from melange_cloud.profiles.run.serve import last_lines, serving
from melange_cloud.profiles.run.server import Server, read_server
from melange_cloud.profiles.run.session import Session, Wanted
from melange_cloud.profiles.sizes import DEFAULT_SIZES, Size, parse_sizes

DEFAULT_SLOS_MS = (40.0, 120.0)
"""The paper's SLOs on mean TPOT, ms (Griggs et al., arXiv 2404.14527, section 6.1)."""


@dataclass(frozen=True)
class RunOptions:
    """What to profile, as a user says it. ``url`` of a running server, or ``serve``: a model."""

    gpu: str
    out: Path
    url: str | None = None
    serve: str | None = None
    serve_args: Sequence[str] = ()
    model: str | None = None
    tensor_parallel: int = 1
    slos_ms: Sequence[float] = ()
    sizes: Sequence[str] = ()
    confirm: bool = False
    max_minutes: float | None = None
    highest_concurrency: int = HIGHEST_CONCURRENCY
    resume: bool = False


@dataclass(frozen=True)
class RunResult:
    """What a run has left: its profile and file, and sizes for which the time was too short."""

    profile: Profile
    path: Path
    short: Sequence[tuple[int, int]]


def run_profile(options: RunOptions, today: date, report: Callable[[str], None]) -> RunResult:
    """Profile a server. What was measured is on disk whatever happens, also when interrupted.

    Raises InvalidInput for wrong options, OutsideError when the server fails.
    """
    if (options.url is None) == (options.serve is None):
        raise InvalidInput("give the --url of a running server, or --serve MODEL to start one")
    if options.url is not None and not options.url.startswith(("http://", "https://")):
        raise InvalidInput(f"--url must begin with http:// or https://, but is {options.url}")
    wanted = Wanted(
        sizes_wanted(options.sizes, options.slos_ms),
        options.slos_ms or DEFAULT_SLOS_MS,
        options.confirm,
        inf if options.max_minutes is None else options.max_minutes * 60,
        options.highest_concurrency,
    )
    options = replace(options, gpu=one_gpu(options.gpu))
    with _stopped_as_by_hand():
        return _run(options, wanted, today, report)


def sizes_wanted(sizes: Sequence[str], slos_ms: Sequence[float]) -> list[Size]:
    """The sizes to profile, the whole grid for none; InvalidInput for these or SLOs of no use."""
    if any(not slo > 0 for slo in slos_ms):
        raise InvalidInput("--tpot-ms must be above 0")
    found = parse_sizes(sizes) or list(DEFAULT_SIZES)
    if any(output < 2 for _, output in found):
        raise InvalidInput("an output of 1 token has no time per output token; give 2 or more")
    return found


def _run(
    options: RunOptions, wanted: Wanted, today: date, report: Callable[[str], None]
) -> RunResult:
    if options.url is not None:
        return asyncio.run(_profile(options, options.url, wanted, today, report))
    assert options.serve is not None
    if is_file(options.out) and not options.resume:  # before a model is loaded for nothing
        raise is_there_already(options.out)
    log = options.out.parent / f"{options.out.stem}.vllm.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideError(f"{log} cannot be written: {error.strerror}") from None
    report(f"starting vllm serve {options.serve}; its output goes to {log}")
    with serving(options.serve, options.tensor_parallel, options.serve_args, log) as url:
        try:
            return asyncio.run(_profile(options, url, wanted, today, report))
        except OutsideError as error:
            raise OutsideError(
                f"{error.message}\n{log} ends:\n{last_lines(log)}", hint=error.hint
            ) from None


@contextmanager
def _stopped_as_by_hand() -> Iterator[None]:
    """Let what stops machines and closes terminals end a run as Ctrl-C does: with all put away."""
    before = {name: signal.getsignal(name) for name in _stopping()}
    for name in before:
        signal.signal(name, signal.default_int_handler)
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _stopping() -> list[signal.Signals]:
    """SIGTERM and SIGHUP, where they are not ignored, as nohup has it."""
    found = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    return [name for name in found if name and signal.getsignal(name) != signal.SIG_IGN]


async def _profile(
    options: RunOptions, url: str, wanted: Wanted, today: date, report: Callable[[str], None]
) -> RunResult:
    this = asyncio.current_task()
    assert this is not None
    with suppress(NotImplementedError):  # Windows
        for name in _stopping():
            asyncio.get_running_loop().add_signal_handler(name, this.cancel)
    async with Client(url, os.environ.get("VLLM_API_KEY")) as client:
        server = await read_server(client)
        about = _about(options, server, wanted, today)
        path = place(options.out, about)
        record = Record(path, about, options.resume)
        report(
            f"{server.model} on {server.engine} {server.version or 'of unknown version'} at {url}; "
            + (f"{len(record.points)} points are in {path}" if record.points else f"writing {path}")
        )
        session = Session(client, server, record, wanted, report)
        try:
            short = await session.run()
        except asyncio.CancelledError:
            report(f"stopped; {len(record.points)} points are in {path}, --resume continues it")
            raise
        if not record.points:
            raise OutsideError(
                "no point could be measured in the time allowed", hint="raise --max-minutes"
            )
        return RunResult(record.profile, path, short)


def _about(options: RunOptions, server: Server, wanted: Wanted, today: date) -> dict[str, object]:
    slos = ", ".join(f"{slo:g}" for slo in wanted.slos_ms)
    return {
        "model": options.model or server.model,
        "gpu": options.gpu,
        "tensor_parallel": options.tensor_parallel,
        "engine": {
            "name": server.engine,
            "version": server.version,
            "args": list(options.serve_args),
        },
        "provenance": (
            f"measured {today} by melange-cloud {__version__} profile run, around "
            f"TPOTs of {slos} ms; closed loop, "
            f"{wanted.precision.least_durations:g} request durations a point or more"
        ),
        "max_model_len": server.max_model_len,
    }
