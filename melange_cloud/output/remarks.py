"""Remarks and errors, for the person at the terminal: on stderr, wrapped to its width."""

from __future__ import annotations

import sys

from melange_cloud.output.stdout import write_to_stderr
from melange_cloud.output.text import sentence


def write_remark(text: str) -> None:
    """A remark of one or several lines, to stderr; each line fits where it is read."""
    lines = [sentence(line, stream=sys.stderr) for line in text.split("\n")]
    write_to_stderr("\n".join(lines) + "\n")
