"""A check as JUnit XML: a test case a limit. Its shape is Jenkins' junit-10.xsd, which GitLab,
Azure and others read as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from melange_cloud.names import shorten
from melange_cloud.printable import printable
from melange_cloud.regression.check import Check
from melange_cloud.regression.policy import Limit
from melange_cloud.regression.words import TITLES, headline, policy_words, shown_parts

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def check_junit(found: Check) -> str:
    """One suite for the service. A warning passes, and says so in its output."""
    failures = sum(limit.exceeded and limit.verdict == "fail" for limit in found.limits)
    errors = int(found.current is None)
    cases = [_case(found, limit) for limit in found.limits] or [_feasible(found)]
    cases = [*_policy(found), *cases]
    numbers = {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors)}
    suites = ET.Element("testsuites", {"name": "melange-cloud check", **numbers})
    name = _text(shorten(found.service))
    suite = ET.SubElement(suites, "testsuite", {"name": name, **numbers, "skipped": "0"})
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = _text(_summary(found))
    ET.indent(suites)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
    )


def _policy(found: Check) -> Iterator[ET.Element]:
    """That the policy changes, before all limits. It is for people to judge, so it passes."""
    title, changes = policy_words(found)
    if changes:
        case = _named(found, "the policy changes")
        ET.SubElement(case, "system-out").text = _text("\n".join([f"warning: {title}", *changes]))
        yield case


def _case(found: Check, limit: Limit) -> ET.Element:
    case = _named(found, f"{limit.limit} {limit.allowed}")
    if limit.exceeded and limit.verdict == "fail":
        failure = ET.SubElement(
            case, "failure", {"type": limit.limit, "message": _text(limit.words)}
        )
        failure.text = _text(_summary(found))
    else:
        warning = "warning: " if limit.exceeded else ""
        ET.SubElement(case, "system-out").text = _text(warning + limit.words)
    return case


def _feasible(found: Check) -> ET.Element:
    """The one case where there is no limit to judge by."""
    case = _named(found, "a fleet can serve it")
    if found.current is None:
        error = ET.SubElement(case, "error", {"type": "infeasible", "message": "no fleet can"})
        error.text = _text("\n".join(found.reasons))
    return case


def _named(found: Check, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": _text(shorten(found.service)), "name": _text(name)})


def _summary(found: Check) -> str:
    parts = [f"{part:+,.2f} $/h {TITLES[share.cause]}" for share, part in shown_parts(found)]
    return "\n".join([headline(found), *parts])


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", printable(text))
