"""Which characters text may hold, so that it neither steers a terminal nor shows what is not there.

An escape sequence can clear a line and write another, a line break in a name can fake a line of a
result, and a character that turns the direction of text can show 0.01 where 10.0 stands. Documents
with such characters are refused when they are read (`hidden`), and what is left, such as names of
files, is made visible where text leaves (`printable`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_STEERING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0, DEL, and C1 with its escapes of one byte
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"  # tags
)
CONTROLS = f"\t\n{_STEERING}"
"""The inside of a class of regular expressions: controls, directions, breaks, what has no width.
The joiners U+200C and U+200D are not among them, which scripts and emoji are written with."""

_HIDDEN = re.compile(f"[{CONTROLS}\ud800-\udfff]")
_UNPRINTABLE = re.compile(f"[{_STEERING}\ud800-\udfff]")

Path = tuple[str | int, ...]


def printable(text: str) -> str:
    """The text with a replacement character for each that must not be printed.

    Line breaks and tabs stay. Surrogates are among what is replaced, so any UTF encodes it.
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The same on one line: any blank becomes a space."""
    return printable("".join(" " if character.isspace() else character for character in text))


def escaped(json_text: str) -> str:
    """JSON with such characters as escapes: the same values, and nothing that a terminal obeys."""
    return _UNPRINTABLE.sub(_escape, json_text)


def is_plain(text: str) -> bool:
    """Whether no string of a JSON text can hold such a character: true for nearly all, at once."""
    return "\\" not in text and "\x7f" not in text and (text.isascii() or not _found(text))


def hidden(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where texts of a document or of plain data hold what they must not, keys included, and what
    that is in words."""
    if isinstance(value, str):
        found = _HIDDEN.search(value)
        if found:
            yield path, f"holds {_words(found[0])}, which no text of a document may"
    elif fields := getattr(type(value), "model_fields", None):
        for name, field in fields.items():
            yield from hidden(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from hidden(key, path)
            yield from hidden(inner, (*path, printable(str(key))))
    elif isinstance(value, Sequence):
        for at, inner in enumerate(value):
            if not isinstance(inner, (int, float)):
                yield from hidden(inner, (*path, at))


def _found(text: str) -> bool:
    return _UNPRINTABLE.search(text) is not None


def _words(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if character in "\n\r\x0b\x0c\x85\u2028\u2029":
        return f"a line break ({code})"
    if character == "\t":
        return f"a tab ({code})"
    name = unicodedata.name(character, "")
    return f"the control character {code}" if not name else f"{code} ({name.lower()})"


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
