"""`profile import`, `check`, `compare` and the pictures of `show`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "profiles" / "samples"
SEVEN_B = "meta-llama/Llama-2-7b-hf"
PLAIN, DETAILED = SAMPLES / "vllm_bench_plain.json", SAMPLES / "vllm_bench_detailed.json"


def test_from_benchmarks_to_a_plan(melange: Any, tmp_path: Path) -> None:
    """What docs/profiles.md shows: import into a folder, check, plan with it."""
    folder = tmp_path / "profiles"
    folder.mkdir()
    ended = melange("profile", "import", PLAIN, DETAILED, SAMPLES / "guidellm.json",
                    "--gpu", "L4", "--model", SEVEN_B, "--out", folder)  # fmt: skip
    path = folder / SEVEN_B / "L4.json"
    assert ended.code == 0
    assert "requests/s at saturation" in ended.out
    assert f"wrote {path}" in ended.err
    assert "the server called the model example/model-7b" in ended.err
    checked = melange("profile", "check", path)
    assert (checked.code, checked.err) == (0, "")
    assert "sane" in checked.out
    assert "the estimate at these 4 points" in checked.out
    service = tmp_path / "service.yaml"
    service.write_text(
        f"name: t\nmodel: {SEVEN_B}\nslo: {{tpot_ms: 60}}\n"
        "workload: {rate: 5, sizes: {input_tokens: [100], output_tokens: [8], shares: [[1]]}}\n"
        "offers: {gpus: [L4]}\n"
    )
    plan = melange(
        "plan", service, "--profiles", folder, "--format", "json", "--out", tmp_path / "p.json"
    )
    assert plan.code == 0, plan.err
    assert [p["source"] for p in json.loads(plan.out)["profiles"]] == ["measured"]


def test_import_as_json_is_the_document(melange: Any, tmp_path: Path) -> None:
    out = tmp_path / "sub" / "x.json"
    ended = melange(
        "profile", "import", PLAIN, "--gpu", "l4", "--format", "json", "--out", out,
        "--tensor-parallel", "2", "--engine-version", "0.11.0",
    )  # fmt: skip
    assert ended.out == out.read_text()
    document = json.loads(ended.out)
    assert (document["gpu"], document["tensor_parallel"]) == ("L4", 2)
    assert document["engine"]["version"] == "0.11.0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import", PLAIN), "--gpu"),
        (("import", "absent.json", "--gpu", "L4"), "absent.json does not exist"),
        (("import", ROOT / "README.md", "--gpu", "L4"), "not valid JSON"),
        (("import", ROOT / "docs", "--gpu", "L4"), "holds no results"),
        (("import", SAMPLES / "vllm_bench_all_failed.json", "--gpu", "L4"), "all 12 requests"),
        (("import", PLAIN, "--gpu", "L4", "--size", "big"), "not a size"),
        (("check", "absent.json"), "absent.json does not exist"),
        (("check", "L4"), "give the model with --model"),
        (("compare", "L4", "H10", "--model", SEVEN_B), 'did you mean "H100"?'),
        (("compare", "L4", "--model", SEVEN_B), "at least two"),
        (("compare", "L4", "H100", "--model", SEVEN_B, "--tpot-ms", "x"), "--tpot-ms"),
        (("compare", "L4", "H100", "--model", SEVEN_B, "--plot", "x.pdf"), ".png or .svg"),
        (("show", SEVEN_B, "L4", "--size", "33x33"), "no points at 33x33"),
        (("show", SEVEN_B, "L4", "--size", "33x33", "--plot", "x.png"), "no points at 33x33"),
        (("show", SEVEN_B), "is not the file of a profile"),
        (("estimate", "--model", "m", "--gpu", "L4", "--model-config", PLAIN), "hidden_size"),
        (("estimate", "--model", SEVEN_B, "--gpu", "L4", "--calibrate", PLAIN), "valid profile"),
    ],
)
def test_wrong_usage_exits_2_with_one_message(
    melange: Any, words: tuple[object, ...], message: str
) -> None:
    ended = melange("profile", *words)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""


def test_check_exits_1_when_a_profile_fails(melange: Any, tmp_path: Path) -> None:
    melange("profile", "import", PLAIN, "--gpu", "L4", "--out", tmp_path / "L4.json")
    data = json.loads((tmp_path / "L4.json").read_text())
    data["points"][0][data["columns"].index("errors")] = 500
    (tmp_path / "bad.json").write_text(json.dumps(data))
    ended = melange("profile", "check", tmp_path / "bad.json", tmp_path / "L4.json")
    assert ended.code == 1
    assert "500 of 700 requests failed" in ended.out
    assert "no estimate to compare with" in ended.out  # example/model-7b is no known model
    found = melange("profile", "check", tmp_path / "bad.json", "--format", "json")
    assert found.code == 1
    assert [p["fails"] for p in json.loads(found.out)["profiles"]] == [True]


def test_check_sets_a_given_estimate_beside_it(melange: Any, tmp_path: Path) -> None:
    path = tmp_path / "L4.json"
    melange("profile", "import", PLAIN, "--gpu", "L4", "--out", path)
    ended = melange("profile", "check", path, "--against", path)
    assert "TPOT off by median 0%, worst 0%" in ended.out


def test_compare_as_a_table_and_as_json(melange: Any, tmp_path: Path) -> None:
    out = tmp_path / "compared.json"
    words = (
        "profile", "compare", "A10G", "A100-80GB", "--model", SEVEN_B, "--tpot-ms", "40,120",
        "--usd-per-hour", "A10G=1.01", "--usd-per-hour", "A100-80GB=3.67",
    )  # fmt: skip
    table = melange(*words, "--out", out)
    assert table.code == 0
    assert "under a mean TPOT of 40 ms" in table.out
    assert "sizes won: " in table.out
    assert melange(*words, "--format", "json").out == out.read_text()
    data = json.loads(out.read_text())
    assert [c["slo"]["tpot_ms"] for c in data["comparisons"]] == [40, 120]
    assert [p["usd_per_hour"] for p in data["profiles"]] == [1.01, 3.67]


def test_show_load_by_load_and_as_a_picture(melange: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curves.svg"
    ended = melange("profile", "show", SEVEN_B, "A10G", "--size", "1000x250", "--tpot-ms", "50",
                    "--plot", picture)  # fmt: skip
    assert ended.code == 0
    assert "1000 input, 250 output tokens" in ended.out
    assert "holds" in ended.out
    assert "broken" in ended.out
    assert "█" in ended.out
    assert picture.read_text().startswith("<?xml")


def test_show_for_aibrix(melange: Any) -> None:
    ended = melange("profile", "show", SEVEN_B, "L4", "--tpot-ms", "120", "--ttft-ms", "2000",
                    "--format", "aibrix", "--deployment", "llama-l4")  # fmt: skip
    data = json.loads(ended.out)
    assert data["gpu"] == "llama-l4"
    assert 0.3 < data["cost"] < 2  # the cheapest bundled offer of an L4
    assert data["slos"] == {"percentile": 0, "tpot": 0.12, "ttft": 2.0}
    assert len(data["tputs"]) == len(data["indexes"][0]) == 6
    assert data["created"] > 1.7e9  # AIBrix takes only what is later than what it has


def test_an_estimate_of_any_config_quantised(melange: Any, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({
        "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
        "vocab_size": 128256, "max_position_embeddings": 8192, "sliding_window": 4096,
    }))  # fmt: skip
    ended = melange("profile", "estimate", "--model", "my/model", "--model-config", config,
                    "--gpu", "L4", "--quantization", "int4", "--kv-cache", "fp8")  # fmt: skip
    assert ended.code == 0
    assert "my/model on L4" in ended.out
    assert "estimated for int4 weights and fp8 cache" in ended.out
    assert "sliding window" in ended.err
