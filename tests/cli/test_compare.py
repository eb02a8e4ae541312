"""`compare`: plans side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SERVICE = """\
name: chat
model: meta-llama/Llama-2-7b-hf
slo: {tpot_ms: 120}
workload:
  rate: 4
  sizes:
    input_tokens: [100, 1000]
    output_tokens: [100, 500]
    shares: [[0.4, 0.3], [0.2, 0.1]]
offers: {gpus: [A10G, H100], regions: [us-east-1]}
"""


@pytest.fixture(autouse=True)
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, melange: Any) -> None:
    monkeypatch.chdir(tmp_path)
    prices = "provider,region,instance_type,gpu,gpu_count,usd_per_hour,as_of\n"
    prices += "aws,us-east-1,g5.xlarge,A10G,1,1.0,2026-02-09\n"
    prices += "aws,us-east-1,p5.4xlarge,H100,1,7.0,2026-02-09\n"
    Path("prices.csv").write_text(prices)
    Path("service.yaml").write_text(SERVICE)
    for name, words in {
        "before.json": [],
        "after.json": ["--rate", "12", "--ttft-ms", "3000", "--headroom", "0.1"],
        "h100.json": ["--gpu", "H100"],
    }.items():
        given = ["plan", "service.yaml", "--prices", "prices.csv", "--out", name, *words]
        assert melange(*given).code == 0


def test_json_has_the_difference_to_the_first(melange: Any) -> None:
    ended = melange("compare", "before.json", "after.json", "h100.json", "--format", "json")
    assert ended.code == 0
    plans = json.loads(ended.out)["plans"]
    assert [plan["file"] for plan in plans] == ["before.json", "after.json", "h100.json"]
    assert plans[0]["more_usd_per_hour"] == 0
    for plan in plans:
        data = json.loads(Path(plan["file"]).read_text())
        first = plans[0]["usd_per_hour"]
        assert plan["usd_per_hour"] == data["cost"]["usd_per_hour"]
        assert plan["more_usd_per_hour"] == pytest.approx(plan["usd_per_hour"] - first)
        assert plan["more"] == pytest.approx(plan["usd_per_hour"] / first - 1, abs=1e-6)
        assert plan["pools"] == {pool["id"]: pool["count"] for pool in data["pools"]}


def test_table_has_a_column_a_plan(melange: Any) -> None:
    ended = melange("compare", "before.json", "after.json", "h100.json")
    header = ended.out.splitlines()[0].split()
    assert header == ["before.json", "after.json", "h100.json"]
    by_name = {line.split("  ")[0]: line.split() for line in ended.out.splitlines()}
    assert by_name["TTFT, ms"][-3:] == ["-", "3000", "-"]
    assert by_name["oldest price"][-3:] == ["2026-02-09"] * 3
    assert by_name["aws-us-east-1-p5-4xlarge-tp1"][-1] != "-"


def test_out_writes_the_document(melange: Any) -> None:
    ended = melange("compare", "before.json", "after.json", "--out", "both.json")
    assert ended.code == 0
    assert json.loads(Path("both.json").read_text())["schema"] == "melange-cloud/comparison/v1"


def test_what_is_refused(melange: Any) -> None:
    Path("broken.json").write_text("{")
    data = json.loads(Path("after.json").read_text())
    data["cost"]["usd_per_hour"] = 1.0
    Path("edited.json").write_text(json.dumps(data))
    for words, said in (
        (["before.json"], "needs at least two plans"),
        (["before.json", "none.json"], "none.json does not exist"),
        (["before.json", "broken.json"], "not valid JSON"),
        (["before.json", "edited.json"], "but the pools cost"),
    ):
        ended = melange("compare", *words)
        assert ended.code == 2
        assert said in ended.err
