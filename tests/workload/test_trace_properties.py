"""What must hold for every trace, checked against a count in plain Python and in SQLite."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
import sqlite3
import tempfile
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES
from melange_cloud.workload.trace import TraceOptions, trace_sql, workload_from_trace
from melange_cloud.workload.trace_columns import ColumnChoice

on_edges = st.sampled_from([edge + step for edge in (1, *INPUT_EDGES) for step in (-1, 0, 1)])
lengths = st.one_of(on_edges, st.integers(1, 40_000)).filter(lambda n: n >= 1)
requests = st.lists(st.tuples(lengths, lengths), min_size=1, max_size=60)
edges = st.sets(st.integers(1, 20_000), min_size=1, max_size=6).map(lambda e: tuple(sorted(e)))

INPUT, OUTPUT = "ContextTokens", "GeneratedTokens"


def write_csv(
    path: Path, rows: list[tuple[object, ...]], header: tuple[str, ...] = (INPUT, OUTPUT)
) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def count(
    rows: list[tuple[int, int]], inputs: list[int], outputs: list[int]
) -> Counter[tuple[int, int]]:
    """How many requests each bucket (lo, hi] holds."""
    return Counter((bisect_left(inputs, i), bisect_left(outputs, o)) for i, o in rows)


@settings(max_examples=60, deadline=None)
@given(requests, edges, edges, st.sampled_from(["t.csv", "t.csv.gz"]))
def test_histogram_equals_a_plain_count_and_extend_loses_nothing(
    rows: list[tuple[int, int]], inputs: tuple[int, ...], outputs: tuple[int, ...], name: str
) -> None:
    options = TraceOptions(input_edges=inputs, output_edges=outputs, extend=True)
    with tempfile.TemporaryDirectory() as folder:
        workload = workload_from_trace(write_csv(Path(folder) / name, rows), options)
    for made, given_edges, longest in (
        (workload.input_tokens, inputs, max(i for i, _ in rows)),
        (workload.output_tokens, outputs, max(o for _, o in rows)),
    ):
        assert made == [*given_edges, *([longest] if longest > given_edges[-1] else [])]
    expected = count(rows, workload.input_tokens, workload.output_tokens)
    found = {
        (i, o): round(share * len(rows))
        for i, line in enumerate(workload.shares)
        for o, share in enumerate(line)
        if share
    }
    assert found == expected
    assert workload.requests == len(rows)
    assert math.fsum(map(math.fsum, workload.shares)) == pytest.approx(1, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(requests, st.randoms(use_true_random=False))
def test_order_and_format_do_not_matter(
    rows: list[tuple[int, int]], shuffler: random.Random
) -> None:
    timed = [(0.5 * n, i, o) for n, (i, o) in enumerate(rows)]
    shuffled = shuffler.sample(timed, len(timed))
    options = TraceOptions(extend=True)
    with tempfile.TemporaryDirectory() as folder:
        first = write_csv(Path(folder) / "t.csv", timed, ("timestamp_s", INPUT, OUTPUT))
        second = Path(folder) / "t.jsonl"
        second.write_text(
            "\n".join(json.dumps({"timestamp_s": t, OUTPUT: o, INPUT: i}) for t, i, o in shuffled)
        )
        a = workload_from_trace(first, options, provenance="test")
        b = workload_from_trace(second, options, provenance="test")
    assert a == b
    span = 0.5 * (len(rows) - 1)
    assert a.rate == (pytest.approx(len(rows) / span) if span else None)


@settings(max_examples=40, deadline=None)
@given(requests)
def test_without_extend_it_stops_exactly_when_a_request_is_larger(
    rows: list[tuple[int, int]],
) -> None:
    larger = sum(i > INPUT_EDGES[-1] or o > OUTPUT_EDGES[-1] for i, o in rows)
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "t.csv", rows)
        if not larger:
            assert workload_from_trace(path).requests == len(rows)
            return
        with pytest.raises(InvalidInput) as caught:
            workload_from_trace(path)
    assert f": {larger} of {len(rows)} request" in str(caught.value)
    for name, last, longest in (
        ("input", INPUT_EDGES[-1], max(i for i, _ in rows)),
        ("output", OUTPUT_EDGES[-1], max(o for _, o in rows)),
    ):
        said = f"more than {last} {name} tokens; the edge {longest} would hold them"
        assert (said in str(caught.value)) == (longest > last)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 30_000) | st.none(), st.integers(-5, 3_000) | st.none())))
def test_the_same_statement_counts_a_table_in_another_database(
    rows: list[tuple[int | None, int | None]],
) -> None:
    """SQLite stands in for a warehouse: it shares no code with DuckDB."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / 'a "quoted" name.csv', rows or [(1, 1)])
        sql = trace_sql(path)
    database = sqlite3.connect(":memory:")
    database.create_function("FLOOR", 1, lambda x: None if x is None else math.floor(x))
    database.execute(f'CREATE TABLE "a ""quoted"" name" ("{INPUT}" INTEGER, "{OUTPUT}" INTEGER)')
    database.executemany('INSERT INTO "a ""quoted"" name" VALUES (?, ?)', rows)

    def edge(length: int | None, known: tuple[int, ...]) -> int | None:
        if length is None or length < 1:
            return 0
        return next((edge for edge in known if length <= edge), None)

    expected = Counter((edge(i, INPUT_EDGES), edge(o, OUTPUT_EDGES)) for i, o in rows)
    assert {(row[0], row[1]): row[2] for row in database.execute(sql)} == expected


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
            lambda s: s == s.strip() and not s[0].isnumeric()
        ),
        min_size=2,
        max_size=5,
        unique=True,
    )
)
def test_columns_may_have_any_name(names: list[str]) -> None:
    # the wanted columns come last; a name that reads as a number would be no header
    names = [f"c{name}" for name in names]
    choice = ColumnChoice(timestamp="none", input_tokens=names[-1], output_tokens=names[-2])
    values = [7] * (len(names) - 2) + [300, 2000]
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "t.csv", [tuple(values)], tuple(names))
        workload = workload_from_trace(path, TraceOptions(columns=choice))
        jsonl = Path(folder) / "t.jsonl"
        jsonl.write_text(json.dumps(dict(zip(names, values, strict=True))))
        same = workload_from_trace(jsonl, TraceOptions(columns=choice))
    assert workload.shares[INPUT_EDGES.index(2000)][OUTPUT_EDGES.index(500)] == 1
    assert same.shares == workload.shares
