"""What separates the columns of a CSV file."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.separators import SEPARATORS, find_separator

names = st.lists(st.text("abc_ 19", min_size=1, max_size=6), min_size=2, max_size=8)
values = st.text("abc,;\t|.19 \n", max_size=6)


@given(names, st.data(), st.sampled_from(SEPARATORS))
def test_a_header_of_plain_names_tells_it_whatever_the_values_hold(
    header: list[str], data: st.DataObject, separator: str
) -> None:
    rows = data.draw(st.lists(st.tuples(*(values for _ in header)), max_size=4))
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([header, *rows])
    assert find_separator(file.getvalue()) == separator


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("one", None),
        ("", None),
        ("1,5;2", None),
        ("0,5;10\n1,5;20\n", None),
        ("0,5;10\n3;20\n", ";"),
        ("2023-11-16 18:15:46,68;374;44\n", ";"),
        ('"a,b";c\n', ";"),
    ],
)
def test_what_can_be_told_from_little(text: str, separator: str | None) -> None:
    assert find_separator(text) == separator
