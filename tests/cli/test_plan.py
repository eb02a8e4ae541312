"""`plan`, `sweep`, `solve` and `schema`, as a user types them."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
CHAT = ROOT / "examples" / "chat.yaml"
PAPER = ROOT / "examples" / "paper"
SMALL = """\
name: small
model: meta-llama/Llama-2-7b-hf
slo: {tpot_ms: 120}
workload:
  rate: 4
  sizes:
    input_tokens: [100, 1000]
    output_tokens: [100, 500]
    shares: [[0.4, 0.3], [0.2, 0.1]]
offers: {gpus: [A10G, H100], regions: [us-east-1]}
limits: {instances: {p5.4xlarge: 3}}
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_as_it_is(melange, example: Path) -> None:
    ended = melange("plan", example)
    assert ended.code == 0, ended.err
    assert "proven cheapest" in ended.out
    plan = json.loads(Path("plan.json").read_text())
    assert plan["status"] == "optimal"
    cost = math.fsum(pool["count"] * pool["usd_per_hour_each"] for pool in plan["pools"])
    assert plan["cost"]["usd_per_hour"] == pytest.approx(cost, abs=1e-5)
    assert plan["cost"]["usd_per_month"] == pytest.approx(cost * 730, abs=0.01)
    assert plan["cost"]["lower_bound_usd_per_hour"] <= plan["cost"]["usd_per_hour"]
    pools = {pool["id"] for pool in plan["pools"]}
    for line in plan["assignment"]:
        assert set(line["shares"]) <= pools
        assert sum(line["shares"].values()) == pytest.approx(1, abs=1e-9)
    demand = plan["service"]["workload"]["rate"] * (1 + plan["service"]["headroom"])
    assert sum(line["rate"] for line in plan["assignment"]) == pytest.approx(demand)
    assert all(0 < pool["utilization"] <= 1 + 1e-6 for pool in plan["pools"])
    for baseline in plan["baselines"]:
        if baseline["feasible"]:
            assert baseline["usd_per_hour"] >= plan["cost"]["usd_per_hour"] - 1e-6
        else:
            assert baseline["why"]


def test_the_document_and_the_table(melange, golden) -> None:
    Path("small.yaml").write_text(SMALL)
    ended = melange("plan", "small.yaml")
    golden("plan/small.txt", ended.out)
    golden("plan/small.json", Path("plan.json").read_text())


def test_the_same_inputs_give_the_same_bytes(melange) -> None:
    melange("plan", CHAT, "--out", "a.json")
    melange("plan", CHAT, "--out", "b.json")
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_json_is_the_document_plus_timing(melange) -> None:
    ended = melange("plan", CHAT, "--format", "json", "--region", "us-east-1")
    printed = json.loads(ended.out)
    timing = printed.pop("timing")
    assert printed == json.loads(Path("plan.json").read_text())
    assert 0 < timing["solve_seconds"] <= timing["total_seconds"]


def test_options_override_the_file(melange) -> None:
    Path("small.yaml").write_text(SMALL)
    words = ("--rate", 8, "--tpot-ms", 90, "--ttft-ms", 5000, "--headroom", 0.5, "--gpu", "A10G")
    assert melange("plan", "small.yaml", *words).code == 0
    service = json.loads(Path("plan.json").read_text())["service"]
    assert service["workload"]["rate"] == 8
    assert service["slo"] == {"tpot_ms": 90, "ttft_ms": 5000, "percentile": "mean"}
    assert service["headroom"] == 0.5
    assert service["offers"]["gpus"] == ["A10G"]


def test_paths_in_a_service_start_at_its_folder_and_options_here(melange, tmp_path: Path) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "a.yaml").write_text((PAPER / "arena.yaml").read_text())
    (folder / "prices.csv").write_text((PAPER / "prices.csv").read_text())
    assert melange("plan", folder / "a.yaml").code == 0
    (tmp_path / "here.csv").write_text((PAPER / "prices.csv").read_text())
    (folder / "prices.csv").unlink()
    assert melange("plan", folder / "a.yaml").code == 2
    assert melange("plan", folder / "a.yaml", "--prices", "here.csv").code == 0


def test_old_prices_are_said_on_stderr_not_in_the_plan(melange) -> None:
    ended = melange("plan", CHAT)
    assert "warning: the oldest price used is of 2026-02-09" in ended.err
    assert "days" not in Path("plan.json").read_text()


