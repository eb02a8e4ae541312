"""HAProxy's quoting: what HAProxy reads is what went in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.gateway.quoting import quote

NASTY = [
    "", " ", "a b", "'", "''", '"', "\\", "\\'", "end\\", "\\n", "\\x41", "a\nb", "\r\n", "\t",
    "\x1b[0m",
    "#", "# no comment", "$HOME", "${HOME}", "${HOME[*]}", "%[env(HOME)]", "%%", "`id`", "$(id)",
    "a'\nglobal\n  maxconn 1\n'", "a;b", "(", ")", ",", "{", "}", "if TRUE",
    "\x7f", "é", "\u2028", "\ufeff", "😀",
]  # fmt: skip
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)


def read_by_haproxy(texts: list[str], folder: Path) -> list[str]:
    """Each text written as the argument of a directive, as HAProxy prints it back."""
    configuration = folder / "haproxy.cfg"
    lines = [f".notice {quote(f'<{text}>')}\n" for text in texts]
    text = "".join([*lines, "defaults\n timeout client 1s\nlisten x\n bind 127.0.0.1:1\n"])
    configuration.write_text(text, encoding="utf-8", newline="")
    ended = subprocess.run(
        ["haproxy", "-c", "-f", configuration], capture_output=True, timeout=30, check=True
    )
    printed = ended.stderr.decode()
    found = printed.split(f"parsing [{configuration}:")[1:]
    return [text.partition("]: '<")[2].rpartition(">'.\n")[0] for text in found]


@pytest.mark.gateway
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXT | st.sampled_from(NASTY), min_size=1, max_size=40))
def test_haproxy_reads_what_was_written(
    texts: list[str],
    tmp_path: Path,
    haproxy: str,  # noqa: ARG001
) -> None:
    assert read_by_haproxy(texts, tmp_path) == texts


@pytest.mark.gateway
def test_haproxy_reads_nasty_texts(tmp_path: Path, haproxy: str) -> None:  # noqa: ARG001
    assert read_by_haproxy(NASTY, tmp_path) == NASTY


@given(TEXT)
def test_a_quoted_text_stays_on_one_line(text: str) -> None:
    assert len(quote(text).splitlines()) <= 1 + sum(c in "\x85\u2028\u2029" for c in text)
    assert "\n" not in quote(text)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_argument_can_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        quote(text)
