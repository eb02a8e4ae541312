"""What a check looks like in every format; the files are renewed with pytest --update-golden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from checked_services import inputs, plan
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from melange_cloud.output.check_github import check_github
from melange_cloud.output.check_gitlab import check_gitlab
from melange_cloud.output.check_json import check_json
from melange_cloud.output.check_junit import check_junit
from melange_cloud.output.check_markdown import LIMIT, check_markdown, marker
from melange_cloud.output.check_table import check_table
from melange_cloud.output.markdown import code, prose
from melange_cloud.planning.planner import make_plan
from melange_cloud.printable import one_line
from melange_cloud.regression.check import Check, Files, check, infeasible
from melange_cloud.regression.committed import committed_of
from melange_cloud.regression.policy import policy_of
from melange_cloud.regression.words import shown_parts
from melange_cloud.service import ServicePolicy

Golden = Callable[[str, str], None]
FILES = Files("services/small.yaml", "services/plan.json")
WRITERS: dict[str, Callable[[Check], str]] = {
    "table.txt": check_table,
    "json.json": check_json,
    "markdown.md": check_markdown,
    "junit.xml": check_junit,
    "github.txt": check_github,
    "gitlab.json": check_gitlab,
}


def checked(old: dict[str, Any] | None, new: dict[str, Any], **kept: Any) -> Check:
    now = inputs(**new)
    baseline = None if old is None else plan(**old)
    made = make_plan(now, keep=baseline if kept else None, **kept).plan
    return check(now, baseline, made, policy_of(now.service.policy), FILES)


def dearer() -> Check:
    policy = {"max_increase": "5%", "warn_increase": 0.01, "budget": 5000.0}
    return checked(
        {},
        {
            "rate": 27.0,
            "tpot_ms": 60.0,
            "slower": 1.2,
            "dearer": 1.1,
            "limits": {"gpus": {"H100": 1}},
            "policy": policy,
        },
    )


def loosened() -> Check:
    """A change that would raise its own limit, judged by the policy that it found."""
    now = inputs(rate=27.0, policy={"max_increase": "5000%"})
    earlier = ServicePolicy(max_increase="5%")
    files = Files(FILES.service, FILES.baseline, "base/small.yaml")
    made = make_plan(now).plan
    return check(now, plan(), made, policy_of(earlier), files, earlier=earlier)


def applied(new: dict[str, Any], committed: dict[str, Any], policy: dict[str, Any]) -> Check:
    """The service as it is ``new``, with the plan of another that is committed."""
    now, earlier = inputs(**new), ServicePolicy(**policy)
    made = make_plan(now).plan
    files = Files(FILES.service, FILES.baseline, "base/small.yaml", "services/plan.json")
    found = committed_of(plan(**committed), made, lambda _: made)
    judged = policy_of(earlier)
    return check(now, plan(), made, judged, files, earlier=earlier, committed=found)


CASES: dict[str, Callable[[], Check]] = {
    "fail": dearer,
    "warn": lambda: checked({}, {"rate": 21.0, "policy": {"warn_increase": "1%"}}),
    "pass": lambda: checked({}, {}),
    "unserved": lambda: checked(
        {"gpus": ["L4"]}, {"tpot_ms": 20.0, "gpus": ["H100"], "policy": {"max_increase": "900%"}}
    ),
    "kept": lambda: checked({"rate": 20.5}, {"dearer": 1.015}, tolerance=0.5),
    "first": lambda: checked(None, {}),
    "infeasible": lambda: infeasible(
        inputs(), plan(), ["requests of every size: misses the SLO (L4)"], FILES
    ),
    "policy": loosened,
    "stale": lambda: applied({"rate": 27.0}, {}, {"max_increase": "90%"}),
    "dearer": lambda: applied({}, {"rate": 27.0}, {"max_increase": "5%", "stale_plan": "fail"}),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("case", CASES)
def test_golden(golden: Golden, case: str, writer: str) -> None:
    golden(f"check/{case}-{writer}", WRITERS[writer](CASES[case]()))


def test_the_parts_shown_sum_to_the_change_shown() -> None:
    found = dearer()
    assert found.change is not None
    parts = [part for _, part in shown_parts(found)]
    assert len(parts) == 5
    assert round(sum(parts), 2) == round(found.change.usd_per_hour, 2)


def test_the_document_reads_back() -> None:
    found = dearer()
    assert Check.model_validate(json.loads(check_json(found))) == found


# JUnit: https://github.com/jenkinsci/xunit-plugin, junit-10.xsd, what of it is used here

JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped"},
        {"name", "tests", "failures", "errors"},
        {"testcase", "system-out"},
    ),
    "testcase": ({"name", "classname"}, {"name"}, {"failure", "error", "system-out"}),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_junit_is_of_its_schema_and_counts_right(case: str) -> None:
    root = ET.fromstring(check_junit(CASES[case]()))
    assert root.tag == "testsuites"
    for element in root.iter():
        allowed, required, children = JUNIT[element.tag]
        assert required <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= children
        if children:
            assert not (element.text or "").strip()
    for element in [root, *root.iter("testsuite")]:
        assert int(element.attrib["tests"]) == len(list(root.iter("testcase"))) > 0
        assert int(element.attrib["failures"]) == len(list(root.iter("failure")))
        assert int(element.attrib["errors"]) == len(list(root.iter("error")))


@pytest.mark.parametrize("case", CASES)
def test_gitlab_findings_have_the_fields_that_gitlab_reads(case: str) -> None:
    findings = json.loads(check_gitlab(CASES[case]()))
    for finding in findings:
        assert set(finding) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert finding["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert re.fullmatch("[0-9a-f]{64}", finding["fingerprint"])
        assert finding["location"] == {"path": "services/small.yaml", "lines": {"begin": 1}}
    assert len({finding["fingerprint"] for finding in findings}) == len(findings)
    assert bool(findings) == (case not in ("pass", "first"))


# Hostile names. GitHub and GitLab render with HTML on, and look for mentions outside <code>.

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = [
    "a|b||c",
    "`code` ``` fence",
    "@octocat and @org/team",
    "</code></details><img src=x onerror=alert(1)>",
    "<script>alert(1)</script><!--",
    "--> <b>out of the comment",
    "#123 GH-7 owner/repo#5 !8 ~bug %3 $4 &5",
    "[link](https://evil.example) ![i](x) www.evil.example http://evil.example mailto:a@b.c",
    "line\nbreak\r\n\n# heading\n- list\n::error::x",
    "**bold** _it_ ~~gone~~ \\ \\| &amp; &#64;user",
    "\u202egnp.exe \u200b\u2066 \x00\x07 \ufeff",
    "1. one",
    "- item",
    "+ item",
    "=====",
    "x" * 10_000,
    "|" * 10_000,
    "\U0001f4a5" * 10_000,
]


class Rendered(HTMLParser):
    """Tags, text outside <code>, and text inside it."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.codes: list[str] = []
        self.comments: list[str] = []
        self._inside = 0
        self.feed(MARKDOWN.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not attrs or all(name == "style" for name, _ in attrs), (tag, attrs)
        if tag == "code":
            self._inside += 1
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.codes[-1] += data
        else:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


MENTION = re.compile(r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|[!$%~&^]\w|https?://|www\.\w|mailto:\w")
TAGS = {"p", "strong", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "br"}


def hostile_check(name: str) -> Check:
    """Every text of a check is the name."""
    found = dearer()
    pools = [
        pool.model_copy(update={"id": name, "change": "added"})
        for pool in found.pools
        for _ in "ab"
    ]
    causes = [cause.model_copy(update={"details": [name] * 9}) for cause in found.causes]
    return found.model_copy(
        update={
            "service": name,
            "service_file": name,
            "reasons": [name] * 3,
            "causes": causes,
            "pools": pools,
            "notes": [name] * 4,
            "policy_changes": [
                change.model_copy(update={"before": name, "after": name})
                for change in found.policy_changes
            ],
            "limits": [x.model_copy(update={"words": name, "allowed": name}) for x in found.limits],
        }
    )


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_break_no_markdown_and_mention_nobody(name: str) -> None:
    found = hostile_check(name)
    text = check_markdown(found)
    assert len(text) < LIMIT
    page = Rendered(text)
    assert set(page.tags) <= TAGS | {"details", "summary"}
    assert page.tags.count("table") == 2
    assert page.tags.count("tr") == 2 + len(shown_parts(found)) + len(found.pools)
    assert page.tags.count("th") == 3 + 5
    assert page.tags.count("td") == 3 * len(shown_parts(found)) + 5 * len(found.pools)
    shown = (found.policy_changes, found.reasons, found.notes)
    assert found.policy_changes
    assert page.tags.count("li") == sum(map(len, shown))
    assert page.comments == [marker(name, name)[4:-3]]
    assert not MENTION.search(" ".join(page.text)), MENTION.search(" ".join(page.text))
    assert text.count("</details>") == 2


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from("|`<>&@#*_[]()!~-+=:/.\\\n 1wGH"), max_size=80))
def test_any_name_is_shown_as_it_is(name: str) -> None:
    page = Rendered(f"| a | b |\n| --- | --- |\n| {code(name, 80)} | {prose(name, 80)} |\n")
    assert page.tags.count("td") == 2
    assert set(page.tags) <= TAGS
    assert len(page.codes) == 1
    shown = page.codes[0]
    assert shown.split() == one_line(name).split()
    assert not MENTION.search("".join(page.text))


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters() | st.sampled_from("-+=:#>1.)*_` \n|&<@"), max_size=60))
def test_a_sentence_stays_one_item_of_a_list(text: str) -> None:
    page = Rendered(f"- {prose(text)} end\n- next\n")
    assert page.tags.count("li") == 2
    assert set(page.tags) <= {"ul", "li"}


