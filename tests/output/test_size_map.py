"""The map of sizes says what the plan says: who serves what, and nothing of empty sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.output.size_map import SizeMap, Span, coarsened, letter, merged, size_map
from melange_cloud.output.text import cells
from melange_cloud.plan import Assignment

EDGES = st.lists(st.integers(1, 99_999), min_size=1, max_size=7, unique=True).map(sorted)
CELL = st.one_of(st.none(), st.dictionaries(st.sampled_from("ABC"), st.floats(0.01, 5), min_size=1))


def spans(edges: list[int]) -> list[Span]:
    return list(zip([0, *edges], edges, strict=False))


@st.composite
def maps(draw: st.DrawFn) -> SizeMap:
    rows, columns = spans(draw(EDGES)), spans(draw(EDGES))
    every = [(i, o) for i in rows for o in columns]
    found = {at: Counter(rates) for at in every if (rates := draw(CELL))}
    inputs, outputs = sorted({i for i, _ in found}), sorted({o for _, o in found})
    return SizeMap(inputs, outputs, found)


def inside(part: Span, whole: Span) -> bool:
    return whole[0] <= part[0] and part[1] <= whole[1]


def exact(found: SizeMap) -> dict[tuple[Span, Span], tuple[str, ...]]:
    return {at: found.served(*at) for at in found.rates}


@given(maps())
def test_merging_changes_nothing_that_is_said(found: SizeMap) -> None:
    small = merged(found)
    for (i, o), served in exact(found).items():
        (over,) = [at for at in small.rates if inside(i, at[0]) and inside(o, at[1])]
        assert set(small.served(*over)) == set(served)
    blanks = [(i, o) for i in found.inputs for o in found.outputs if (i, o) not in found.rates]
    for i, o in blanks:
        assert not [at for at in small.rates if inside(i, at[0]) and inside(o, at[1])]
    for one, next_ in zip(small.inputs, small.inputs[1:], strict=False):
        assert one[1] < next_[0] or any(
            small.served(one, o) != small.served(next_, o) for o in small.outputs
        )


@given(maps(), st.integers(1, 4), st.integers(1, 4))
def test_a_coarse_map_names_every_pool_and_no_other(
    found: SizeMap, rows: int, columns: int
) -> None:
    coarse = coarsened(found, rows, columns)
    for at in coarse.rates:
        parts = [part for part in found.rates if inside(part[0], at[0]) and inside(part[1], at[1])]
        assert set(coarse.served(*at)) == {name for part in parts for name in found.served(*part)}
    total = sum(rates.total() for rates in found.rates.values())
    assert abs(sum(rates.total() for rates in coarse.rates.values()) - total) < 1e-6
    for at in found.rates:
        assert any(inside(at[0], over[0]) and inside(at[1], over[1]) for over in coarse.rates)


def lines(
    inputs: list[int], outputs: list[int], shares: Callable[[Span, Span], dict[str, float]]
) -> list[Assignment]:
    return [
        Assignment(input_tokens=list(i), output_tokens=list(o), rate=1.0, shares=shares(i, o))
        for i in spans(inputs)
        for o in spans(outputs)
    ]


def checkered(i: Span, o: Span) -> dict[str, float]:
    """No two neighbours alike, and all split: the worst for a map."""
    first, second = ("one", "two") if (i[0] * 7 + o[0] * 3) % 2 else ("two", "three")
    return {first: 0.7, second: 0.3}


LETTERS = {"one": "A", "two": "B", "three": "C"}


def test_ten_by_six_fits_80_columns_in_one_part() -> None:
    inputs = [25, 100, 251, 500, 1001, 2000, 4001, 8000, 12001, 16000]
    outputs = [25, 100, 251, 500, 1001, 2000]
    text = size_map(lines(inputs, outputs, checkered), LETTERS)
    assert max(map(cells, text.splitlines())) <= 80
    assert text.count("input \\ output") == 1
    assert text.count("A B") + text.count("B C") == 60
    assert "how they share them does not fit here; plan.json has it" in text


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_any_grid_fits_80_columns(rows: int, columns: int) -> None:
    inputs = [7 * n + n % 3 for n in range(1, rows + 1)]
    outputs = list(range(3, 3 * columns + 3, 3))
    text = size_map(lines(inputs, outputs, checkered), LETTERS)
    assert max(map(cells, text.splitlines())) <= 80
    assert len(text.splitlines()) < 80


def test_percentages_stand_where_pools_share_and_a_gap_stays_a_gap() -> None:
    found = [
        Assignment(input_tokens=[0, 25], output_tokens=[0, 100], rate=3.0, shares={"one": 1.0}),
        Assignment(
            input_tokens=[25, 100],
            output_tokens=[0, 100],
            rate=1.0,
            shares={"one": 0.25, "two": 0.75},
        ),
        Assignment(
            input_tokens=[500, 1000],
            output_tokens=[0, 100],
            rate=1.0,
            shares={"two": 0.999, "one": 0.001},
        ),
    ]
    text = size_map(found, LETTERS)
    assert "25-100           B 75% A 25%" in text
    assert "500-1000         B >99% A <1%" in text
    assert "100-500" not in text


def test_one_pool_needs_no_map() -> None:
    text = size_map(lines([25], [25], lambda _i, _o: {"one": 1.0}), {"one": "A"})
    assert text == "Pool A serves all requests\n"


def test_letters_go_on_behind_z() -> None:
    assert [letter(n) for n in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip
