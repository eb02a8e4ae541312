from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from melange_cloud.errors import InvalidDocument, InvalidInput
from melange_cloud.workload.store import bundled_names, load_workload

NAMES = ("arena", "azure-code", "azure-conversation", "long-document", "mixed-80-20")


def test_names_are_sorted_and_complete() -> None:
    assert bundled_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_bundled_workload_carries_its_name_and_a_whole_distribution(name: str) -> None:
    workload = load_workload(name, Path("/nonexistent"))
    assert workload.name == name
    assert sum(map(sum, workload.shares)) == pytest.approx(1, abs=1e-12)
    assert workload.provenance


def test_a_path_is_relative_to_the_base(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    text = load_workload("arena", tmp_path).model_copy(update={"name": "mine"}).to_json()
    (tmp_path / "sub" / "w.json").write_text(text)
    assert load_workload("sub/w.json", tmp_path).name == "mine"
    assert load_workload("w.json", tmp_path / "sub").name == "mine"
    assert load_workload(str(tmp_path / "sub" / "w.json"), Path("/")).name == "mine"


def test_a_bundled_name_comes_before_a_file_of_that_name(tmp_path: Path) -> None:
    text = load_workload("arena", tmp_path).model_copy(update={"name": "mine"}).to_json()
    (tmp_path / "arena").write_text(text)
    assert load_workload("arena", tmp_path).name == "arena"
    assert load_workload("./arena", tmp_path).name == "mine"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("arean", 'did you mean "arena"?'),
        ("azure-conversations", 'did you mean "azure-conversation"?'),
        ("zzz", "known: arena, azure-code"),
        ("x/arena.json", "no such workload file"),
        ("arena.json", "no such workload file"),
        ("a" * 5000, "unknown workload"),
        ("", "is a directory"),
        (".", "is a directory"),
        ("nul\0byte", "workload"),
    ],
)
def test_unknown_names_say_what_is_known(given: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_workload(given, tmp_path)
    assert said in str(caught.value)


def test_an_invalid_document_names_file_and_field(tmp_path: Path) -> None:
    text = load_workload("arena", tmp_path).to_json().replace("0.10457725630244821", "0.5")
    (tmp_path / "w.json").write_text(text)
    with pytest.raises(InvalidDocument, match=r"w\.json.*\n.*shares must sum to 1"):
        load_workload("w.json", tmp_path)


def test_loading_does_not_import_the_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from melange_cloud.workload.store import load_workload; load_workload('arena', Path()); "
        "print([m for m in ('duckdb', 'rich', 'yaml', 'pulp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
