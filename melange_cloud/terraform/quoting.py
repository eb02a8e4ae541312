"""One quoting function for each language: parsing the result gives back what went in.

Values reach the machines without any quoting: the modules hand them over in base64 of JSON, and
the scripts read them as data. HAProxy's quoting is in ``melange_cloud.gateway.quoting``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LINE = 90
"""A list or map no longer than this stays on one line."""


class Expression(str):
    """HCL that is used unquoted: a reference or call written by this program, never by users."""

    __slots__ = ()


def hcl(value: object, depth: int = 0) -> str:
    """``value`` as an HCL expression: text, numbers, booleans, null, lists, and maps by text.

    ``depth`` is the indentation (in steps of two blanks) of the line it starts on. Raises
    InvalidInput for what HCL cannot hold: text with a NUL or a lone surrogate, text that is not in
    Unicode's normal form C (Terraform would silently change it), and numbers that are not finite.
    """
    if isinstance(value, Expression):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise InvalidInput(f"{value} is not a number that Terraform can hold")
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _map(value, depth)
    if isinstance(value, Sequence):
        return _list(value, depth)
    raise TypeError(f"no HCL for a {type(value).__name__}")


def arguments(pairs: Mapping[str, object], depth: int = 1) -> str:
    """``name = value`` lines, aligned as `terraform fmt` does: each run of single lines alike."""
    return "\n".join(_aligned([(name, hcl(value, depth)) for name, value in pairs.items()], depth))


def code(text: str) -> str:
    """``text`` as a Markdown code span, in a table too: no character in it is markup.

    Line breaks and other control characters become blanks, ``|`` its look-alike: a code span in a
    table cannot hold them.
    """
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split()).replace(
        "|", "¦"
    )
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _text(text: str) -> str:
    if "\0" in text or not _encodable(text):
        raise InvalidInput(f"{shorten(ascii(text))} has a character that Terraform cannot hold")
    if unicodedata.normalize("NFC", text) != text:
        raise InvalidInput(
            f"{shorten(ascii(text))} is not in Unicode's normal form C; Terraform would change it",
            hint="write accented characters as one character each",
        )
    escaped = "".join(_character(character) for character in text)
    # `$${` would do as well, but not after another `$`
    return '"' + escaped.replace("${", "\\u0024{").replace("%{", "\\u0025{") + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or character in "\u2028\u2029\ufeff":
        return f"\\u{ord(character):04x}"
    return character


def _encodable(text: str) -> bool:
    return not any(0xD800 <= ord(character) < 0xE000 for character in text)


def _list(values: Sequence[object], depth: int) -> str:
    items = [hcl(value, depth + 1) for value in values]
    line = "[" + ", ".join(items) + "]"
    if "\n" not in line and len(line) <= _LINE:
        return line
    inner = "  " * (depth + 1)
    return "[\n" + "".join(f"{inner}{item},\n" for item in items) + "  " * depth + "]"


def _map(values: Mapping[str, object], depth: int) -> str:
    if not values:
        return "{}"
    pairs = [(_text(key), hcl(value, depth + 1)) for key, value in values.items()]
    return "{\n" + "\n".join(_aligned(pairs, depth + 1)) + "\n" + "  " * depth + "}"


def _aligned(pairs: Sequence[tuple[str, str]], depth: int) -> list[str]:
    """Aligned lines. A value that spans several lines ends a run: `terraform fmt` aligns only
    runs of single lines."""
    lines: list[str] = []
    run: list[tuple[str, str]] = []

    def close() -> None:
        width = max((_width(name) for name, _ in run), default=0)
        lines.extend(
            "  " * depth + name + " " * (width - _width(name)) + " = " + value
            for name, value in run
        )
        run.clear()

    for name, value in pairs:
        if "\n" in value:
            close()
            lines.append("  " * depth + f"{name} = {value}")
        else:
            run.append((name, value))
    close()
    return lines


def _width(text: str) -> int:
    """Columns as `terraform fmt` counts them: one for each character but combining marks."""
    return sum(not unicodedata.combining(character) for character in text)
