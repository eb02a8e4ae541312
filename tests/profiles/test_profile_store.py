"""Profiles are found by model, the user's before the bundled ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import RISING, profile

from melange_cloud.bundled import bundled_folder
from melange_cloud.errors import InvalidDocument, InvalidInput
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.store import (
    known_models,
    load_one,
    load_profiles,
    place_of,
    profile_path,
    save_profile,
)

SAMPLES = Path(__file__).parent / "samples"
SIZE = (100, 50)
SEVEN_B = "meta-llama/Llama-2-7b-hf"


def put(folder: Path, model: str, gpu: str, degree: int = 1, **changes: object) -> Profile:
    made = profile({SIZE: RISING}, model=model, gpu=gpu, tensor_parallel=degree, **changes)
    folder.mkdir(exist_ok=True)
    save_profile(folder, made)
    return made


def test_one_profile_a_configuration_in_order(tmp_path: Path) -> None:
    for gpu, degree in (("L4", 2), ("L4", 1), ("A10G", 1)):
        put(tmp_path, "some/model", gpu, degree)
    found = load_profiles("some/model", [tmp_path])
    assert [one.name for one in found] == ["A10G", "L4", "L4-tp2"]
    assert (tmp_path / "some" / "model" / "L4-tp2.json").is_file()


def test_a_users_profile_comes_before_the_bundled_one(tmp_path: Path) -> None:
    put(tmp_path, SEVEN_B, "L4")
    found = {one.name: one.source for one in load_profiles(SEVEN_B, [tmp_path])}
    assert found["L4"] == "measured"
    assert found["H100"] == "estimated"


def test_the_first_folder_wins(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    put(a, "some/model", "L4", provenance="a")
    put(b, "some/model", "L4", provenance="b")
    put(b, "some/model", "A10G", provenance="b")
    found = {one.name: one.provenance for one in load_profiles("some/model", [a, b])}
    assert found == {"L4": "a", "A10G": "b"}


def test_a_model_without_an_organisation(tmp_path: Path) -> None:
    put(tmp_path, "gpt2", "L4")
    assert [one.model for one in load_profiles("gpt2", [tmp_path])] == ["gpt2"]
    assert "gpt2" in known_models([tmp_path])


@pytest.mark.parametrize(
    "name",
    ["meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B", "Meta-Llama/llama-3.1-8b"],
)
def test_fine_tunes_share_the_profiles_of_their_base(name: str) -> None:
    assert {one.model for one in load_profiles(name)} == {"meta-llama/Llama-3.1-8B"}


def test_the_fine_tune_asked_for_comes_before_its_base(tmp_path: Path) -> None:
    instruct = "meta-llama/Llama-3.1-8B-Instruct"
    put(tmp_path, "meta-llama/Llama-3.1-8B", "L4", provenance="base")
    put(tmp_path, instruct, "L4", provenance="instruct")
    assert load_one(instruct, "L4", 1, [tmp_path]).provenance == "instruct"
    assert load_one("meta-llama/Llama-3.1-8B", "L4", 1, [tmp_path]).provenance == "base"


@pytest.mark.parametrize("name", ["", "/", "..", "../profiles/x", "a/b/c", "meta-llama", "x\0y"])
def test_names_that_are_no_model(name: str) -> None:
    with pytest.raises(InvalidInput, match="unknown model"):
        load_profiles(name)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match='did you mean "meta-llama/Llama-2-7b-hf"') as raised:
        load_profiles("meta-llama/Llama-2-7b-hff")
    assert "profile estimate" in str(raised.value)


def test_a_gpu_or_degree_without_a_profile() -> None:
    with pytest.raises(InvalidInput, match='unknown GPU "H10"; did you mean "H100"'):
        load_one(SEVEN_B, "H10", None)
    with pytest.raises(
        InvalidInput, match="no profile at tensor parallel degree 3; it has one at 4, 8"
    ):
        load_one("meta-llama/Llama-2-70b-hf", "H100", 3)
    assert load_one("meta-llama/Llama-2-70b-hf", "h100-80gb", None).tensor_parallel == 4


def test_folders_that_hold_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such folder of profiles"):
        load_profiles(SEVEN_B, [tmp_path / "absent"])
    (tmp_path / "L4.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"MODEL/GPU\[-tpN\].json"):
        load_profiles(SEVEN_B, [tmp_path])


def test_a_bad_profile_is_named_by_its_path(tmp_path: Path) -> None:
    path = place_of(tmp_path, put(tmp_path, SEVEN_B, "L4"))
    path.write_text(path.read_text().replace('"measured"', '"guessed"'))
    with pytest.raises(InvalidDocument, match=r"L4\.json is not a valid profile") as raised:
        load_profiles(SEVEN_B, [tmp_path])
    assert [problem.where for problem in raised.value.problems] == ["source"]


def test_a_profile_in_the_wrong_place(tmp_path: Path) -> None:
    path = place_of(tmp_path, put(tmp_path, "some/model", "L4"))
    (tmp_path / "other").mkdir()
    path.rename(tmp_path / "other" / "L4.json")
    with pytest.raises(InvalidDocument, match="it is a profile of some/model, not of other"):
        load_profiles("other", [tmp_path])


def test_two_profiles_of_one_configuration(tmp_path: Path) -> None:
    path = place_of(tmp_path, put(tmp_path, "some/model", "L4"))
    path.with_name("L4-again.json").write_text(path.read_text())
    with pytest.raises(InvalidDocument, match=r"it is a profile of L4, as is .*L4-again\.json"):
        load_profiles("some/model", [tmp_path])


def test_the_bundled_folder_is_the_one_of_the_project() -> None:
    assert (bundled_folder("profiles") / SEVEN_B / "L4.json").is_file()


NAMES = st.one_of(
    st.sampled_from(["/models/llama", "../..", "a/../b", "a/b/c", ".x", "a\0b", "", "~"]),
    st.text(max_size=12),
    st.from_regex(r"\A[a-z0-9][\w.-]{0,8}(/[a-z][\w.-]{0,8})?\Z"),
)


@given(NAMES, NAMES, st.integers(1, 64))
def test_a_profile_has_its_place_in_the_folder_or_none(model: str, gpu: str, degree: int) -> None:
    """Servers report names such as /models/llama; none leads out of the folder."""
    folder = Path("/srv/profiles")
    try:
        path = profile_path(folder, model, gpu, degree)
    except InvalidInput:
        return
    assert Path(os.path.normpath(path)) == path
    assert path.is_relative_to(folder / model)
    assert folder != path.parent
    assert path.suffix == ".json"


@pytest.mark.parametrize("model", ["/models/llama", "../../outside", "x/../../outside", "."])
def test_an_import_stays_in_its_folder(melange, tmp_path: Path, model: str) -> None:
    result = json.loads((SAMPLES / "vllm_bench_plain.json").read_text()) | {"model_id": model}
    (tmp_path / "result.json").write_text(json.dumps(result))
    words = ("profile", "import", tmp_path / "result.json", "--gpu", "L4")
    ended = melange(*words, "--out", tmp_path / "in" / "profiles")
    assert ended.code == 2
    assert "not a Hugging Face id" in ended.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["result.json"]
    named = melange(*words, "--model", "example/llama", "--out", tmp_path / "profiles")
    assert named.code == 0, named.err
    assert (tmp_path / "profiles" / "example" / "llama" / "L4.json").is_file()