def test_the_marker_is_of_the_file_and_the_name() -> None:
    """Two services of one name each have their comment, and ./ makes no other."""
    one = marker("service.yaml", "chat")
    assert one == marker("./service.yaml", "chat")
    assert len({one, marker("b/service.yaml", "chat"), marker("service.yaml", "search")}) == 3


@pytest.mark.parametrize("writer", WRITERS)
def test_a_change_of_the_policy_comes_first_in_every_format(writer: str) -> None:
    text = WRITERS[writer](loosened())
    before = text[: text.index("5000%")]
    for later in ("6.84", "9.05", "+2.21", "<details>", ": fail", "❌", "<failure", '"verdict"'):
        assert later not in before


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_break_no_other_format(name: str) -> None:
    found = hostile_check(name)
    annotation = check_github(found)
    assert annotation.count("\n") == 1
    assert "\r" not in annotation
    assert annotation.startswith("::error file=")
    properties = annotation.removeprefix("::error ").split("::")[0]
    assert [part.split("=")[0] for part in properties.split(",")] == ["file", "line", "title"]
    suite = ET.fromstring(check_junit(found)).find("testsuite")
    assert suite is not None
    assert len(suite.attrib["name"]) <= 60
    assert json.loads(check_gitlab(found))
    assert check_table(found)


def test_a_thousand_pools_fit_into_a_comment() -> None:
    found = dearer()
    pools = [found.pools[0].model_copy(update={"id": f"pool-{n}-{'|' * 90}"}) for n in range(1000)]
    text = check_markdown(found.model_copy(update={"pools": pools, "notes": ["&" * 300] * 500}))
    assert len(text) < LIMIT
    assert re.search(r"\| and 9\d\d more \|", text)
    assert re.search(r"- and 4\d\d more", text)
    assert Rendered(text).tags.count("table") == 2
