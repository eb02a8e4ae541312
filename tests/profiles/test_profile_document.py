"""A profile says clearly what is wrong with it, all at once, and costs little to read."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
from profile_samples import RISING, document, profile

from melange_cloud.documents import dump_json, validate
from melange_cloud.errors import InvalidDocument, InvalidInput
from melange_cloud.profiles.document import COLUMNS, Profile, load_profile


def problems(data: dict[str, Any]) -> str:
    with pytest.raises(InvalidDocument) as raised:
        validate(Profile, data, "p.json", "profile")
    return str(raised.value)


def with_row(row: object) -> dict[str, Any]:
    data = document({(100, 100): RISING})
    data["points"].append(row)
    return data


GOOD_ROW = [100, 100, 16, 4.5, 900, None, 120, None, None, None, None, None]


def test_nulls_stand_for_what_is_unknown() -> None:
    assert validate(Profile, with_row(GOOD_ROW), "p.json", "profile").points[-1] == GOOD_ROW


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("input_tokens", 0),
        ("input_tokens", 100.0),
        ("output_tokens", None),
        ("concurrency", 0),
        ("concurrency", True),
        ("request_rate", -1),
        ("request_rate", None),
        ("request_rate", math.nan),
        ("request_rate", math.inf),
        ("request_rate", 10**400),
        ("request_rate", "4.5"),
        ("ttft_ms_mean", -0.1),
        ("tpot_ms_p99", [1]),
        ("errors", 1.5),
        ("arrivals", 3),
    ],
)
def test_a_wrong_value_is_named_by_row_and_column(column: str, value: object) -> None:
    row = list(GOOD_ROW)
    row[COLUMNS.index(column)] = value
    assert f"points: [4].{column} must be " in problems(with_row(row))


def test_all_problems_at_once_and_not_too_many() -> None:
    data = with_row([100, 100]) | {"tensor_parallel": 0, "colour": 1, "max_model_len": -1}
    data["points"] += [[1]] * 500
    text = problems(data)
    assert "(4 problems)" in text
    assert "colour" in text
    assert "tensor_parallel" in text
    assert "[4] must have 12 values, one for each column, but has 2" in text
    assert "[11] must have 12 values, one for each column, but has 1; and 493 more\n" in text


@pytest.mark.parametrize("points", [[], {}, None, "x", [3], [None], [[]]])
def test_points_that_are_no_rows(points: object) -> None:
    assert "points" in problems(document({}) | {"points": points})


def test_columns_must_be_known_complete_and_once_each() -> None:
    columns = ["input_tokens", "output_token", "concurrency", "concurrency", "tpot_ms_mean"]
    text = problems(document({(1, 1): RISING}) | {"columns": columns})
    assert 'unknown column "output_token"; did you mean "output_tokens"?' in text
    assert "output_tokens is missing" in text
    assert "request_rate is missing" in text
    assert "concurrency appears twice" in text
    assert "(1 problem)" in text


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent() -> None:
    columns = ["tpot_ms_mean", "request_rate", "concurrency", "output_tokens", "input_tokens"]
    data = document({}) | {"columns": columns, "points": [[20, 1.5, 1, 50, 100]]}
    assert validate(Profile, data, "p.json", "profile").sizes == [(100, 50)]


def test_the_gpu_has_one_name() -> None:
    assert profile({(1, 1): RISING}, gpu="h100-80gb").gpu == "H100"


def test_the_file_reads_back_and_the_digest_is_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    made = profile({(100, 100): RISING})
    path.write_text(made.to_json())
    read = load_profile(path)
    assert read == made
    path.write_text(dump_json(dict(reversed(document({(100, 100): RISING}).items()))))
    assert load_profile(path).digest == read.digest
    assert profile({(100, 100): RISING[:2]}).digest != read.digest


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "melange-cloud/plan/v1"}', "\0\1"])
def test_a_file_that_is_no_profile(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(InvalidInput, match="profile"):
        load_profile(tmp_path / "p.json")


def test_a_thousand_rows_take_milliseconds() -> None:
    """`plan` reads up to nine profiles within a start-up budget; the limit here is ten times."""
    data = document({(i, 100): RISING for i in range(1, 251)})
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        validate(Profile, data, "p.json", "profile")
        best = min(best, time.perf_counter() - start)
    assert best < 0.03
