"""Several files as one profile: they must speak of one model, GPU and engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from melange_cloud.documents import validate
from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, one_gpu
from melange_cloud.profiles.document import COLUMNS, Engine, Profile, Source
from melange_cloud.profiles.imports.point import Given, Imported, Point, pooled

T = TypeVar("T")

DEFAULT_ENGINE = "vllm"
"""The engine behind a client that only knows that it spoke OpenAI's protocol."""


def merge(files: Sequence[Imported], given: Given) -> tuple[Profile, list[str]]:
    """The profile of all ``files``, and what to tell the user.

    Raises InvalidInput for a disagreement, a missing model or GPU, one file given twice, or when
    no point is left.
    """
    if not any(one.points for one in files):
        why = [line for one in files for line in one.warnings] or ["there are no points in them"]
        raise InvalidInput("nothing to import\n" + "\n".join(f"  {line}" for line in why))
    _refuse_repeats(files)
    served = [point for one in files for point in one.points if point.request_rate]
    if served and all(point.tpot_ms_mean is None for point in served):
        raise InvalidInput(
            "no point has a time per output token, which SLOs limit",
            hint="requests of one output token have none; measure longer ones",
        )
    told: list[str] = []
    document = {
        "schema": "melange-cloud/profile/v1",
        "model": _model(files, given, told),
        "gpu": _gpu(files, given, told),
        "tensor_parallel": _tensor_parallel(files, given),
        "engine": _engine(files, given).model_dump(),
        "source": _agreed(files, "source", _source),
        "provenance": _provenance(files),
        "max_model_len": _agreed(files, "context length", lambda one: one.max_model_len),
        "columns": list(COLUMNS),
        "points": [point.row() for point in _points(files)],
    }
    # each number is in range, but what was computed from them may not be
    names = ", ".join(one.name for one in files)
    profile = validate(Profile, document, names, "source of a profile")
    return profile, told


def _points(files: Sequence[Imported]) -> list[Point]:
    """All points, repeats of one load pooled, by size and rising load."""
    groups: dict[tuple[object, ...], list[Point]] = {}
    for number, one in enumerate(files):
        for place, point in enumerate(one.points):
            # a point that does not say its load is a repeat of no other
            load = (point.load,) if point.load else (number, place)
            groups.setdefault((point.input_tokens, point.output_tokens, *load), []).append(point)
    merged = [pooled(points) for points in groups.values()]
    return sorted(
        merged, key=lambda p: (p.input_tokens, p.output_tokens, p.concurrency, p.request_rate)
    )


def _refuse_repeats(files: Sequence[Imported]) -> None:
    """One file twice, or under two names, would count its requests twice."""
    seen: dict[tuple[Point, ...], str] = {}
    for one in files:
        measured = tuple(point for point in one.points if point.request_rate)
        if measured in seen:
            first = seen[measured]
            if first == one.name:
                raise InvalidInput(f"{first} is given twice")
            raise InvalidInput(f"{first} and {one.name} hold the same measurements")
        if measured:
            seen[measured] = one.name


def _model(files: Sequence[Imported], given: Given, told: list[str]) -> str:
    found = _agreed(files, "model", lambda one: one.model)
    if given.model is not None:
        if found is not None and found != given.model:
            told.append(f"the server called the model {found}; the profile says {given.model}")
        return given.model
    if found is None:
        raise InvalidInput("the files do not name the model", hint="give its id with --model")
    return found


def _gpu(files: Sequence[Imported], given: Given, told: list[str]) -> str:
    stated = _agreed(files, "GPU", lambda one: one.gpu)
    label = _agreed(
        files, "GPU", lambda one: canonical_gpu(one.gpu_label) if one.gpu_label else None
    )
    if given.gpu is None:
        if stated is None and label is None:
            raise InvalidInput("the files do not say which GPU", hint="give its type with --gpu")
        return stated or one_gpu(label or "")
    wanted = one_gpu(given.gpu)
    if stated is not None and stated != wanted:
        raise InvalidInput(f"the files are of {stated}, not of {wanted}")
    if label is not None and label != wanted:
        told.append(f"the results are labelled gpu={label}; the profile says {wanted}, as asked")
    return wanted


def _tensor_parallel(files: Sequence[Imported], given: Given) -> int:
    found = _agreed(files, "tensor parallel degree", lambda one: one.tensor_parallel)
    if found is not None and given.tensor_parallel not in (None, found):
        raise InvalidInput(
            f"the files are of tensor parallel degree {found}, not {given.tensor_parallel}"
        )
    return given.tensor_parallel or found or 1


def _engine(files: Sequence[Imported], given: Given) -> Engine:
    name = _agreed(files, "engine", lambda one: one.engine)
    version = _agreed(files, "engine version", lambda one: one.engine_version)
    if given.engine_version is not None:
        if version is not None and version != given.engine_version:
            raise InvalidInput(
                f"the files are of engine version {version}, not {given.engine_version}"
            )
        version = given.engine_version
    args = _agreed(
        files, "engine setting", lambda one: tuple(one.engine_args) if one.engine_args else None
    )
    return Engine(name=name or DEFAULT_ENGINE, version=version, args=list(args or ()))


def _agreed(files: Sequence[Imported], what: str, of: Callable[[Imported], T | None]) -> T | None:
    """The one value that all files that have one agree on; None when none has."""
    found: dict[T, str] = {}
    for one in files:
        value = of(one)
        if value is not None:
            found.setdefault(value, one.name)
    if len(found) > 1:
        each = "; ".join(f"{name}: {_words(value)}" for value, name in found.items())
        raise InvalidInput(
            f"the files are not of one {what} ({each})", hint="import them one by one"
        )
    return next(iter(found), None)


def _source(one: Imported) -> Source:
    return one.source


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _provenance(files: Sequence[Imported]) -> str:
    """Where the numbers come from: formats and file names, without folders."""
    by_format: dict[str, list[str]] = {}
    for one in files:
        by_format.setdefault(one.format, []).append(PurePath(one.name).name)
    text = "; ".join(
        f"imported from {_plural(len(names), kind)} ({', '.join(names[:3])}"
        + (f" and {len(names) - 3} more)" if len(names) > 3 else ")")
        for kind, names in by_format.items()
    )
    remarks = list(dict.fromkeys(remark for one in files for remark in one.remarks))
    return "; ".join([text, *remarks])


def _plural(count: int, kind: str) -> str:
    if count == 1:
        return f"a {kind}" if kind[0] not in "AEIOU" else f"an {kind}"
    noun, *rest = kind.split(" of ", 1)
    return " of ".join([f"{count} {noun}s", *rest])
