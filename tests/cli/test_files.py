"""``-`` for standard input and output, and no result over an input."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = """\
name: chat
model: meta-llama/Llama-2-7b-hf
slo: {tpot_ms: 120}
workload: {rate: 4, sizes: sizes.json}
offers: {gpus: [A10G, H100], regions: [us-east-1]}
prices: prices.csv
"""
PRICES = """\
provider,region,instance_type,gpu,gpu_count,usd_per_hour
aws,us-east-1,g5.xlarge,A10G,1,1.006
aws,us-east-1,p5.4xlarge,H100,1,6.88
"""
CONFIG = {
    "gpu_info": {"L4": {"cost": 0.7, "tputs": [[1.0]]}},
    "workload_distribution": [[1.0]],
    "total_request_rate": 1.0,
    "slice_factor": 1,
}
TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00,100,20\n"
LLAMA = "meta-llama/Llama-2-7b-hf"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, melange) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    Path("prices.csv").write_text(PRICES)
    Path("trace.csv").write_text(TRACE)
    Path("config.json").write_text(json.dumps(CONFIG))
    assert melange("workload", "from-trace", "trace.csv", "-o", "sizes.json").code == 0
    Path("service.yaml").write_text(SERVICE)
    estimate = ("profile", "estimate", "--model", LLAMA, "--gpu", "A10G", "--size", "1000x250")
    assert melange(*estimate, "-o", "profiles").code == 0
    assert melange("plan", "service.yaml").code == 0
    return tmp_path


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """``given("service.yaml")``: what standard input holds."""

    def give(name: str) -> None:
        stream = io.TextIOWrapper(io.BytesIO(Path(name).read_bytes()))
        monkeypatch.setattr(sys, "stdin", stream)

    return give


DOCUMENTS = {
    "plan": ["plan", "service.yaml"],
    "sweep": ["sweep", "service.yaml", "--rates", "1,2"],
    "check": ["check", "service.yaml"],
    "compare": ["compare", "plan.json", "plan.json"],
    "solve": ["solve", "config.json"],
    "schema": ["schema", "plan"],
    "prices list": ["prices", "list", "--prices", "prices.csv"],
    "profile show": ["profile", "show", LLAMA, "L4"],
    "profile compare": ["profile", "compare", "--model", LLAMA, "L4", "A10G"],
    "profile estimate": ["profile", "estimate", "--model", LLAMA, "--gpu", "L4"],
    "profile import": ["profile", "import", str(Path("profiles") / LLAMA / "A10G.json")],
    "workload from-trace": ["workload", "from-trace", "trace.csv"],
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_out_to_standard_output_is_the_document_alone(melange, name: str) -> None:
    written = melange(*DOCUMENTS[name], "--out", "written.json")
    assert written.code == 0, written.err
    assert "wrote written.json" in written.err
    for words in (["-o", "-"], ["--out", "-"], ["--out=-", "--format", "json"]):
        if name in ("solve", "schema") and "--format" in words:
            continue
        ended = melange(*DOCUMENTS[name], *words)
        assert ended.code == 0, ended.err
        assert ended.out == Path("written.json").read_text()
        assert "wrote" not in ended.err
    assert not Path("-").exists()


def test_out_to_standard_output_as_csv_and_aibrix(melange) -> None:
    sweep = melange("sweep", "service.yaml", "--format", "csv")
    assert melange("sweep", "service.yaml", "--format", "csv", "-o", "-").out == sweep.out
    show = ["profile", "show", LLAMA, "L4", "--tpot-ms", "120", "--format", "aibrix", "-o", "-"]
    assert json.loads(melange(*show).out)["gpu"]


def test_a_check_has_one_thing_for_standard_output(melange) -> None:
    ended = melange("check", "service.yaml", "-o", "a.md", "-o", "-", "-o", "b.xml")
    assert json.loads(ended.out)["schema"].startswith("melange-cloud/check/")
    assert Path("a.md").exists()
    assert Path("b.xml").exists()
    for words, said in (
        (["-o", "-", "-o", "-"], "--out - is given twice"),
        (["-o", "-", "--format", "github"], "--out - and --format github would both go"),
    ):
        ended = melange("check", "service.yaml", *words)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["render", "plan.json"],
        ["profile", "provision", "service.yaml"],
        ["profile", "run", "--gpu", "L4", "--url", "http://localhost:1"],
    ],
)
def test_more_than_a_document_does_not_go_to_standard_output(melange, words: list[str]) -> None:
    ended = melange(*words, "--out", "-")
    assert ended.code == 2
    assert "--out - is not possible here" in ended.err


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["plan", "-", "-o", "-"], "service.yaml"),
        (["plan", "service.yaml", "--keep", "-", "-o", "-"], "plan.json"),
        (["sweep", "-"], "service.yaml"),
        (["check", "-"], "service.yaml"),
        (["check", "service.yaml", "--baseline", "-"], "plan.json"),
        (["render", "-"], "plan.json"),
        (["solve", "-"], "config.json"),
        (["profile", "provision", "-"], "service.yaml"),
    ],
)
def test_standard_input_is_read_as_the_file_would_be(
    melange, given, words: list[str], file: str
) -> None:
    by_name = melange(*[file if word == "-" and words[at - 1] != "-o" else word
                        for at, word in enumerate(words)])  # fmt: skip
    given(file)
    ended = melange(*words)
    assert ended.code == by_name.code == 0, ended.err
    if words[0] not in ("render", "profile"):  # what they change is what they say
        assert ended.out == by_name.out


def test_compare_takes_one_plan_from_standard_input(melange, given) -> None:
    given("plan.json")
    ended = melange("compare", "plan.json", "-", "--format", "json")
    assert [plan["file"] for plan in json.loads(ended.out)["plans"]] == [
        "plan.json",
        "standard input",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "-", "-"], "standard input can be read once"),
        (["check", "-", "--baseline", "-"], "as the service and as the baseline"),
        (["plan", "-", "--keep", "-"], "as the service and as --keep"),
        (["check", "service.yaml", "--baseline", "-", "--update"], "--update cannot write"),
    ],
)
def test_standard_input_is_one_thing(melange, given, words: list[str], said: str) -> None:
    given("plan.json")
    ended = melange(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_update_with_a_service_from_standard_input(melange, given) -> None:
    Path("plan.json").unlink()
    given("service.yaml")
    ended = melange("check", "-", "--update")
    assert ended.code == 0
    assert json.loads(Path("plan.json").read_text())["service"]["name"] == "chat"


def test_messages_call_it_standard_input(melange, given) -> None:
    Path("bad.yaml").write_text("name: a\nmodle: b\n")
    Path("empty").write_text("")
    Path("large").write_text("#" * 1_100_000)
    for file, words, said in (
        ("bad.yaml", ["plan", "-"], "standard input is not a valid service (4 problems)"),
        ("empty", ["render", "-"], "standard input is empty; a plan was expected"),
        ("large", ["plan", "-"], "standard input has more than 1 MB"),
        ("config.json", ["check", "service.yaml", "--baseline", "-"], "standard input is not a"),
    ):
        given(file)
        ended = melange(*words)
        assert ended.code == 2
        assert said in ended.err
        assert "/dev/stdin" not in ended.err
    Path("plan.json").unlink()
    given("service.yaml")
    assert "`melange-cloud plan - --out plan.json`" in melange("check", "-").err


def test_from_a_real_pipe(folder: Path) -> None:
    command = [sys.executable, "-m", "melange_cloud", "plan", "-", "-o", "-"]
    ended = subprocess.run(
        command, input=SERVICE, capture_output=True, text=True, cwd=folder, check=True
    )
    assert ended.stdout == Path("plan.json").read_text()


def linked(name: str) -> list[Path]:
    """Other names of a file."""
    os.link(name, "hard.json")
    Path("soft.json").symlink_to(name)
    Path("folder").mkdir()
    return [
        Path(name).absolute(),
        Path("folder") / ".." / name,
        Path("hard.json"),
        Path("soft.json"),
    ]


PROFILE = str(Path("profiles") / LLAMA / "A10G.json")
INPUTS = [
    (["plan", "service.yaml"], "service.yaml", "the service"),
    (["plan", "service.yaml"], "sizes.json", "the workload"),
    (["plan", "service.yaml"], "prices.csv", "the prices"),
    (["plan", "service.yaml", "--prices", "prices.csv"], "prices.csv", "the prices"),
    (["plan", "service.yaml", "--profiles", "profiles"], PROFILE, "the profiles"),
    (["sweep", "service.yaml"], "service.yaml", "the service"),
    (["check", "service.yaml"], "service.yaml", "the service"),
    (["check", "service.yaml"], "plan.json", "the baseline"),
    (["check", "service.yaml", "--update"], "plan.json", "the baseline"),
    (["check", "service.yaml", "-o", "a.md"], "sizes.json", "the workload"),
    (["compare", "plan.json", "plan.json"], "plan.json", "a plan"),
    (["solve", "config.json"], "config.json", "the config"),
    (["prices", "list", "--prices", "prices.csv"], "prices.csv", "the prices"),
    (["workload", "from-trace", "trace.csv"], "trace.csv", "the trace"),
    (["profile", "show", PROFILE], PROFILE, "the profile"),
    (["profile", "compare", PROFILE, "L4", "--model", LLAMA], PROFILE, "a profile"),
    (["profile", "import", PROFILE], PROFILE, "what is imported"),
    (["profile", "estimate", "--model", LLAMA, "--gpu", "A10G", "--calibrate", PROFILE],
     PROFILE, "--calibrate"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "file", "what"), INPUTS)
def test_no_result_is_written_over_an_input(
    melange, words: list[str], file: str, what: str
) -> None:
    before = Path(file).read_bytes()
    for name in (Path(file), *linked(file)):
        ended = melange(*words, "--out", name)
        assert (ended.code, ended.out) == (2, ""), name
        assert f"--out {name} would overwrite {what}: " in ended.err
    assert Path(file).read_bytes() == before


def test_the_place_of_a_profile_in_a_folder_counts_too(melange) -> None:
    before = Path(PROFILE).read_bytes()
    ended = melange("profile", "import", PROFILE, "--out", "profiles")
    assert ended.code == 2
    assert "would overwrite what is imported" in ended.err
    assert Path(PROFILE).read_bytes() == before


def test_what_is_meant_to_be_replaced_is(melange) -> None:
    Path("service.yaml").write_text(SERVICE.replace("rate: 4", "rate: 9"))
    before = Path("plan.json").read_bytes()
    assert melange("plan", "service.yaml").code == 0
    renewed = Path("plan.json").read_bytes()
    assert renewed != before
    Path("plan.json").write_bytes(before)
    assert melange("check", "service.yaml", "--update").code == 0
    assert Path("plan.json").read_bytes() == renewed
    ended = melange("check", "service.yaml", "--baseline", "service.yaml", "--update")
    assert ended.code == 2
    assert "--update service.yaml would overwrite the service" in ended.err
    assert Path("service.yaml").read_text().startswith("name: chat")


def test_a_new_plan_takes_the_place_of_the_one_it_stays_close_to(melange, folder: Path) -> None:
    before = (folder / "plan.json").read_text()
    ended = melange("plan", "service.yaml", "--keep", "plan.json", "--rate", "9")
    assert ended.code == 0, ended.err
    assert (folder / "plan.json").read_text() != before
