"""Every size has weights: the plan's, and elsewhere those of the nearest that is large enough."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
from gateway_rig import base_for, check_files, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_plans import three_pools

from melange_cloud.errors import InvalidInput
from melange_cloud.gateway import (
    Backend,
    GatewayOptions,
    default_backends,
    depends_on_size,
    gateway_files,
    overall_shares,
    routing_table,
)
from melange_cloud.gateway.routing import WEIGHT_TOTAL, whole_weights
from melange_cloud.plan import load_plan

A, B = {"a": 1.0}, {"b": 1.0}

patient = settings(deadline=None)  # a plan is slow to validate, more so on a busy machine

shares = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.001, 1), min_size=1)
edges = st.lists(st.integers(1, 20_000), min_size=1, max_size=6, unique=True).map(sorted)


@st.composite
def plans(draw):
    """A grid with some of its buckets planned."""
    grids = [[0, *draw(edges)], [0, *draw(edges)]]
    inputs, outputs = (list(pairwise(grid)) for grid in grids)
    cells = [(*i, *o) for i in inputs for o in outputs]
    chosen = draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    return plan_of(
        {
            cell: {pool: share / sum(found.values()) for pool, share in found.items()}
            for cell in chosen
            for found in [draw(shares)]
        }
    )


@patient
@given(plans())
def test_every_size_has_weights_and_the_plan_has_its_own(plan) -> None:
    table = routing_table(plan)
    cells = (len(table.input_edges) + 1) * (len(table.output_edges) + 1)
    assert len(table.weights) == cells
    assert all(sum(weights) == WEIGHT_TOTAL for weights in table.weights.values())
    for entry in plan.assignment:
        at = table.cell(entry.input_tokens[1], entry.output_tokens[1])
        assert at == table.cell(entry.input_tokens[0] + 1, entry.output_tokens[1]) or any(
            entry.input_tokens[0] < edge < entry.input_tokens[1] for edge in table.input_edges
        )
        expected = [entry.shares.get(pool, 0) * WEIGHT_TOTAL for pool in table.pool_ids]
        assert list(table.weights[at]) == pytest.approx(expected, abs=1)


@patient
@given(plans())
def test_a_size_outside_goes_to_a_planned_bucket_that_is_large_enough(plan) -> None:
    table = routing_table(plan)
    for (row, column), weights in table.weights.items():
        enough = [
            entry
            for entry in plan.assignment
            if row < len(table.input_edges)
            and column < len(table.output_edges)
            and entry.input_tokens[1] >= table.input_edges[row]
            and entry.output_tokens[1] >= table.output_edges[column]
        ]
        longest = max(entry.input_tokens[1] + entry.output_tokens[1] for entry in plan.assignment)
        candidates = enough or [
            entry
            for entry in plan.assignment
            if entry.input_tokens[1] + entry.output_tokens[1] == longest
        ]
        assert weights in [whole_weights(entry.shares, table.pool_ids) for entry in candidates]


@patient
@given(plans(), st.floats(0.5, 12), st.integers(0, 2**20), st.integers(1, 2**20))
def test_the_maps_say_what_the_table_says(plan, bytes_per_token, size, tokens) -> None:
    options = GatewayOptions(bytes_per_token=bytes_per_token)
    files = gateway_files(plan, default_backends(plan), options)
    table = routing_table(plan)
    for probe in {size, *(math.floor(e * bytes_per_token) for e in table.input_edges)}:
        for output in {tokens, *table.output_edges}:
            row = in_ranges(files["input.map"], probe, len(table.input_edges))
            column = in_ranges(files["output.map"], output, len(table.output_edges))
            weights = dict(line.split(" ") for line in files["weights.map"].splitlines())
            at = table.cell(probe / bytes_per_token, output)
            assert tuple(map(int, weights[f"{row}_{column}"].split(","))) == table.weights[at]


def in_ranges(text: str, value: int, otherwise: int) -> int:
    """As HAProxy's map_int_int: closed ranges, and a default."""
    for line in text.splitlines():
        bounds, _, index = line.partition(" ")
        low, high = map(int, bounds.split(":"))
        if low <= value <= high:
            return int(index)
    return otherwise


def test_the_nearest_is_fewest_steps_then_shorter_output() -> None:
    plan = plan_of({(0, 10, 0, 10): A, (20, 30, 10, 20): {"b": 1.0}, (10, 20, 20, 30): {"c": 1.0}})
    table = routing_table(plan)
    assert table.pool_ids == ("a", "b", "c")
    own = {"a": (10_000, 0, 0), "b": (0, 10_000, 0), "c": (0, 0, 10_000)}
    assert table.weights[table.cell(5, 5)] == own["a"]
    assert table.weights[table.cell(15, 5)] == own["b"]  # b is 2 steps away and so is c
    assert table.weights[table.cell(5, 15)] == own["b"]
    assert table.weights[table.cell(5, 25)] == own["c"]  # 1 step; b is not large enough
    assert table.weights[table.cell(31, 5)] == own["b"]  # none is; of two as large the longer input
    assert table.weights[table.cell(30, 20)] == own["b"]


