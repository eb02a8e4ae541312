"""What is quoted and parsed by terraform itself is what went in."""

from __future__ import annotations

import json
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tools import require_program

from melange_cloud.errors import InvalidInput
from melange_cloud.terraform.quoting import arguments, code, hcl

NASTY = [
    "${", "%{", "$${", "%%{", "$", "%", "{", "}", '"', "\\", "\n", "\r", "\t", "<<EOF\n", "\nEOF\n",
    "<<-E", "${file(\"/etc/passwd\")}", "%{ if true }x%{ endif }", "~}", "$$$${", "`id`", "$(id)",
    "'", ";", "&&", "#", "//", "/*", "*/", "\u2028", "\ufeff", "é", "日本", "😀",
    "\x7f", "\x01", "\\u0041", "\\n",
]  # fmt: skip
texts = st.lists(
    st.one_of(
        st.sampled_from(NASTY),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
    ),
    max_size=8,
).map(lambda parts: unicodedata.normalize("NFC", "".join(parts)))
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-(2**31), 2**31)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def parsed(folder: Path, found: list[object]) -> object:
    """The values as terraform reads them: it evaluates an output for each."""
    lines = [
        f'output "v{index}" {{\n  value = {hcl(value, 1)}\n}}\n'
        for index, value in enumerate(found)
    ]
    (folder / "main.tf").write_text("\n".join(lines), encoding="utf-8", newline="")
    for words in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"]):
        ended = subprocess.run(
            ["terraform", *words, "-no-color"], cwd=folder, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stderr
    shown = subprocess.run(
        ["terraform", "output", "-json"], cwd=folder, capture_output=True, text=True, check=True
    )
    outputs = json.loads(shown.stdout)
    return [outputs[f"v{index}"]["value"] for index in range(len(found))]


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(values, min_size=60, max_size=120))
def test_terraform_reads_what_was_quoted(tmp_path_factory, found: list[object]) -> None:
    require_program("terraform")
    folder = tmp_path_factory.mktemp("quoting")
    assert parsed(folder, [*NASTY_NFC, *found]) == [*NASTY_NFC, *found]


NASTY_NFC = [unicodedata.normalize("NFC", text) for text in NASTY]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "e\u0301"])
def test_what_terraform_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        hcl(text)
    with pytest.raises(InvalidInput):
        hcl({text: 1})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(number: float) -> None:
    with pytest.raises(InvalidInput):
        hcl(number)


def test_no_template_ever_opens() -> None:
    for text in NASTY:
        assert "${" not in hcl(text)
        assert "%{" not in hcl(text)
        assert "\n" not in hcl(text)


def test_arguments_are_aligned_as_fmt_does(tmp_path: Path) -> None:
    require_program("terraform")
    lines = arguments(
        {
            "a": 1,
            "longer": ["x" * 40, "y" * 40],
            "b": {"k": "v", "longer key": True},
            "cc": None,
            "d": "e",
        }
    )
    path = tmp_path / "main.tf"
    path.write_text(f"locals {{\n{lines}\n}}\n")
    ended = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", str(path)], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout


@given(st.text())
def test_code_spans_hold_no_markup(text: str) -> None:
    import re

    span = code(text)
    fence = re.match(r"`+", span)
    assert fence
    assert span.endswith(fence.group())
    inner = span[len(fence.group()) : -len(fence.group())]
    assert fence.group() not in re.findall(r"`+", inner)
    assert not set(inner) & set("|\n\r")
