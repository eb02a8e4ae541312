"""What changed between price books, for people, programs and pull requests."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.output.prices_diff import diff_json, diff_markdown, diff_table, summary
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.diff import diff_books
from melange_cloud.prices.listing import Listing, make_book


def book(prices: dict[str, float], **more: object) -> PriceBook:
    return make_book(
        "test",
        [Listing("aws", "r", name, "L4", 1, price, **more) for name, price in prices.items()],  # type: ignore[arg-type]
    )


OLD = book({"a": 1.0, "b": 2.0, "gone": 3.0, "same": 4.0})
NEW = book({"a": 1.05, "b": 1.9, "new": 3.5, "same": 4.0})


def test_as_a_table(golden: Callable[[str, str], None]) -> None:
    golden("prices/diff.txt", diff_table(diff_books(OLD, NEW)))


def test_as_markdown(golden: Callable[[str, str], None]) -> None:
    golden("prices/diff.md", diff_markdown(diff_books(OLD, NEW)))


def test_as_json() -> None:
    (change, *_) = json.loads(diff_json(diff_books(OLD, NEW)))["changes"]
    assert change == {
        "kind": "changed",
        "provider": "aws",
        "region": "r",
        "instance_type": "a",
        "purchase": "on-demand",
        "gpu": "L4",
        "gpu_count": 1,
        "old_usd_per_hour": 1.0,
        "new_usd_per_hour": 1.05,
        "change": 1.05 / 1.0 - 1,
        "note": "",
    }


def test_another_date_or_source_is_no_change() -> None:
    later = book({"a": 1.0}, as_of="2026-11-22", source="x", vcpus=4)
    assert diff_books(book({"a": 1.0}), later) == []
    assert diff_table([]) == "no change\n"
    assert diff_markdown([]) == "**Prices: no change**\n"


def test_another_machine_under_the_same_name_is_said() -> None:
    (change,) = diff_books(book({"a": 1.0}, vcpus=4), book({"a": 1.0}, vcpus=8))
    assert (change.kind, change.note) == ("changed", "vcpus 4 -> 8")


prices = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 100), max_size=6)


@given(prices, prices)
def test_a_diff_is_empty_only_for_equal_prices_and_turns_around(
    old: dict[str, float], new: dict[str, float]
) -> None:
    forth, back = diff_books(book(old), book(new)), diff_books(book(new), book(old))
    assert (forth == []) == (old == new)
    assert [change.key for change in forth] == [change.key for change in back]
    swap = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [swap[change.kind] for change in forth] == [change.kind for change in back]
    assert summary(forth).count("no change") == (not forth)
