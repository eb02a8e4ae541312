"""`melange-cloud profile estimate` on several GPUs, and for a whole service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.planning.configurations import configurations
from melange_cloud.prices.offer import Offer
from melange_cloud.profiles.document import load_profile

CHAT = Path(__file__).parents[2] / "examples" / "chat.yaml"
SEVEN_B = "meta-llama/Llama-2-7b-hf"
CONFIG = {
    "model_type": "mistral", "tie_word_embeddings": False, "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 32768,
}  # fmt: skip
SERVICE = (
    "name: mine\nmodel: my/model\nslo: {tpot_ms: 60}\nworkload: {rate: 4, sizes: arena}\n"
    "prices: p.csv\noffers: {gpus: [T4, L4, H100, V100-16GB]}\n"
)
PRICES = """\
provider,region,instance_type,gpu,gpu_count,usd_per_hour
aws,r,t4,T4,1,0.5
aws,r,l4,L4,1,0.8
aws,r,l4x4,L4,4,4.6
aws,r,h100,H100,8,55
aws,r,a10g,A10G,1,1
aws,r,v100,V100-16GB,1,3
"""
FEW = ("--size", "1000x250", "--size", "250x50")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"max_position_embeddings": 32768}))
    (tmp_path / "service.yaml").write_text(SERVICE)
    (tmp_path / "p.csv").write_text(PRICES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))


def test_a_model_that_is_not_bundled_is_one_command_before_its_plan(
    melange, folder: Path, golden: Callable[[str, str], None]
) -> None:
    words = ("--service", "service.yaml", "--model-config", "config.json", "--out", "est")
    ended = melange("profile", "estimate", *words)
    assert ended.code == 0
    golden("profiles/estimate-service.txt", f"{ended.out}--- stderr\n{ended.err}")
    assert names(folder / "est" / "my" / "model") == [
        *("H100-tp2.json", "H100-tp4.json", "H100-tp8.json", "H100.json"),
        *("L4-tp2.json", "L4-tp4.json", "L4.json"),
    ]
    planned = melange("plan", "service.yaml", "--profiles", "est")
    assert planned.code == 0
    assert planned.out.startswith("mine: my/model")


def test_gpus_and_degrees_repeat_or_stand_in_a_list(melange, folder: Path) -> None:
    words = ("profile", "estimate", "--model", SEVEN_B, *FEW)
    ended = melange(*words, "--gpu", "L4,A10G", "--gpu", "a10g", "--tensor-parallel", "1,2",
                    "--out", "est", "--format", "json")  # fmt: skip
    assert ended.code == 0
    listing = json.loads(ended.out)
    found = [(each["gpu"], each["tensor_parallel"]) for each in listing["profiles"]]
    assert found == [("A10G", 1), ("A10G", 2), ("L4", 1), ("L4", 2)]
    assert ended.err == f"wrote 4 profiles to est/{SEVEN_B}\n"
    melange(*words, "--gpu", "L4", "--tensor-parallel", "2", "--out", "one.json")
    several = folder / "est" / SEVEN_B / "L4-tp2.json"
    assert several.read_text() == (folder / "one.json").read_text()


def test_degrees_narrow_a_service(melange, folder: Path) -> None:
    words = ("profile", "estimate", "--service", "service.yaml", "--model-config", "config.json")
    melange(*words, "--tensor-parallel", "4", "--gpu", "L4,H100", "--out", "est", *FEW)
    assert names(folder / "est") == ["my/model/H100-tp4.json", "my/model/L4-tp4.json"]


def test_measured_profiles_are_not_overwritten(melange, folder: Path) -> None:
    words = ("profile", "estimate", "--model", SEVEN_B, "--gpu", "L4,A10G", *FEW, "--out", "est")
    melange(*words)
    path = folder / "est" / SEVEN_B / "L4.json"
    measured = load_profile(path).model_copy(update={"source": "measured"}).to_json()
    path.write_text(measured)
    ended = melange(*words)
    assert ended.code == 0
    assert (
        f"left out: est/{SEVEN_B}/L4.json is measured, and an estimate does not replace it"
        in ended.err
    )
    assert "wrote 1 profile to" in ended.err
    assert path.read_text() == measured


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", SEVEN_B), "--gpu must be given, or a service file"),
        (("--gpu", "L4"), "--model must be given, or a service file"),
        (("--model", SEVEN_B, "--gpu", "L4,A10G"), "several profiles need a folder"),
        (("--model", SEVEN_B, "--gpu", "L4,A10G", "--out", "a.json"), "need a folder"),
        (("--model", SEVEN_B, "--gpu", "L4,H10", "--out", "d"), 'did you mean "H100"?'),
        (("--model", SEVEN_B, "--gpu", "L4", "--tensor-parallel", "x"), "must be whole numbers"),
        (("--model", SEVEN_B, "--gpu", "L4", "--tensor-parallel", "0"), "must be whole numbers"),
        (("--model", SEVEN_B, "--gpu", "L4", "--prices", "p.csv"), "--prices only has a meaning"),
        (("--service", "service.yaml", "--model", SEVEN_B, "--out", "d"), "not of meta-llama"),
        (("--service", "service.yaml", "--out", "d"), 'unknown model "my/model"'),
        (
            ("--service", "service.yaml", "--gpu", "B200", "--out", "d"),
            "leaves no GPU to estimate on",
        ),
        (
            ("--service", "service.yaml", "--tensor-parallel", "3", "--out", "d"),
            "no instance that service.yaml may buy",
        ),
        (
            ("--model", "meta-llama/Llama-2-70b-hf", "--gpu", "L4,T4", "--out", "d"),
            "can be estimated:\n  meta-llama/Llama-2-70b-hf does not fit on L4: its weights",
        ),
        (
            ("--model", SEVEN_B, "--gpu", "L4,A10G", "--calibrate", "m.json", "--out", "d"),
            "--calibrate corrects the estimate of one GPU",
        ),
    ],
)
def test_what_cannot_be_estimated_is_refused_whole(
    melange, folder: Path, words: tuple[str, ...], said: str
) -> None:
    ended = melange("profile", "estimate", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not (folder / "d").exists()


@given(st.lists(st.tuples(st.sampled_from(["L4", "H100"]), st.integers(1, 16)), max_size=6))
def test_every_configuration_fills_an_instance(machines: list[tuple[str, int]]) -> None:
    offers = [
        Offer(provider="aws", region="r", instance_type="t", gpu=gpu, gpu_count=n, usd_per_hour=1.0)
        for gpu, n in machines
    ]
    found = configurations(offers)
    assert {gpu for gpu, _ in found} == {gpu for gpu, _ in machines}
    for gpu, degree in found:
        assert any(gpu == other and count % degree == 0 for other, count in machines)
