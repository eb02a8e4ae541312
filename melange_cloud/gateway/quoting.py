"""HAProxy's quoting, in one function."""

from __future__ import annotations

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten


def quote(text: str) -> str:
    r"""``text`` as one argument of a line of HAProxy's configuration, whatever it holds.

    Between single quotes HAProxy takes everything literally (no variables, escapes or comments),
    but a line ends at a newline even there, and a quote cannot be written. So control characters
    and quotes are written outside the quotes as ``\xNN`` (HAProxy 2.6 manual, section 2.2).
    For plain arguments only: a log-format string or a sample expression is parsed a second time,
    by other rules.

    Raises InvalidInput for what no argument can hold: NUL, and text that is not valid Unicode.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{shorten(ascii(text))} is not valid Unicode text") from None
    if "\0" in text:
        raise InvalidInput(f"{shorten(repr(text))} holds a NUL, which HAProxy cannot read")
    return "'" + "".join(map(_written, text)) + "'"


def _written(character: str) -> str:
    if character == "'" or character < " " or character == "\x7f":
        return f"'\\x{ord(character):02x}'"
    return character
