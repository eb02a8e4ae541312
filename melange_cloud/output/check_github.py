"""A check as annotations of a GitHub workflow: commands on stdout that the runner reads.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from melange_cloud.names import shorten
from melange_cloud.printable import printable
from melange_cloud.regression.check import Check
from melange_cloud.regression.words import TITLES, headline, policy_words, shown_parts

_COMMANDS = {"pass": "notice", "warn": "warning", "fail": "error", "infeasible": "error"}


def check_github(found: Check) -> str:
    """One annotation on the service file; the job summary is the markdown."""
    title, changes = policy_words(found)
    lines = [f"{title}: {'; '.join(changes)}"] if changes else []
    lines += [headline(found), *found.reasons]
    lines += [f"{part:+,.2f} $/h: {TITLES[share.cause]}" for share, part in shown_parts(found)]
    properties = {
        "file": found.service_file,
        "line": "1",
        "title": f"melange-cloud: {shorten(found.service)}",
    }
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    command = "warning" if changes and found.verdict == "pass" else _COMMANDS[found.verdict]
    return f"::{command} {named}::{_data(chr(10).join(lines))}\n"


def _data(text: str) -> str:
    """Escaped as the runner's own toolkit does, so that no line begins another command."""
    return printable(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