def test_sliced_shares_are_never_cheaper(melange) -> None:
    Path("small.yaml").write_text(SMALL)
    melange("plan", "small.yaml", "--out", "continuous.json")
    melange("plan", "small.yaml", "--out", "sliced.json", "--slices", 4)
    costs = [
        json.loads(Path(name).read_text())["cost"]["usd_per_hour"]
        for name in ("continuous.json", "sliced.json")
    ]
    assert costs[0] <= costs[1]


def test_sweep_prints_cost_by_point_and_type(melange) -> None:
    words = ("sweep", PAPER / "arena.yaml", "--rates", "1,4", "--tpot-ms", "120,1")
    ended = melange(*words)
    assert ended.code == 0
    assert "TPOT 120 ms" in ended.out
    assert "A100-80GB only" in ended.out
    assert "Cannot be served" in ended.out
    assert "-: no such fleet can serve this rate under this TPOT" in ended.out
    document = json.loads(melange(*words, "--format", "json").out)
    assert [(point["rate"], point["tpot_ms"]) for point in document["points"]] == [
        (1, 120), (4, 120), (1, 1), (4, 1)
    ]  # fmt: skip
    assert [point["feasible"] for point in document["points"]] == [True, True, False, False]
    rows = list(csv.DictReader(io.StringIO(melange(*words, "--format", "csv").out)))
    assert [row["status"] for row in rows] == ["optimal", "optimal", "infeasible", "infeasible"]
    costs = [point["cost"]["usd_per_hour"] for point in document["points"][:2]]
    assert [float(row["usd_per_hour"]) for row in rows[:2]] == costs
    assert costs[0] <= costs[1]


def test_sweep_of_nothing_that_can_be_served_is_exit_3(melange) -> None:
    ended = melange("sweep", CHAT, "--rates", "1", "--tpot-ms", "1", "--out", "sweep.json")
    assert ended.code == 3
    assert not json.loads(Path("sweep.json").read_text())["points"][0]["feasible"]


def test_solve_speaks_the_papers_format(melange) -> None:
    config = {
        "gpu_info": {
            "A10G": {"cost": 1.01, "tputs": [[0.37]]},
            "A100": {"cost": 3.67, "tputs": [[2.0]]},
            "T4": {"cost": 0.5, "tputs": [[0]]},
        },
        "workload_distribution": [[1.0]],
        "total_request_rate": 4.3,
        "slice_factor": 8,
    }
    Path("figure9.json").write_text(json.dumps(config))
    plain = json.loads(melange("solve", "figure9.json").out)
    assert plain == {"A10G": 1, "A100": 2, "T4": 0, "cost": 8.35}
    detailed = json.loads(melange("solve", "figure9.json", "--details").out)
    assert detailed.pop("solve_seconds") > 0
    assert detailed == {**plain, "status": "optimal", "lower_bound": 8.35}
    assert json.loads(melange("solve", "figure9.json", "--slices").out)["cost"] > 8.35


@pytest.mark.parametrize("name", ["service", "workload", "profile", "prices", "plan"])
def test_schemas_admit_the_projects_own_documents(melange, name: str) -> None:
    import jsonschema
    import yaml

    schema = json.loads(melange("schema", name).out)
    if name == "service":
        documents = [yaml.safe_load(path.read_text()) for path in EXAMPLES]
    elif name == "plan":
        melange("plan", CHAT)
        documents = [json.loads(Path("plan.json").read_text())]
    else:
        folder = {
            "workload": ROOT / "melange_cloud" / "workload" / "bundled",
            "profile": ROOT / "profiles" / "meta-llama" / "Llama-2-7b-hf",
            "prices": ROOT / "melange_cloud" / "prices" / "data",
        }[name]
        texts = [path.read_text() for path in sorted(folder.glob("*.json"))]
        documents = [
            data for data in map(json.loads, texts) if f"/{name}/" in data.get("schema", "")
        ]
    assert documents
    for document in documents:
        jsonschema.validate(document, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document | {"no such key": 1}, schema)


def test_module_and_script_are_the_same_command() -> None:
    for command in ([sys.executable, "-m", "melange_cloud"], [_script()]):
        ended = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert ended.stdout.startswith("melange-cloud ")


def _script() -> str:
    return str(Path(sys.executable).with_name("melange-cloud"))
