"""What a notebook imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import melange_cloud

CHAT = Path(__file__).parents[1] / "examples" / "chat.yaml"


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(melange_cloud, name) for name in melange_cloud.__all__)
    assert set(melange_cloud._MODULE_OF) == set(melange_cloud.__all__)
    assert not hasattr(melange_cloud, "no_such_name")


def test_a_plan_in_three_lines_is_what_the_command_writes(melange, tmp_path: Path) -> None:
    from melange_cloud import load_inputs, load_service, make_plan

    plan = make_plan(load_inputs(load_service(CHAT), CHAT.parent)).plan
    melange("plan", CHAT, "--out", tmp_path / "plan.json")
    assert plan == melange_cloud.load_plan(tmp_path / "plan.json")
    assert plan.to_json() == (tmp_path / "plan.json").read_text()


class Elsewhere:
    """A path that is neither text nor a Path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("kind", [str, Path, Elsewhere])
def test_a_path_is_a_text_or_any_path(kind: Callable[[Path], Any], tmp_path: Path) -> None:
    from melange_cloud import (
        load_inputs,
        load_plan,
        load_prices,
        load_profiles,
        load_service,
        load_workload,
        make_plan,
    )

    model = "meta-llama/Llama-2-7b-hf"
    profiles, prices, sizes = tmp_path / "profiles", tmp_path / "p.csv", tmp_path / "sizes.json"
    (profiles / model).mkdir(parents=True)
    bundled = load_profiles(model)
    for profile in bundled:
        (profiles / model / f"{profile.name}.json").write_text(profile.to_json())
    prices.write_text(
        "provider,region,instance_type,gpu,gpu_count,usd_per_hour\naws,r,t,H100,1,2\n"
    )
    sizes.write_text(load_workload("arena", ".").to_json())

    assert load_profiles(model, kind(profiles)) == load_profiles(model, [kind(profiles)]) == bundled
    assert load_workload(kind(Path("sizes.json")), kind(tmp_path)).name == "arena"
    book = load_prices(kind(Path("p.csv")), kind(tmp_path))
    assert [offer.gpu for offer in book.offers] == ["H100"]
    service = load_service(kind(CHAT), {"prices": "p.csv"})
    inputs = load_inputs(
        service, kind(CHAT.parent), prices_base=kind(tmp_path), profile_folders=kind(profiles)
    )
    plan = make_plan(inputs).plan
    (tmp_path / "plan.json").write_text(plan.to_json())
    assert load_plan(kind(tmp_path / "plan.json")) == plan


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, melange_cloud; print(sorted(n for n in sys.modules if 'pydantic' in n))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
