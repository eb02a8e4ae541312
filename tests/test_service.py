"""The service file: what it may say, and how its mistakes are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from melange_cloud.errors import InvalidDocument, InvalidInput
from melange_cloud.service import Service, load_service

CONTRACT = """\
name: chat
model: meta-llama/Llama-2-7b-hf
slo: {tpot_ms: 120, ttft_ms: 2000}
max_model_len: 4096
workload:
  rate: 16
  sizes: arena
headroom: 0.1
offers:
  providers: [aws, gcp]
  regions: [us-east-1, us-central1]
  gpus: [L4, A10G, A100-80GB, H100-80GB]
  purchase: [on-demand]
limits:
  max_regions: 1
  instances: {p5.48xlarge: 2}
  gpus: {H100: 8}
  survive: 1
prices: bundled
tags: {team: search}
policy: {max_increase: 5%, warn_increase: 1%, budget: 20000}
"""


@pytest.fixture
def service_file(tmp_path: Path) -> Path:
    return tmp_path / "service.yaml"


def problems(path: Path, text: str, **overrides: object) -> list[str]:
    path.write_text(text)
    with pytest.raises(InvalidDocument) as raised:
        load_service(path, overrides)
    return [str(problem) for problem in raised.value.problems]


def test_everything_the_contract_names(service_file: Path) -> None:
    service_file.write_text(CONTRACT)
    service = load_service(service_file)
    assert service.offers.gpus == ["L4", "A10G", "A100-80GB", "H100"]  # the alias is resolved
    assert service.limits.survive == 1
    assert service.policy.max_increase == "5%"
    assert Service.model_validate(service.model_dump(mode="json")) == service


def test_defaults(service_file: Path) -> None:
    service_file.write_text(
        "name: a\nmodel: m\nslo: {tpot_ms: 50}\nworkload: {rate: 1, sizes: arena}\n"
    )
    service = load_service(service_file)
    assert (service.headroom, service.limits.max_regions, service.limits.survive) == (0, 1, 0)
    assert service.offers.purchase == ["on-demand"]
    assert (service.slo.percentile, service.prices) == ("mean", "bundled")


def test_all_problems_at_once_by_field_and_line(service_file: Path) -> None:
    found = problems(
        service_file,
        """\
name: ""
modle: meta-llama/Llama-2-7b-hf
slo:
  tpot_ms: -5
  ttft: 100
workload:
  rate: .nan
  sizes: 7
offers:
  purchase: [reserved]
limits: {survive: 2, gpus: {H100: -1}}
headroom: lots
""",
    )
    assert found == [
        'line 1, name: must not be empty, but is ""',
        "line 1, model: is required",
        'line 2, modle: unknown key "modle"; did you mean "model"?',
        "line 4, slo.tpot_ms: must be greater than 0, but is -5",
        'line 5, slo.ttft: unknown key "ttft"; did you mean "ttft_ms"?',
        "line 7, workload.rate: must be a finite number, but is nan",
        "line 8, workload.sizes: must be a mapping of keys to values, but is 7",
        "line 10, offers.purchase[0]: must be 'on-demand' or 'spot', but is \"reserved\"",
        "line 11, limits.gpus.H100: must be greater than or equal to 0, but is -1",
        "line 11, limits.survive: must be 0 or 1, but is 2",
        'line 12, headroom: must be a number, but is "lots"',
    ]


def test_inline_sizes_must_be_a_distribution(service_file: Path) -> None:
    head = "name: a\nmodel: m\nslo: {tpot_ms: 50}\nworkload:\n  rate: 1\n  sizes:\n"
    assert problems(
        service_file,
        head + "    {input_tokens: [10, 20], output_tokens: [5], shares: [[0.5], [0.6]]}\n",
    ) == ["line 6, workload.sizes: shares must sum to 1, sum to 1.1"]
    assert problems(
        service_file,
        head + "    {input_tokens: [20, 10], output_tokens: [5], shares: [[1], [0]]}\n",
    ) == ["line 6, workload.sizes: input_tokens must rise from edge to edge, is [20, 10]"]
    assert problems(
        service_file, head + "    {input_tokens: [10], output_tokens: [5], shares: [[1, 0]]}\n"
    ) == ["line 6, workload.sizes: shares must be 1 rows of 1 numbers, is 1 rows of [2]"]


def test_a_wrong_option_is_named_as_the_option(service_file: Path) -> None:
    service_file.write_text(CONTRACT)
    with pytest.raises(InvalidInput, match=r"^--rate: must be greater than 0, but is -4.0$"):
        load_service(service_file, {"rate": -4.0})
    assert load_service(service_file, {"rate": 3.0, "gpu": ["h100-80gb"]}).offers.gpus == ["H100"]
    assert load_service(service_file, {"rate": 3.0, "gpu": []}).workload.rate == 3.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n  \n", "is empty"),
        ("# only this\n", "holds nothing but comments"),
        ("- a\n- b\n", "a mapping of keys to values was expected, not a list"),
        ("just words\n", "a mapping of keys to values was expected"),
        ("name: [unclosed\n", "line 2: this is not valid YAML"),
        ("name: a\nname: b\n", "line 2, name: this key appears twice"),
        ("? [a, b]\n: c\n", "line 1: a key must be plain text"),
        ("name: !!python/object:os.system {}\n", "is required"),
        ("a: 1\n---\nb: 2\n", "line 2: this is not valid YAML"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("\t- x", "not valid YAML"),
    ],
)
def test_files_that_are_no_service(service_file: Path, text: str, said: str) -> None:
    service_file.write_text(text)
    with pytest.raises(InvalidInput, match="service") as raised:
        load_service(service_file)
    assert said in str(raised.value)


def test_aliases_that_explode_are_refused(service_file: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert problems(service_file, "\n".join(lines)) == [
        "its aliases expand to more than 50,000 values"
    ]


def test_an_alias_within_bounds_is_what_it_stands_for(service_file: Path) -> None:
    service_file.write_text(
        "name: &n chat\nmodel: m\nslo: {tpot_ms: 50}\nworkload: {rate: 1, sizes: arena}\n"
        "tags: {service: *n}\n"
    )
    assert load_service(service_file).tags == {"service": "chat"}


def test_an_alias_of_itself_is_refused(service_file: Path) -> None:
    assert problems(service_file, "a: &a [*a]\n") == ["it is nested too deeply"]
