"""Tables at any width: nothing wider than asked for, no number broken, nothing left out."""

from __future__ import annotations

import os
from collections import Counter
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.output.table import Column, Kind, Table, draw, natural_width
from melange_cloud.output.text import bullets, cells, pieces, sentence, wrap

NARROWEST = 40
numbers = st.decimals(-9999, 99999, places=4).map(lambda number: f"{number:,}")
words = st.text("abcdefghijklmnop", min_size=1, max_size=12)
names = st.lists(words, min_size=1, max_size=4).map("-".join)
texts = st.lists(st.one_of(words, names, numbers, st.just("日本語")), max_size=14).map(" ".join)
OF = {Kind.number: numbers, Kind.name: names, Kind.text: texts}


@st.composite
def tables(draw_: st.DrawFn) -> Table:
    kinds = draw_(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=9))
    columns = [Column(draw_(texts), kind, draw_(st.booleans())) for kind in kinds]
    rows = draw_(st.lists(st.tuples(*(OF[kind] for kind in kinds)), min_size=1, max_size=4))
    table = Table(columns, keyed=draw_(st.booleans()))
    for row in rows:
        table.add_row(*row)
    return table


def characters(text: str) -> Counter[str]:
    return Counter(text.replace("─", "")) - Counter({" ": 10**6, "\n": 10**6})


def widest(text: str) -> int:
    return max(map(cells, text.splitlines()))


@settings(max_examples=300, deadline=None)
@given(tables(), st.integers(NARROWEST, 200))
def test_a_table_fits_and_loses_nothing(table: Table, width: int) -> None:
    drawn = draw(table, width)
    assert widest(drawn) <= width
    assert characters("".join(cell for row in table.rows for cell in row)) <= characters(drawn)
    for row in table.rows:
        for column, cell in zip(table.columns, row, strict=True):
            if column.kind is Kind.number:
                assert cell in drawn


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, NARROWEST))
def test_a_width_that_is_absurd_breaks_no_number(table: Table, width: int) -> None:
    drawn = draw(table, width)
    assert characters("".join(cell for row in table.rows for cell in row)) <= characters(drawn)
    for row in table.rows:
        for column, cell in zip(table.columns, row, strict=True):
            if column.kind is Kind.number:
                assert cell in drawn


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(0, 50))
def test_with_room_enough_a_table_is_as_in_a_file(table: Table, more: int) -> None:
    assert draw(table, natural_width(table) + more) == draw(table)


@given(texts, st.integers(1, 120))
def test_wrapped_lines_fit_and_hold_every_character(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cells(line) <= max(width, 2) for line in lines)  # one character may take two
    assert characters("".join(lines)) == characters(text)


@given(st.lists(texts.filter(str.strip), min_size=1, max_size=4), st.integers(20, 200))
def test_lists_and_sentences_fit(lines: list[str], width: int) -> None:
    with patch.dict(os.environ, {"COLUMNS": str(width)}):
        assert widest(bullets("Notes", lines)) <= min(width, 100)
        assert widest(sentence("  " + lines[0])) <= width
        assert characters(sentence(lines[0])) == characters(lines[0])


def test_words_are_broken_behind_their_marks_and_never_inside_a_number() -> None:
    assert pieces("aws/us-east-1") == ["aws/", "us-", "east-", "1"]
    assert pieces("A100-80GB") == ["A100-80GB"]
    assert pieces("-10,897.44") == ["-10,897.44"]
    assert pieces("2026-02-09") == ["2026-02-09"]


def test_a_keyed_table_is_split_into_parts_that_repeat_the_key() -> None:
    heads = [f"{number:>10}" for number in range(8)]
    table = Table([Column(head, Kind.number, right=True) for head in ("key", *heads)], keyed=True)
    table.add_row("25", *(f"{number}.00000000" for number in range(8)))
    drawn = draw(table, 40)
    assert drawn.count("key") == drawn.count(" 25") == 3


def test_rows_of_a_list_take_two_lines_then_a_line_a_cell() -> None:
    table = Table([Column(head, Kind.name) for head in ("provider", "instance", "GPU", "place")])
    table.add_row("amazonaws", "p5.48xlarge", "RTXPRO6000", "northvirginia")
    assert draw(table, 40).splitlines() == [
        "provider   instance     GPU",
        "    place",
        "──────────────────────────────────",
        "amazonaws  p5.48xlarge  RTXPRO6000",
        "    northvirginia",
    ]
    assert draw(table, 22).splitlines() == [
        "provider",
        "  amazonaws",
        "instance",
        "  p5.48xlarge",
        "GPU",
        "  RTXPRO6000",
        "place",
        "  northvirginia",
    ]


def test_control_characters_do_not_reach_the_terminal() -> None:
    table = Table([Column("name", Kind.name)])
    table.add_row("red \x1b[31m\ttab\u202e")
    assert draw(table).splitlines()[-1] == "red \ufffd[31m tab\ufffd"
