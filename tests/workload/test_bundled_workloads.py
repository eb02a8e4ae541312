"""The bundled documents are what scripts/make_workloads.py makes, and say what they are."""

from __future__ import annotations

import csv
import math
import runpy
from bisect import bisect_left
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from traces import TRACES, needs_traces

from melange_cloud.workload.document import Workload
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES
from melange_cloud.workload.store import bundled_names, load_workload

ROOT = Path(__file__).parents[2]


def bundled(name: str) -> Workload:
    return load_workload(name, Path())


def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "make_workloads.py"))


def test_computed_workloads_are_what_the_script_makes() -> None:
    made = script()["computed"](bundled("long-document"))
    assert [workload.name for workload in made] == ["arena", "mixed-80-20"]
    for workload in made:
        committed = bundled(workload.name)
        # the last digit of erf differs between C libraries
        for made_row, row in zip(workload.shares, committed.shares, strict=True):
            assert made_row == pytest.approx(row, rel=1e-9, abs=1e-15)
        assert workload.model_copy(update={"shares": []}) == committed.model_copy(
            update={"shares": []}
        )


@needs_traces
def test_counted_workloads_are_what_the_script_makes() -> None:
    made = script()["from_traces"](TRACES)
    committed = ROOT / "melange_cloud" / "workload" / "bundled"
    for workload in made:
        assert workload.to_json() == (committed / f"{workload.name}.json").read_text()
    assert {workload.name for workload in made} | {"arena", "mixed-80-20"} == set(bundled_names())


@needs_traces
@pytest.mark.parametrize(
    ("name", "file", "columns"),
    [
        (
            "azure-conversation",
            "AzureLLMInferenceTrace_conv.csv",
            ("ContextTokens", "GeneratedTokens"),
        ),
        ("azure-code", "AzureLLMInferenceTrace_code.csv", ("ContextTokens", "GeneratedTokens")),
        (
            "long-document",
            "vidur_arxiv_summarization_lengths.csv",
            ("num_prefill_tokens", "num_decode_tokens"),
        ),
    ],
)
def test_counted_workloads_equal_a_plain_count(
    name: str, file: str, columns: tuple[str, str]
) -> None:
    counts = [[0] * len(OUTPUT_EDGES) for _ in INPUT_EDGES]
    with (TRACES / file).open(newline="") as lines:
        for row in csv.DictReader(lines):
            output = min(int(row[columns[1]]), OUTPUT_EDGES[-1])
            counts[bisect_left(INPUT_EDGES, int(row[columns[0]]))][
                bisect_left(OUTPUT_EDGES, output)
            ] += 1
    workload = bundled(name)
    assert workload.requests == sum(map(sum, counts))
    for row, expected in zip(workload.shares, counts, strict=True):
        assert row == pytest.approx([count / workload.requests for count in expected], abs=1e-12)


def test_azure_rates_are_requests_over_the_hour_they_took() -> None:
    # 18:15:46.68 to 19:14:08.40 and 18:17:03.98 to 19:14:19.93
    assert bundled("azure-conversation").rate == pytest.approx(19366 / 3501.7219, rel=1e-6)
    assert bundled("azure-code").rate == pytest.approx(8819 / 3435.9481, rel=1e-6)


def test_long_document_records_what_was_clipped() -> None:
    assert any("928 of 28,257 outputs (3.3%)" in note for note in bundled("long-document").notes)


def test_arena_is_synthetic_and_has_the_published_quantiles() -> None:
    arena = bundled("arena")
    assert arena.source == "synthetic"
    assert any("0.006% of inputs" in note and "0.3% of outputs" in note for note in arena.notes)
    assert all(share == 0 for row in arena.shares[INPUT_EDGES.index(2000) + 1 :] for share in row)
    # a lognormal of mean m and sigma 1 has its median at m / sqrt(e)
    up_to_100 = sum(sum(row) for row in arena.shares[:2])
    whole = NormalDist().cdf(math.log(2000 / (69.5 / math.sqrt(math.e))))
    assert up_to_100 * whole == pytest.approx(
        NormalDist().cdf(math.log(100 / (69.5 / math.sqrt(math.e)))), rel=1e-9
    )


def test_mixed_is_four_fifths_arena() -> None:
    arena, documents, mixed = map(bundled, ("arena", "long-document", "mixed-80-20"))
    for chat, long, both in zip(arena.shares, documents.shares, mixed.shares, strict=True):
        assert both == pytest.approx([0.8 * c + 0.2 * d for c, d in zip(chat, long, strict=True)])
