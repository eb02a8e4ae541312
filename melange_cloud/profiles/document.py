"""The Profile document: what one model replica on one GPU configuration was seen to sustain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import eq
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation, ValidationInfo, field_validator

from melange_cloud.documents import Document, digest, load_json
from melange_cloud.names import one_gpu, shorten, unknown

Source = Literal["measured", "published", "estimated"]
Value = float | int | str | None

LARGEST = 1e12
"""Largest number believed in a point; a unit must be wrong above it."""

_PROBLEMS_SHOWN = 8


@dataclass(frozen=True)
class Column:
    """What the values of one column of ``points`` must be."""

    kind: Literal["whole", "number", "text"]
    nullable: bool = True
    positive: bool = False

    @cached_property
    def types(self) -> frozenset[type]:
        by_kind: dict[str, frozenset[type]] = {
            "whole": frozenset({int}),
            "number": frozenset({int, float}),
            "text": frozenset({str}),
        }
        return by_kind[self.kind] | ({type(None)} if self.nullable else frozenset())

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` is of a right type and in range."""
        if type(value) not in self.types:
            return False
        if not isinstance(value, (int, float)):
            return True
        return 0 < value <= LARGEST if self.positive else 0 <= value <= LARGEST

    def accepts_all(self, values: Sequence[Any]) -> bool:
        """Whether it accepts each of ``values``, without a call for each."""
        if not set(map(type, values)) <= self.types:
            return False
        numbers = [] if self.kind == "text" else [v for v in values if v is not None]
        ordered = all(map(eq, numbers, numbers))  # NaN is unlike itself and would hide a minimum
        return not numbers or (
            ordered and self.accepts(min(numbers)) and self.accepts(max(numbers))
        )

    def __str__(self) -> str:
        noun = {"whole": "a whole number", "number": "a number", "text": "text"}[self.kind]
        if self.kind != "text":
            noun += " above 0" if self.positive else " of 0 or more"
        return f"{noun} or null" if self.nullable else noun


_SIZE = Column("whole", nullable=False, positive=True)
_LATENCY = Column("number")
_COUNT = Column("whole")

_COLUMNS = {
    "input_tokens": _SIZE,
    "output_tokens": _SIZE,
    "concurrency": Column("number", nullable=False, positive=True),
    "request_rate": Column("number", nullable=False),
    "ttft_ms_mean": _LATENCY,
    "ttft_ms_p99": _LATENCY,
    "tpot_ms_mean": _LATENCY,
    "tpot_ms_p99": _LATENCY,
    "requests": _COUNT,
    "errors": _COUNT,
    "tpot_ms_ci95": _LATENCY,
    "arrivals": Column("text"),
}

COLUMNS = tuple(_COLUMNS)
"""Columns of ``points``: tokens, requests in flight, achieved requests/s, milliseconds, counts,
half-width of the 95% interval of mean TPOT, and how requests arrived (closed or poisson).
A ``request_rate`` of 0 says that the size was tried and not one request could be served."""

REQUIRED_COLUMNS = (*COLUMNS[:4], "tpot_ms_mean")


class Engine(Document):
    """The inference engine a profile was made with."""

    name: str
    version: str | None = None
    args: list[str] = Field(default_factory=list)


class Profile(Document):
    """Points (request rate, TTFT, TPOT) at rising load for each size, null where unknown."""

    schema_: Literal["melange-cloud/profile/v1"] = Field("melange-cloud/profile/v1", alias="schema")
    model: str = Field(min_length=1, description="Hugging Face id of the model")
    gpu: str = Field(min_length=1)
    tensor_parallel: Annotated[int, Field(ge=1)]
    engine: Engine
    source: Source
    provenance: str
    max_model_len: Annotated[int, Field(gt=0)] | None = Field(
        None, description="the model's own context length, tokens"
    )
    columns: list[str]
    # Checked column by column below: pydantic takes several times longer over 12,000 values.
    points: SkipValidation[list[list[Value]]]

    @field_validator("gpu")
    @classmethod
    def _one_name_a_gpu(cls, gpu: str) -> str:
        return one_gpu(gpu)

    @field_validator("columns")
    @classmethod
    def _knows_its_columns(cls, columns: list[str]) -> list[str]:
        problems = [unknown("column", name, COLUMNS) for name in columns if name not in _COLUMNS]
        problems += [f"{name} is missing" for name in REQUIRED_COLUMNS if name not in columns]
        twice = sorted({name for name in columns if columns.count(name) > 1})
        problems += [f"{shorten(name)} appears twice" for name in twice]
        _raise(problems)
        return columns

    @field_validator("points", mode="before")
    @classmethod
    def _holds_what_columns_say(cls, points: Any, info: ValidationInfo) -> Any:
        if not isinstance(points, list) or not points:
            raise ValueError("must be a list of at least one row")
        columns = info.data.get("columns")
        if columns is not None:  # otherwise the columns are the problem, and are reported
            _raise(list(_misshapen(columns, points)) or list(_wrong_values(columns, points)))
        return points

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` of the document's content."""
        return digest(self.model_dump(mode="json"))

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """The sizes it has points at: (input, output) tokens, in rising order."""
        i, o = self.columns.index("input_tokens"), self.columns.index("output_tokens")
        return sorted({(row[i], row[o]) for row in self.points})  # type: ignore[misc]

    @property
    def name(self) -> str:
        """GPU type and tensor parallel degree, as its file is called: ``H100-tp4``."""
        return profile_name(self.gpu, self.tensor_parallel)


def profile_name(gpu: str, tensor_parallel: int) -> str:
    """What a profile's file is called, without its ending: ``L4`` or ``H100-tp4``."""
    return gpu if tensor_parallel == 1 else f"{gpu}-tp{tensor_parallel}"


def load_profile(path: Path) -> Profile:
    """Read and check one profile; InvalidInput or InvalidDocument otherwise."""
    return load_json(path, Profile, "profile")


def _misshapen(columns: Sequence[str], rows: list[Any]) -> Iterator[str]:
    if set(map(type, rows)) == {list} and set(map(len, rows)) == {len(columns)}:
        return
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            yield f"[{number}] must be a list of {len(columns)} values"
        elif len(row) != len(columns):
            wanted = f"{len(columns)} values, one for each column"
            yield f"[{number}] must have {wanted}, but has {len(row)}"


def _wrong_values(columns: Sequence[str], rows: list[list[Any]]) -> Iterator[str]:
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        column = _COLUMNS[name]
        if column.accepts_all(values):
            continue
        for number, value in enumerate(values):
            if not column.accepts(value):
                yield f"[{number}].{name} must be {column}, is {shorten(repr(value), 30)}"


def _raise(problems: list[str]) -> None:
    if problems:
        more = len(problems) - _PROBLEMS_SHOWN
        tail = [f"and {more} more"] if more > 0 else []
        raise ValueError("; ".join(problems[:_PROBLEMS_SHOWN] + tail))