def test_the_mean_output_is_by_rate_and_from_the_next_longer_input() -> None:
    buckets = {(0, 10, 0, 100): A, (0, 10, 100, 300): A, (20, 30, 0, 100): A}
    plan = plan_of(buckets, rates={(0, 10, 0, 100): 3.0, (0, 10, 100, 300): 1.0})
    table = routing_table(plan)
    assert table.input_edges == (10, 20, 30)
    assert table.mean_output == (88, 50, 50, 50)


@given(shares)
def test_whole_weights_sum_and_are_near(found) -> None:
    weights = whole_weights(found, "abcdef")
    assert sum(weights) == WEIGHT_TOTAL
    total = sum(found.values())
    for pool, weight in zip("abcdef", weights, strict=True):
        assert abs(weight - found.get(pool, 0) / total * WEIGHT_TOTAL) < 1


def test_size_matters_when_a_bucket_differs() -> None:
    assert not depends_on_size(plan_of({(0, 1, 0, 1): A, (1, 2, 0, 1): A}))
    assert depends_on_size(plan_of({(0, 1, 0, 1): A, (1, 2, 0, 1): B}))
    even = plan_of({(0, 1, 0, 1): A, (1, 2, 0, 1): B}, rates={(0, 1, 0, 1): 3.0})
    assert overall_shares(even) == {"a": 0.75, "b": 0.25}


def test_the_same_plan_gives_the_same_bytes() -> None:
    files = [gateway_files(three_pools(), default_backends(three_pools())) for _ in range(2)]
    assert files[0] == files[1]
    assert list(files[0]) == list(files[1])


@pytest.mark.parametrize(
    "pool_id", ["", "A", "a b", "a\nb", "a'b", "-a", "a--b", "a_b", "${HOME}", "a" * 121, "é"]
)
def test_a_pool_that_haproxy_cannot_name_is_refused(pool_id: str) -> None:
    with pytest.raises(InvalidInput):
        gateway_files(plan_of({(0, 1, 0, 1): {pool_id: 1.0}}), [Backend(pool_id)])


@pytest.mark.parametrize(
    "buckets",
    [
        {(5, 5, 0, 1): A},
        {(5, 4, 0, 1): A},
        {(-1, 4, 0, 1): A},
        {(0, 5, 0, 1): A, (1, 5, 0, 1): A},
        {},
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(buckets) -> None:
    with pytest.raises(InvalidInput):
        routing_table(plan_of(buckets))


def test_backends_must_be_the_plans_pools() -> None:
    plan = plan_of({(0, 1, 0, 1): A})
    for backends in ([], [Backend("b")], [Backend("a"), Backend("b")], [Backend("a")] * 2):
        with pytest.raises(InvalidInput):
            gateway_files(plan, backends)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bytes_per_token": 0},
        {"bytes_per_token": math.nan},
        {"max_body_bytes": 0},
        {"buffer_bytes": 1},
        {"answer_timeout_seconds": 0},
        {"max_connections": 0},
    ],
)
def test_options_out_of_range_are_refused(wrong) -> None:
    with pytest.raises(InvalidInput):
        GatewayOptions(**wrong)


@pytest.mark.parametrize(
    ("tokens", "buffer_bytes"), [(100, 2**16), (16_000, 2**17), (10**6, 2**20)]
)
def test_the_buffer_holds_the_longest_planned_input(tokens: int, buffer_bytes: int) -> None:
    assert GatewayOptions().buffer_for(tokens) == buffer_bytes


@pytest.mark.gateway
@pytest.mark.parametrize("name", ["chat", "documents", "two-clouds"])
def test_haproxy_takes_the_examples(name: str, tmp_path: Path, melange, haproxy: str) -> None:  # noqa: ARG001
    example = Path(__file__).parents[2] / "examples" / f"{name}.yaml"
    assert melange("plan", example, "--out", tmp_path / "plan.json").code == 0
    plan = load_plan(tmp_path / "plan.json")
    files = gateway_files(plan, default_backends(plan))
    base = base_for([pool.id for pool in plan.pools])
    checked = check_files(files | {"base.cfg": base, "keys.map": ""}, tmp_path / "gateway")
    assert (checked.returncode, "WARNING" in checked.stderr) == (0, False), checked.stderr
