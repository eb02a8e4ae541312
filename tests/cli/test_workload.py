from __future__ import annotations

import json
from pathlib import Path

import pytest

from melange_cloud.cli.main import main
from melange_cloud.documents import load_json
from melange_cloud.workload.document import Workload
from melange_cloud.workload.store import bundled_names, load_workload

TRACE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2024-01-01 00:00:00,25,26\n"
    "2024-01-01 00:00:01,26,25\n"
    "2024-01-01 00:00:02,100,2000\n"
    "2024-01-01 00:00:04,16000,1\n"
)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "chat.csv"
    path.write_text(TRACE)
    return path


def run(*arguments: object) -> int:
    """The exit code of the command line; 0 when it just returns."""
    try:
        main(["workload", *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_show_lists_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show") == 0
    assert capsys.readouterr().out.split() == list(bundled_names())
    assert run("show", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == list(bundled_names())


@pytest.mark.parametrize("name", bundled_names())
def test_show_prints_shares_totals_origin_and_notes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", name) == 0
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    workload = load_workload(name, Path())
    assert shown.startswith(f"{name}: ")
    for edge, row in zip(workload.input_tokens, workload.shares, strict=True):
        cells = next(line for line in lines if line[:1] == [f"≤{edge}"])
        assert len(cells) == 2 + len(row)
        for cell, share in zip(cells[1:], [*row, sum(row)], strict=True):
            if cell not in ("·", "<0.01"):
                assert float(cell) == pytest.approx(100 * share, abs=0.006)
    assert next(line for line in lines if line[:1] == ["all"])[-1] == "100.00"
    flat = " ".join(shown.split())
    for text in (workload.provenance, *workload.notes):
        assert " ".join(text.split()) in flat


def test_show_json_is_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "azure-code", "--format", "json") == 0
    assert capsys.readouterr().out == load_workload("azure-code", Path()).to_json()


def test_from_trace_prints_a_table(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("from-trace", trace) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("chat: % of requests")
    assert "Requests: 4\nRate: 1 requests/s on average" in printed.out
    assert printed.err == ""


def test_from_trace_writes_the_document_it_prints(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w.json"
    assert run("from-trace", trace, "--format", "json", "--out", out, "--name", "mine") == 0
    assert capsys.readouterr().out == out.read_text()
    workload = load_json(out, Workload, "workload")
    assert (workload.name, workload.requests, workload.rate) == ("mine", 4, 1.0)
    filled = {
        (i, o): share
        for i, row in zip(workload.input_tokens, workload.shares, strict=True)
        for o, share in zip(workload.output_tokens, row, strict=True)
        if share
    }
    assert filled == dict.fromkeys([(25, 100), (100, 25), (100, 2000), (16000, 25)], 0.25)
    first = out.read_bytes()
    assert run("from-trace", trace, "--out", out, "--name", "mine") == 0
    assert out.read_bytes() == first
    capsys.readouterr()
    assert run("show", out) == 0
    assert capsys.readouterr().out.startswith("mine: ")


def test_own_edges_and_extend(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edges = ("--input-edges", "50,100", "--output-edges", "25,1999", "--format", "json")
    assert run("from-trace", trace, *edges) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: " in said.err
    assert "2 of 4 requests (50%) are larger than the size grid" in said.err
    assert "1 with more than 100 input tokens; the edge 16000 would hold them" in said.err
    assert "1 with more than 1999 output tokens; the edge 2000 would hold them" in said.err
    assert "--extend" in said.err
    assert run("from-trace", trace, *edges, "--extend") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["input_tokens"] == [50, 100, 16000]
    assert made["output_tokens"] == [25, 1999, 2000]
    assert len(made["notes"]) == 2


def test_print_sql_prints_the_statement_only(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("from-trace", trace, "--print-sql") == 0
    sql = capsys.readouterr().out
    assert sql.startswith("SELECT\n  input_edge,")
    assert 'FROM "chat"' in sql
    assert '"ContextTokens" AS input_tokens' in sql
    assert sql.rstrip().endswith("GROUP BY input_edge, output_edge")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "arean"), 2, 'did you mean "arena"?'),
        (("show", "nowhere/w.json"), 2, "no such workload file"),
        (("show", "."), 2, "is a directory"),
        (("from-trace", "nowhere.csv"), 2, "a trace was expected"),
        (("from-trace",), 2, "Missing argument"),
        (("from-trace", "{trace}", "--input-edges", "5,4"), 2, "--input-edges"),
        (("from-trace", "{trace}", "--time-unit", "days"), 2, "--time-unit"),
        (("from-trace", "{trace}", "--out", "{folder}/none/w.json"), 4, "cannot be written"),
    ],
)
def test_errors_are_one_message_and_their_exit_code(
    arguments: tuple[str, ...],
    code: int,
    said: str,
    trace: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [text.format(trace=trace, folder=trace.parent) for text in arguments]
    assert run(*filled) == code
    printed = capsys.readouterr()
    assert said in printed.err
    # what was counted is not lost where it cannot be written
    assert bool(printed.out) == (code == 4)
    assert "Traceback" not in printed.err
    assert [path.name for path in trace.parent.iterdir()] == ["chat.csv"]
