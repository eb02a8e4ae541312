"""Options that take several values take them repeated, with commas, or both."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.cli.lists import folders, items, numbers
from melange_cloud.errors import InvalidInput

ROOT = Path(__file__).parents[2]
CHAT = str(ROOT / "examples" / "chat.yaml")
LLAMA = "meta-llama/Llama-2-7b-hf"
WORDS = st.lists(st.text("abc-1", min_size=1), min_size=1, max_size=6)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@given(WORDS, st.data())
def test_however_they_are_grouped_the_items_are_the_same(words: list[str], data) -> None:
    groups: list[list[str]] = [[]]
    for word in words:
        groups[-1].append(data.draw(st.sampled_from(["", " "])) + word)
        if data.draw(st.booleans()):
            groups.append([])
    assert items("--x", [",".join(group) for group in groups if group]) == words


@pytest.mark.parametrize("text", ["", " ", ",", "L4,", ",L4", "L4,,H100", "L4, ,H100"])
def test_an_empty_item_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"--gpu: .*empty"):
        items("--gpu", ["A10G", text])


def test_numbers_are_above_0() -> None:
    assert numbers("--rates", ["1", "2.5"]) == [1.0, 2.5]
    assert numbers("--rates", None) == []
    for word in ("0", "-1", "nan", "inf", "x", "1 2"):
        with pytest.raises(InvalidInput, match=f'--rates: "{word}" is not a number above 0'):
            numbers("--rates", [word])


def test_a_folder_with_commas_in_its_name_is_meant_itself() -> None:
    Path("a,b").mkdir()
    assert folders("--profiles", [Path("a,b")]) == [Path("a,b")]
    assert folders("--profiles", [Path("a,c"), Path("d")]) == [Path("a"), Path("c"), Path("d")]


SAME = [
    (["plan", CHAT], ["--gpu", "A10G,H100"], ["--gpu", "A10G", "--gpu", "H100"]),
    (["plan", CHAT], ["--region", "us-east-1,us-west-2"],
     ["--region", "us-east-1", "--region", "us-west-2"]),
    (["plan", CHAT], ["--provider", "aws,gcp"], ["--provider", "aws", "--provider", "gcp"]),
    (["plan", CHAT], ["--purchase", "on-demand,spot"],
     ["--purchase", "on-demand", "--purchase", "spot"]),
    (["sweep", CHAT], ["--rates", "1,2,4"], ["--rates", "1,2", "--rates", "4"]),
    (["sweep", CHAT], ["--tpot-ms", "40,120"], ["--tpot-ms", "40", "--tpot-ms", "120"]),
    (["check", CHAT, "--rate", "9"], ["--max-increase", "900%,800"],
     ["--max-increase", "900%", "--max-increase", "800"]),
    (["check", CHAT], ["--warn-increase", "1%,2"],
     ["--warn-increase", "1%", "--warn-increase", "2"]),
    (["prices", "list"], ["--gpu", "L4,H100"], ["--gpu", "L4", "--gpu", "H100"]),
    (["profile", "show", LLAMA, "L4"], ["--size", "25x25,100x25"],
     ["--size", "25x25", "--size", "100x25"]),
    (["profile", "compare", "--model", LLAMA, "L4", "A10G"],
     ["--usd-per-hour", "L4=1,A10G=2", "--tpot-ms", "100,200"],
     ["--usd-per-hour", "L4=1", "--usd-per-hour", "A10G=2", "--tpot-ms", "100",
      "--tpot-ms", "200"]),
    (["profile", "estimate", "--model", LLAMA, "--gpu", "L4"], ["--size", "25x25,100x25"],
     ["--size", "25x25", "--size", "100x25"]),
    (["workload", "from-trace", "trace.csv"], ["--input-edges", "100,1000"],
     ["--input-edges", "100", "--input-edges", "1000"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "commas", "repeated"), SAME)
def test_commas_and_repetition_are_the_same(
    melange, words: list[str], commas: list[str], repeated: list[str]
) -> None:
    Path("trace.csv").write_text("ContextTokens,GeneratedTokens\n90,20\n")
    if words[0] == "check":
        melange("plan", CHAT)
    first, second = melange(*words, *commas), melange(*words, *repeated)
    assert first.code == 0, first.err
    assert first.out == second.out
    empty = melange(*words, commas[0], commas[1] + ",")
    assert (empty.code, empty.out) == (2, "")
    assert f"{commas[0]}: an item of " in empty.err


def test_profiles_from_several_folders(melange) -> None:
    for gpu, place in (("L40S", "one"), ("B200", "two")):
        words = ("profile", "estimate", "--model", LLAMA, "--gpu", gpu, "--size", "1000x250")
        assert melange(*words, "-o", place).code == 0
    ended = melange("profile", "list", "--model", LLAMA, "--profiles", "one,two")
    assert "L40S" in ended.out.split("Without a profile")[0]
    assert "B200" in ended.out.split("Without a profile")[0]


def test_one_rate_or_several(melange) -> None:
    ended = melange("sweep", CHAT, "--rate", "1", "--rates", "2")
    assert (ended.code, ended.out) == (2, "")
    assert "--rate and --rates do not go together" in ended.err
    found = json.loads(melange("sweep", CHAT, "--rate", "1", "-o", "-").out)
    assert [point["rate"] for point in found["points"]] == [1]


def test_the_help_says_how_every_one_is_given() -> None:
    """Every option that takes several says so, in the same words; two take words as they are."""
    for path in (ROOT / "tests" / "golden" / "help").glob("*.txt"):
        text = " ".join(path.read_text().split())
        said = len(re.findall(r"Repeatable", text))
        as_they_are = text.count("--serve-arg") + (path.name == "check.txt")  # and --out
        assert said - as_they_are == text.count("Repeatable, or with commas."), path.name
        assert "<list[" not in text.split("Options:")[1]
