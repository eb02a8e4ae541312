"""The committed profiles are exactly what `make profiles` makes, and what is promised is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from melange_cloud.bundled import bundled_folder
from melange_cloud.profiles.estimate import DoesNotFit
from melange_cloud.profiles.facts import models
from melange_cloud.profiles.listing import list_profiles
from melange_cloud.profiles.store import load_profiles, place_of

ROOT = Path(__file__).parents[2]
ONE_GPU = ["A100-40GB", "A100-80GB", "A10G", "H100", "L4"]
SEVERAL = ["A100-80GB-tp4", "A100-80GB-tp8", "H100-tp4", "H100-tp8"]


@pytest.fixture(scope="module")
def make_profiles() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_profiles", ROOT / "scripts" / "make_profiles.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_files_are_what_the_script_makes(make_profiles: ModuleType) -> None:
    folder = bundled_folder("profiles")
    made = {
        place_of(folder, profile): profile.to_json()
        for profile in make_profiles.bundled_profiles()
        if not isinstance(profile, DoesNotFit)
    }
    committed = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert sorted(committed) == sorted(made)
    for path, text in made.items():
        assert committed[path] == text, f"{path} is stale: run make profiles"


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("meta-llama/Llama-2-7b-hf", ONE_GPU),
        ("meta-llama/Llama-3.1-8B", ONE_GPU),
        ("meta-llama/Llama-2-70b-hf", SEVERAL),
        ("meta-llama/Llama-3.1-70B", SEVERAL),
    ],
)
def test_what_is_bundled(model: str, names: list[str]) -> None:
    profiles = load_profiles(model)
    assert [profile.name for profile in profiles] == names
    assert {profile.source for profile in profiles} == {"estimated"}


def test_every_gpu_without_a_profile_has_a_reason() -> None:
    without = {
        (gap.model, gap.gpu, gap.tensor_parallel): gap.why for gap in list_profiles().without
    }
    two = without["meta-llama/Llama-2-70b-hf", "A100-80GB", 2]
    assert two == "its weights take 138.0 GB, and 136.0 GB are usable (85% of the memory)"
    assert "profile estimate" in without["meta-llama/Llama-2-7b-hf", "L40S", 1]
    assert "weights" in without["meta-llama/Llama-3.1-8B", "T4", 1]
    assert {model for model, _, _ in without} == {model.id for model in models()}
