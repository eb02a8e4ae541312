"""Which columns of a trace hold times and token counts, and what unit its times have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from melange_cloud.errors import InvalidInput
from melange_cloud.names import nearest, shorten
from melange_cloud.workload.trace_file import Name, TraceFile, is_number

NO_COLUMN = "none"
"""Given as the timestamp column: ignore the times."""

_INPUT = (
    "context_tokens",  # Azure LLM inference traces
    "num_prefill_tokens",  # Vidur
    "request_tokens",  # BurstGPT
    "prompt_tokens",  # OpenAI, vLLM
    "input_tokens",  # Anthropic, OpenTelemetry's gen_ai.usage.input_tokens
    "input_length",  # Mooncake
    "prompt_token_count",  # Gemini
    "prompt_len",  # vllm bench serve
    "input_len",
    "prompt_length",
    "prefill_tokens",
    "num_prompt_tokens",
    "num_input_tokens",
    "isl",
)
_OUTPUT = (
    "generated_tokens",
    "num_decode_tokens",
    "response_tokens",
    "completion_tokens",
    "output_tokens",
    "output_length",
    "candidates_token_count",
    "output_len",
    "response_length",
    "decode_tokens",
    "generation_tokens",
    "num_generation_tokens",
    "num_output_tokens",
    "osl",
)
_TIME = (
    "timestamp",
    "time",
    "ts",
    "arrived_at",
    "arrival_time",
    "arrival_timestamp",
    "request_time",
    "start_time",
    "created",
    "created_at",
    "datetime",
)

SECONDS_PER = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of numeric timestamps, in seconds."""

_UNIT_NAMES = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "ms": "ms", "msec": "ms", "millis": "ms", "milliseconds": "ms",
    "us": "us", "micros": "us", "microseconds": "us",
    "ns": "ns", "nanos": "ns", "nanoseconds": "ns",
}  # fmt: skip

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

_KNOWN_TRACES = {
    ("timestamp", "inputlength"): "ms",  # Mooncake: milliseconds since its start
    ("timestamp", "requesttokens"): "s",  # BurstGPT: seconds since its start
    ("arrivedat", "numprefilltokens"): "s",  # Vidur
}


@dataclass(frozen=True)
class ColumnChoice:
    """What the user named; None is: find it."""

    timestamp: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    time_unit: str | None = None


@dataclass(frozen=True)
class TraceColumns:
    """The columns a trace is read by. ``time_unit`` is a key of SECONDS_PER, or None for dates."""

    input_tokens: Name
    output_tokens: Name
    timestamp: Name | None = None
    time_unit: str | None = None

    def __str__(self) -> str:
        parts = [f'input "{dotted(self.input_tokens)}"', f'output "{dotted(self.output_tokens)}"']
        if self.timestamp:
            unit = f" ({self.time_unit})" if self.time_unit else ""
            parts.append(f'timestamp "{dotted(self.timestamp)}"{unit}')
        return ", ".join(parts)


def dotted(name: Name) -> str:
    """A column's name as people write it: usage.prompt_tokens."""
    return ".".join(name)


def find_columns(file: TraceFile, choice: ColumnChoice) -> TraceColumns:
    """The columns the user named, or those known by their names.

    A file without a header has its columns in the order timestamp, input, output, or
    input, output; others are named by their number, from 1.
    Raises InvalidInput where a column is missing, ambiguous, or a time's unit is unknown.
    """
    known = _by_order(file) if not file.header else {}
    input_tokens = _find(file, "input", choice.input_tokens, _INPUT, known)
    output_tokens = _find(file, "output", choice.output_tokens, _OUTPUT, known)
    if input_tokens is None or output_tokens is None:
        raise _missing(file, "input" if input_tokens is None else "output")
    if input_tokens == output_tokens:
        raise InvalidInput(f"{file.path}: input and output tokens cannot be the same column")
    timestamp = None
    if choice.timestamp != NO_COLUMN or (NO_COLUMN,) in file.columns:
        timestamp = _find(file, "timestamp", choice.timestamp, _TIME, known)
    unit = _unit(file, timestamp, input_tokens, choice.time_unit) if timestamp else None
    return TraceColumns(input_tokens, output_tokens, timestamp, unit)


