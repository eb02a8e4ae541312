"""Small profiles for tests, and strategies that make many."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from melange_cloud.documents import validate
from melange_cloud.profiles.document import COLUMNS, Profile

Point = tuple[float, float, float, float]
"""concurrency, requests/s, mean TTFT ms, mean TPOT ms"""


def document(points: dict[tuple[int, int], list[Point]], **changes: Any) -> dict[str, Any]:
    """A measured profile's document with the given points at each size."""
    rows = [
        [i, o, concurrency, rate, ttft, ttft * 2, tpot, tpot * 2, 100, 0, 0.5, "closed"]
        for (i, o), at_size in points.items()
        for concurrency, rate, ttft, tpot in at_size
    ]
    return {
        "schema": "melange-cloud/profile/v1",
        "model": "some/model",
        "gpu": "L4",
        "tensor_parallel": 1,
        "engine": {"name": "vllm", "version": "0.2.7", "args": []},
        "source": "measured",
        "provenance": "made for a test",
        "max_model_len": 4096,
        "columns": list(COLUMNS),
        "points": rows,
    } | changes


def profile(points: dict[tuple[int, int], list[Point]], **changes: Any) -> Profile:
    return validate(Profile, document(points, **changes), "sample", "profile")


RISING: list[Point] = [(1, 1.0, 50, 20), (2, 1.8, 60, 25), (4, 3.0, 100, 40), (8, 4.0, 300, 80)]
"""Points at one size, as an engine gives them: more load, more throughput, slower tokens."""

positive = st.floats(0.01, 1000, allow_nan=False)


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    """Points at rising concurrency; rates and latencies as noisy as can be."""
    count = draw(st.integers(1, 6))
    return [(k + 1.0, draw(positive), draw(positive), draw(positive)) for k in range(count)]


@st.composite
def grids(draw: st.DrawFn) -> dict[tuple[int, int], list[Point]]:
    """Points at each size of a small rectangular grid."""
    edges = st.lists(
        st.sampled_from([25, 100, 250, 500, 1000]), min_size=1, max_size=3, unique=True
    )
    return {(i, o): draw(points()) for i in sorted(draw(edges)) for o in sorted(draw(edges))}
