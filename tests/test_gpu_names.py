"""Names of GPUs as people type them, and what is said of those that cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.names import (
    AmbiguousGpu,
    canonical_gpu,
    gpu_book,
    gpus_meant,
    named_gpus,
    one_gpu,
    unknown_gpu,
)

CHAT = Path(__file__).parents[1] / "examples" / "chat.yaml"
SEVEN_B = "meta-llama/Llama-2-7b-hf"
AMBIGUOUS = "is ambiguous; it may mean A100-40GB or A100-80GB"


@pytest.mark.parametrize(
    ("typed", "gpu"),
    [
        ("h100", "H100"),
        ("H100-80GB", "H100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("nvidia-h100-mega-80gb", "H100"),
        ("NVIDIA L4", "L4"),
        ("nvidia-l4", "L4"),
        ("Tesla T4", "T4"),
        ("nvidia-tesla-t4", "T4"),
        ("nvidia-tesla-a100", "A100-40GB"),
        ("A100 80G", "A100-80GB"),
        ("a100_80gb", "A100-80GB"),
        ("A100 80 GB", "A100-80GB"),
        ("NVIDIA A100-SXM4-80GB", "A100-80GB"),
        ("NVIDIA A100 80GB PCIe", "A100-80GB"),
        ("A100-PCIE-40GB", "A100-40GB"),
        ("Tesla V100-SXM2-16GB", "V100-16GB"),
        ("RTX PRO 6000", "RTX-PRO-6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000"),
        ("a10g", "A10G"),
        ("t4g", "T4G"),
        ("MI300X", "MI300X"),
        # other cards than the H100 of the table: slower memory, or more of it
        ("NVIDIA H100 PCIe", "H100-PCIE"),
        ("H100 NVL", "H100-NVL"),
    ],
)
def test_other_names_of_one_gpu(typed: str, gpu: str) -> None:
    assert one_gpu(typed) == gpu


@pytest.mark.parametrize("typed", ["A100", "a100", "NVIDIA A100", "A100-SXM4", "Tesla A100"])
def test_a_name_without_its_memory_size_is_ambiguous(typed: str) -> None:
    with pytest.raises(AmbiguousGpu) as error:
        one_gpu(typed)
    assert str(error.value) == f'the GPU name "{typed}" {AMBIGUOUS}'
    assert unknown_gpu(typed, ["A10G", "A100-80GB"], "there is no") == str(error.value)


def test_every_family_with_several_sizes_is_ambiguous() -> None:
    for family, sizes in gpu_book()["by_memory_gib"].items():
        assert gpus_meant(family) == [name for _, name in sizes]
        assert [one_gpu(name) for _, name in sizes] == gpus_meant(family)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("A100-8OGB", 'unknown GPU "A100-8OGB"; did you mean "A100-80GB"?'),
        ("NVIDIA H10", 'unknown GPU "NVIDIA H10"; did you mean "H100"?'),
        ("rtx6000", 'unknown GPU "rtx6000"; did you mean "RTX-PRO-6000"?'),
        ("RTX PRO", 'unknown GPU "RTX PRO"; did you mean "RTX-PRO-4500" or "RTX-PRO-6000"?'),
    ],
)
def test_unknown_names_come_with_what_they_may_mean(typed: str, said: str) -> None:
    assert unknown_gpu(typed, named_gpus(), "there is no") == said


def test_a_known_gpu_that_is_missing_is_no_typo(melange) -> None:
    for words, said in (
        (("prices", "list", "--gpu", "V100-16GB"), "these prices have no offers of V100-16GB"),
        (("plan", CHAT, "--gpu", "h100 pcie"), "these prices have no offers of H100-PCIE"),
        (("profile", "show", SEVEN_B, "T4"), f"{SEVEN_B} has no profile on T4"),
    ):
        ended = melange(*words)
        assert (ended.code, ended.out) == (2, ""), ended
        assert said in ended.err
        assert "did you mean" not in ended.err
        assert "unknown GPU" not in ended.err


@given(st.text("aAgGbBiI0148lLtThH -_nvidtes", max_size=24) | st.sampled_from(sorted(named_gpus())))
def test_the_one_name_is_its_own_one_name(name: str) -> None:
    assert canonical_gpu(canonical_gpu(name)) == canonical_gpu(name)


@pytest.mark.parametrize("name", sorted(named_gpus()))
def test_the_book_agrees_with_itself(name: str) -> None:
    assert one_gpu(name) == one_gpu(f"NVIDIA {name}") == one_gpu(name.lower()) == name


def test_every_place_that_takes_a_gpu_says_so(melange, tmp_path: Path) -> None:
    service = CHAT.read_text()
    offers, limits, prices = (tmp_path / name for name in ("offers.yaml", "limits.yaml", "p.csv"))
    offers.write_text(service + "offers: {gpus: [L4, A100]}\n")
    limits.write_text(service + "limits: {gpus: {A100: 4}}\n")
    prices.write_text(
        "provider,region,instance_type,gpu,gpu_count,usd_per_hour\naws,r,t,A100,1,2\n"
    )
    for words, where in (
        (("plan", CHAT, "--gpu", "A100"), "--gpu: "),
        (("plan", offers), "offers.gpus[1]: "),
        (("plan", limits), "limits.gpus.A100: "),
        (("plan", CHAT, "--prices", prices), "line 2, gpu: "),
        (("prices", "list", "--gpu", "A100"), ""),
        (("profile", "estimate", "--model", SEVEN_B, "--gpu", "A100"), ""),
        (("profile", "show", SEVEN_B, "A100"), ""),
        (("profile", "compare", "L4", "A100", "--model", SEVEN_B), ""),
        (
            ("profile", "run", "--url", "http://h", "--gpu", "A100", "--out", tmp_path / "x"),
            "",
        ),
    ):
        ended = melange(*words)
        assert (ended.code, ended.out) == (2, ""), ended
        assert f'{where}the GPU name "A100" {AMBIGUOUS}' in ended.err, words


def test_a_gpu_that_is_known_but_not_to_estimates_is_told_apart_from_a_typo() -> None:
    from melange_cloud.profiles.facts import gpu_facts

    with pytest.raises(InvalidInput, match="no profile on RTX-PRO-6000 can be estimated"):
        gpu_facts("RTX PRO 6000")