def _by_order(file: TraceFile) -> dict[str, Name]:
    if len(file.columns) not in (2, 3):
        return {}
    return dict(
        zip(("timestamp", "input", "output")[-len(file.columns) :], file.columns, strict=True)
    )


def _find(
    file: TraceFile, what: str, given: str | None, names: Iterable[str], known: dict[str, Name]
) -> Name | None:
    if given is not None:
        matches = [column for column in file.columns if dotted(column) == given.strip()]
        if not matches:
            raise _no_column(file, given)
    elif what in known:
        return known[what]
    else:
        folded = {_fold(name) for name in names}
        matches = [column for column in file.columns if _stem(column[-1], what) in folded]
    if len(matches) > 1:
        raise InvalidInput(
            f"{file.path}: more than one column may hold the {_WORDS[what]}: "
            + ", ".join(f'"{shorten(dotted(column))}"' for column in matches),
            hint=f"name one with --{what}-column",
        )
    return matches[0] if matches else None


_WORDS = {"input": "input tokens", "output": "output tokens", "timestamp": "timestamp"}


def _stem(name: str, what: str) -> str:
    """The folded last part of a name; a time's unit, as in timestamp_ms, left off."""
    # gen_ai.usage.input_tokens may also be one flat key
    words = _split(name.rsplit(".", 1)[-1])
    if what == "timestamp" and len(words) > 1 and words[-1] in _UNIT_NAMES:
        words = words[:-1]
    return "".join(words)


def _fold(name: str) -> str:
    return "".join(_split(name))


def _split(name: str) -> list[str]:
    """Lower-case words of ContextTokens, prompt_tokens, "Request tokens", timestampMs."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z0-9]+", spaced.lower())


def _unit(file: TraceFile, timestamp: Name, input_tokens: Name, given: str | None) -> str | None:
    """The unit of numeric times, or None for dates."""
    value = file.first.get(timestamp, "")
    if _DECIMAL_COMMA.fullmatch(value.strip()):
        raise InvalidInput(
            f'{file.path}: column "{dotted(timestamp)}" holds numbers with a decimal comma '
            f"({shorten(value, 30)})",
            hint="write them with a decimal point, or ignore the times: "
            f"--timestamp-column {NO_COLUMN}",
        )
    if value and not is_number(value):
        if given is not None:
            raise InvalidInput(
                f'{file.path}: column "{dotted(timestamp)}" holds dates ({shorten(value, 30)}), '
                "which have no unit",
                hint="leave out --time-unit",
            )
        return None
    if given is not None:
        return given
    words = _split(timestamp[-1])
    named = _UNIT_NAMES.get(words[-1]) if len(words) > 1 else None
    trace = _KNOWN_TRACES.get((_fold(timestamp[-1]), _fold(input_tokens[-1])))
    unit = named or _epoch_unit(value) or trace
    if unit is None:
        raise InvalidInput(
            f'{file.path}: the unit of the numbers in column "{dotted(timestamp)}" is not known',
            hint=f"give it: --time-unit {'|'.join(SECONDS_PER)}; "
            f"or ignore the times: --timestamp-column {NO_COLUMN}",
        )
    return unit


def _epoch_unit(value: str) -> str | None:
    """The unit in which a number is a time since 1970, in this century: their sizes lie apart."""
    number = float(value) if value else 0.0
    for unit, seconds in SECONDS_PER.items():
        if 946_684_800 <= number * seconds < 4_102_444_800:
            return unit
    return None


def _no_column(file: TraceFile, given: str) -> InvalidInput:
    names = [dotted(column) for column in file.columns]
    close = nearest(given, names)
    return InvalidInput(
        f'{file.path} has no column "{shorten(given)}"'
        + (f'; did you mean "{shorten(close)}"?' if close else ""),
        hint=_columns_of(file),
    )


def _missing(file: TraceFile, what: str) -> InvalidInput:
    return InvalidInput(
        f"{file.path}: no column is known to hold the {_WORDS[what]}; name it with --{what}-column",
        hint=_columns_of(file),
    )


def _columns_of(file: TraceFile) -> str:
    if not file.columns:
        return "it has no columns"
    if not file.header:
        return f"it has no header; its columns are numbered 1 to {len(file.columns)}"
    return "its columns: " + shorten(", ".join(dotted(column) for column in file.columns), 200)
