"""What a user can get wrong: one clear message, the right exit code, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAT = ROOT / "examples" / "chat.yaml"
SERVICE = "name: a\nmodel: {model}\nslo: {{tpot_ms: 120}}\nworkload: {{rate: 1, sizes: arena}}\n"
MODEL = "meta-llama/Llama-2-7b-hf"
CONFIG = {
    "gpu_info": {"L4": {"cost": 0.7, "tputs": [[1.0]]}},
    "workload_distribution": [[1.0]],
    "total_request_rate": 1.0,
    "slice_factor": 1,
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(ended, code: int) -> str:
    """The one message of a command that ended so, having printed and written nothing."""
    assert ended.code == code, ended
    assert ended.out == ""
    assert ended.err.startswith(("error: ", "Usage: ")), ended.err
    assert "Traceback" not in ended.err
    assert not Path("plan.json").exists()
    return ended.err


def test_missing_directory_and_binary_files(melange, tmp_path: Path) -> None:
    assert "a service was expected" in refused(melange("plan", "nowhere.yaml"), 2)
    assert "is a directory" in refused(melange("plan", tmp_path), 2)
    Path("binary.yaml").write_bytes(bytes(range(256)))
    assert "is not a text file" in refused(melange("plan", "binary.yaml"), 2)
    Path("nul.yaml").write_bytes(b"name: a\0b\n")
    assert "is not a text file" in refused(melange("plan", "nul.yaml"), 2)


def test_a_file_of_50_mb_is_refused_unread(melange) -> None:
    with Path("large.yaml").open("wb") as file:
        file.truncate(50_000_000)
    assert "has 50 MB; a service may have at most 1 MB" in refused(melange("plan", "large.yaml"), 2)


def test_unknown_names_come_with_the_nearest(melange) -> None:
    Path("a.yaml").write_text(SERVICE.format(model="meta-llama/Llama-2-7bb-hf"))
    assert f'did you mean "{MODEL}"?' in refused(melange("plan", "a.yaml"), 2)
    assert 'did you mean "arena"?' in refused(melange("plan", _with(sizes="areena")), 2)
    assert 'unknown GPU "H10"; did you mean "H100"?' in refused(
        melange("plan", CHAT, "--gpu", "H10"), 2
    )
    assert 'unknown region "us-eastt-1"; did you mean "us-east-1"?' in refused(
        melange("plan", CHAT, "--region", "us-eastt-1"), 2
    )
    assert 'unknown provider "azur"' in refused(melange("plan", CHAT, "--provider", "azur"), 2)
    assert "--purchase" in refused(melange("plan", CHAT, "--purchase", "reserved"), 2)
    message = refused(melange("plan", _with(limits="{instances: {p5.48xlage: 2}}")), 2)
    assert 'limits.instances: unknown instance type "p5.48xlage"; did you mean "p5.48xlarge"?' in (
        message
    )


def test_prices_that_are_not_there(melange) -> None:
    assert "no-prices.csv" in refused(melange("plan", CHAT, "--prices", "no-prices.csv"), 2)
    Path("prices.csv").write_text("provider,region\naws,here\n")
    assert "prices.csv" in refused(melange("plan", CHAT, "--prices", "prices.csv"), 2)


def test_a_model_without_profiles_is_led_to_a_plan(melange) -> None:
    Path("a.yaml").write_text(SERVICE.format(model="Qwen/Qwen2.5-7B"))
    command = (
        "`melange-cloud profile estimate --service SERVICE --model-config config.json --out DIR`"
    )
    for words in (["plan", "a.yaml"], ["profile", "provision", "a.yaml"]):
        assert command in refused(melange(*words), 2)
    message = refused(melange("profile", "estimate", "--service", "a.yaml", "--out", "p"), 2)
    assert 'unknown model "Qwen/Qwen2.5-7B"' in message
    assert "give that file with --model-config" in message


def test_what_there_is_is_listed_once(melange) -> None:
    Path("a.yaml").write_text(SERVICE.format(model="Qwen/Qwen2.5-7B"))
    assert refused(melange("plan", "a.yaml"), 2).count(MODEL) == 1
    assert refused(melange("plan", _with(sizes="zzzz")), 2).count("arena") == 1


def test_a_profile_by_its_model_or_its_gpu_alone(melange) -> None:
    for word, both in (("L4", "MODEL L4"), ("h100-tp4", "MODEL h100-tp4"), (MODEL, f"{MODEL} GPU")):
        message = refused(melange("profile", "show", word), 2)
        assert f"give a model and a GPU: `melange-cloud profile show {both}`" in message
        assert "--model" not in message


def test_a_filter_that_leaves_out_faster_gpus_is_named(melange) -> None:
    message = refused(melange("plan", CHAT, "--tpot-ms", "25", "--gpu", "L4"), 3)
    assert "or widen offers.gpus (--gpu): that would allow A100-40GB, A100-80GB, A10G" in message
    message = refused(melange("plan", CHAT, "--tpot-ms", "25", "--region", "us-east1"), 3)
    assert "or widen offers.regions (--region): that would allow A100-80GB" in message
    assert "widen" not in refused(melange("plan", CHAT, "--tpot-ms", "1"), 3)


@pytest.mark.parametrize(
    "words",
    [
        ["plan", CHAT, "-o", "a.json", "-o", "b.json"],
        ["plan", CHAT, "--out=a.json", "-o", "a.json"],
        ["plan", CHAT, "--rate", "1", "--rate", "1"],
        ["profile", "show", MODEL, "L4", "--format", "json", "--format", "table"],
    ],
)
def test_an_option_of_one_value_is_given_once(melange, words: list[str]) -> None:
    assert "is given 2 times, and takes one value" in refused(melange(*words), 2)
    assert not list(Path().iterdir())


def test_remarks_and_errors_fit_the_terminal(melange, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.yaml").write_text(SERVICE.format(model="Qwen/Qwen2.5-7B"))
    for width in (60, 80, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        planned = melange("plan", CHAT)
        assert "warning: the oldest price used is of" in planned.err
        for said in (planned.err, melange("plan", "a.yaml").err):
            assert max(map(len, said.splitlines())) <= width
    # a command is not broken where it fits a line, so that it can be copied
    assert "--model-config config.json --out DIR`" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nslo:\n\ttpot_ms: 4\n", "line 3: this is not valid YAML: a tab; indent with"),
        (
            "name: @a\n",
            'line 1: this is not valid YAML: no value begins with "@"; put it in quotes',
        ),
        ("name: a\n  model: b\n", "line 2: this is not valid YAML: a key and a colon stand where"),
        ("slo:\n  a: 1\n b: 2\n", "line 3: this is not valid YAML: the indentation differs"),
    ],
)
def test_yaml_that_is_none_is_told_in_plain_words(melange, text: str, said: str) -> None:
    Path("a.yaml").write_text(text)
    assert said in refused(melange("plan", "a.yaml"), 2)


def test_sizes_that_are_a_trace_or_not_there(melange, tmp_path: Path) -> None:
    Path("requests.csv").write_text("input_tokens,output_tokens\n1,2\n")
    message = refused(melange("plan", _with(sizes="requests.csv")), 2)
    assert "`melange-cloud workload from-trace requests.csv --out sizes.json`" in message
    message = refused(melange("plan", _with(sizes="sizes.json")), 2)
    assert f"sizes.json: no such workload file (looked for in {tmp_path})" in message
    message = refused(melange("workload", "from-trace", "-"), 2)
    assert "a trace cannot come from standard input" in message


def test_what_would_be_ignored_is_refused(melange) -> None:
    for words in (["plan", CHAT], ["check", CHAT, "--baseline", "x.json"]):
        message = refused(melange(*words, "--tolerance", "5%"), 2)
        assert "--tolerance means nothing without --keep" in message


def test_a_folder_that_is_missing_is_seen_before_any_work(melange) -> None:
    Path("file").write_text("")
    for words in (["plan", CHAT], ["sweep", CHAT], ["check", CHAT, "--update"]):
        assert "No such file or directory" in refused(melange(*words, "-o", "no/x.json"), 4)
        message = refused(melange(*words, "-o", "file/x.json"), 4)
        assert "Not a directory\n  make the folder file first" in message
    message = refused(melange("prices", "refresh", "--lock", "no/lock.json"), 4)
    assert "no/lock.json cannot be written" in message


def test_a_fine_tune_is_planned_with_its_base_model_and_that_is_said(melange) -> None:
    Path("a.yaml").write_text(SERVICE.format(model="meta-llama/Llama-3.1-8B-Instruct"))
    planned = melange("plan", "a.yaml").out
    assert (
        "meta-llama/Llama-3.1-8B-Instruct is planned with profiles of meta-llama/Llama-3.1-8B,"
        in " ".join(planned.split())
    )


def test_estimates_have_no_p99(melange) -> None:
    path = _with(slo="{tpot_ms: 120, percentile: 99}")
    assert "tpot_ms_p99" in refused(melange("plan", path), 2)


def test_no_fleet_is_exit_3_with_the_reason_in_numbers(melange) -> None:
    message = refused(melange("plan", CHAT, "--tpot-ms", "1"), 3)
    assert "no fleet can serve chat" in message
    assert "requests of 0-25 input x 0-25 output tokens" in message
    assert (
        "the SLO is missed even at the lightest load (A100-40GB, A100-80GB, A10G, H100, L4)"
        in message
    )
    message = refused(
        melange("plan", _with(limits="{gpus: {A10G: 1, L4: 0}}"), "--gpu", "A10G", "--rate", "40"),
        3,
    )
    assert "limits.gpus A10G is 1; at least " in message


def test_a_place_that_cannot_be_written_is_exit_4(melange) -> None:
    ended = melange("plan", CHAT, "--out", "/proc/plan.json")
    assert ended.code == 4
    assert "/proc/plan.json cannot be written" in ended.err
    ended = melange("plan", CHAT, "--out", "missing/plan.json")
    assert ended.code == 4
    assert "No such file or directory" in ended.err


def test_a_failed_plan_leaves_the_old_one(melange) -> None:
    Path("old.json").write_text("old")
    melange("plan", CHAT, "--tpot-ms", "1", "--out", "old.json")
    assert Path("old.json").read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["old.json"]


def test_wrong_usage_is_exit_2(melange) -> None:
    for words in (["plan"], ["plan", CHAT, "--rate", "fast"], ["nonsense"], ["plan", "--no-such"]):
        assert "melange-cloud" in refused(melange(*words), 2)
    assert '--rates: "x" is not a number above 0' in refused(
        melange("sweep", CHAT, "--rates", "1,x"), 2
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_request_rate": -1}, "total_request_rate: must be greater than 0"),
        ({"total_request_rate": "1"}, "total_request_rate: must be a number"),
        ({"workload_distribution": [[0.5]]}, "shares must sum to 1, but sum to 0.5"),
        ({"workload_distribution": [[-1.0]]}, "must be greater than or equal to 0"),
        ({"workload_distribution": []}, "workload_distribution"),
        ({"gpu_info": {}}, "gpu_info"),
        ({"gpu_info": {"L4": {"cost": 0, "tputs": [[1.0]]}}}, "gpu_info.L4.cost"),
        ({"gpu_info": {"L4": {"cost": 1, "tputs": [[1.0, 2.0]]}}}, "must have the shape"),
        ({"gpu_info": {"cost": {"cost": 1, "tputs": [[1.0]]}}}, 'cannot be called "cost"'),
        ({"gpu_inf": {}}, 'did you mean "gpu_info"?'),
    ],
)
def test_solve_configs_that_are_wrong(melange, change: dict[str, object], said: str) -> None:
    Path("config.json").write_text(json.dumps(CONFIG | change))
    assert said in refused(melange("solve", "config.json"), 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("[1]", "a mapping of keys to values was expected"),
        ('{"total_request_rate": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "this key appears twice"),
        ("{", "line 1: this is not valid JSON"),
        ("[" * 100_000, "this JSON cannot be read"),
        ('{"total_request_rate": ' + "9" * 5000 + "}", "this JSON cannot be read"),
    ],
)
def test_solve_files_that_are_no_config(melange, text: str, said: str) -> None:
    Path("config.json").write_text(text)
    assert said in refused(melange("solve", "config.json"), 2)


def test_solve_without_a_server_is_exit_3(melange) -> None:
    config = CONFIG | {"gpu_info": {"L4": {"cost": 0.7, "tputs": [[0]]}}}
    Path("config.json").write_text(json.dumps(config))
    assert "no GPU of config.json can serve" in refused(melange("solve", "config.json"), 3)


def test_debug_shows_the_traceback(melange) -> None:
    from melange_cloud.errors import InvalidInput

    with pytest.raises(InvalidInput):
        melange("plan", "nowhere.yaml", "--debug")


def _with(sizes: str = "arena", limits: str = "{}", slo: str = "{tpot_ms: 120}") -> Path:
    path = Path("service.yaml")
    path.write_text(
        f"name: a\nmodel: {MODEL}\nslo: {slo}\nlimits: {limits}\n"
        f"workload: {{rate: 1, sizes: {sizes}}}\n"
    )
    return path
