"""No text out of a document steers a terminal, or shows what is not there."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.documents import dump_json
from melange_cloud.errors import InvalidDocument
from melange_cloud.printable import hidden, is_plain, one_line, printable
from melange_cloud.service import load_service

MODEL = "meta-llama/Llama-2-7b-hf"
SERVICE: dict[str, Any] = {
    "name": "chat",
    "model": MODEL,
    "slo": {"tpot_ms": 120},
    "workload": {"rate": 1, "sizes": "arena"},
}
STEERING = [
    "chat\nTotal 0.01 $/h",
    "chat\x1b[2K\rTotal 0.01 $/h",
    "chat\x9b2K",
    "\u202e10.0 latot",
    "a\u2066b",
    "a\u2028b",
    "a\u200bb",
    "a\tb",
    "a\x7f",
]
ANY = st.text(st.characters() | st.sampled_from("\x1b\x9b\u202e\u2028\x7f\n\t\r\U000e0041"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@given(ANY)
def test_what_is_printed_holds_no_controls_and_nothing_else_is_lost(text: str) -> None:
    safe = printable(text)
    assert len(safe) == len(text)
    left = set(safe) - {"\n", "\t"}
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in left)
    assert all(a == b or b == "\ufffd" for a, b in zip(text, safe, strict=True))
    assert printable(safe) == safe
    safe.encode()
    assert len(one_line(text).splitlines()) <= 1


@given(st.dictionaries(ANY, ANY | st.lists(ANY)))
def test_json_is_exact_and_prints_unchanged(value: dict[str, Any]) -> None:
    text = dump_json(value)
    assert json.loads(text) == value
    assert printable(text) == text


@given(st.dictionaries(ANY, ANY, max_size=3), st.booleans())
def test_a_text_that_is_plain_hides_nothing(value: dict[str, str], ascii_: bool) -> None:
    """The quick look at a JSON text never says that there is nothing to find when there is."""
    if is_plain(json.dumps(value, ensure_ascii=ascii_)):
        assert not list(hidden(value))


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize("field", ["name", "model", "tag", "key", "region", "gpu", "sizes"])
def test_a_service_with_such_a_text_is_refused_by_field_and_line(text: str, field: str) -> None:
    if field == "gpu" and len(text.split()) > 1:
        pytest.skip("blanks of a GPU's name become hyphens")
    service = SERVICE | ({field: text} if field in SERVICE else {})
    service |= {
        "tag": {"tags": {"team": text}},
        "key": {"tags": {text: "a"}},
        "region": {"offers": {"regions": [text]}},
        "gpu": {"limits": {"gpus": {text: 1}}},
        "sizes": {"workload": {"rate": 1, "sizes": text}},
    }.get(field, {})
    Path("service.yaml").write_text("\n" + json.dumps(service))
    with pytest.raises(InvalidDocument, match="which no text of a document may") as refused:
        load_service("service.yaml")
    assert "line 2, " in str(refused.value)


def test_joined_scripts_and_emoji_are_names_as_any() -> None:
    for name in ("نمی‌خواهم", "👩‍💻 chat", "čaj 日本"):
        Path("service.yaml").write_text(json.dumps(SERVICE | {"name": name}, ensure_ascii=False))
        assert load_service("service.yaml").name == name


@pytest.mark.parametrize("text", STEERING)
def test_no_command_prints_it(melange: Any, text: str) -> None:
    """Refused in a document, made visible in the name of a file."""
    Path("service.yaml").write_text(json.dumps(SERVICE | {"name": text}))
    name = text.replace("/", "-") + ".yaml"
    Path(name).write_text("{")
    for words in (["plan", "service.yaml"], ["plan", name], ["render", name]):
        ended = melange(*words)
        assert ended.code == 2
        assert printable(ended.out + ended.err) == ended.out + ended.err
        assert "\x1b" not in ended.err


def test_the_region_of_a_price_list_is_plain(melange: Any) -> None:
    lines = "provider,region,instance_type,gpu,gpu_count,usd_per_hour\naws,us\u202e-1,a,L4,1,1\n"
    Path("prices.csv").write_text(lines)
    ended = melange("prices", "list", "--prices", "prices.csv")
    assert ended.code == 2
    assert "line 2, region: must be a name without spaces" in ended.err
