"""Text in the encoding of standard output: for people as near as it gets, for programs exact."""

from __future__ import annotations

import codecs
import json
import re

LOOKALIKES = {
    "─": "-", "→": "->", "≤": "<=", "·": ".", "█": "#", "…": "...", "±": "+/-", "¦": "|",
}  # fmt: skip
"""What we draw with -> what stands for it where standard output has another encoding."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
"""In JSON, only strings hold such characters."""


def for_people(text: str, encoding: str) -> str:
    """The text, with one that looks like it for each character that the encoding lacks, or else
    its escape."""
    if _fits(text, encoding):
        return text
    drawn = "".join(
        character if _fits(character, encoding) else LOOKALIKES.get(character, character)
        for character in text
    )
    return drawn.encode(encoding, "backslashreplace").decode(encoding)


def for_programs(text: str, encoding: str) -> str | bytes:
    """A document that stays what it is: where the encoding is not UTF-8, JSON and XML become ASCII
    by their own escapes, and all other formats are UTF-8 nevertheless."""
    if text.isascii() or codecs.lookup(encoding).name == "utf-8":
        return text
    if _is_json(text):
        return _NOT_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text)
    if text.startswith("<?xml"):
        return text.encode("ascii", "xmlcharrefreplace").decode()
    return text.encode()


def _fits(text: str, encoding: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
