from __future__ import annotations

import pytest

from melange_cloud.errors import InvalidInput
from melange_cloud.workload.grid import INPUT_EDGES, parse_edges


def test_edges_as_given() -> None:
    assert parse_edges("25, 100,8000", "--input-edges", INPUT_EDGES) == (25, 100, 8000)
    assert parse_edges(None, "--input-edges", INPUT_EDGES) == INPUT_EDGES


@pytest.mark.parametrize("text", ["", "5,4", "5,5", "0,5", "-1", "a", "1.5", "5,", "999999999999"])
def test_wrong_edges_name_the_option(text: str) -> None:
    with pytest.raises(InvalidInput, match="--input-edges"):
        parse_edges(text, "--input-edges", INPUT_EDGES)
