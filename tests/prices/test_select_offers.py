"""Choosing offers: what passes, and which filter it is that leaves none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.prices.bundled import load_bundled
from melange_cloud.prices.listing import Listing, make_book
from melange_cloud.prices.select import Filters, select_offers, why_none

CHAT = Path(__file__).parents[2] / "examples" / "chat.yaml"
BOOK = make_book(
    "p.csv",
    [
        Listing("aws", "us-east-1", "g6.xlarge", "L4", 1, 0.8),
        Listing("aws", "us-east-1", "p5.48xlarge", "H100", 8, 55.0),
        Listing("aws", "us-east-1", "p5.48xlarge", "H100", 8, 26.0, purchase="spot"),
        Listing("gcp", "us-central1", "g2-standard-4", "L4", 1, 0.7),
    ],
)


def subset(*values: str) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(values), unique=True)


@given(
    subset("aws", "gcp"),
    subset("us-east-1", "us-central1", "gcp/us-central1"),
    subset("L4", "H100"),
    subset("on-demand", "spot"),
)
def test_a_reason_is_given_when_nothing_is_left_and_only_then(
    providers: list[str] | None,
    regions: list[str] | None,
    gpus: list[str] | None,
    purchase: list[str] | None,
) -> None:
    filters: Filters = {
        "providers": providers,
        "regions": regions,
        "gpus": gpus,
        "purchase": purchase,
    }
    assert bool(why_none(BOOK, **filters)) == (not select_offers(BOOK.offers, **filters))


def test_the_filter_that_leaves_nothing_is_named_after_those_that_leave_some() -> None:
    assert why_none(BOOK, providers=["aws"], regions=["us-central1"])[0] == (
        "the prices in p.csv have 4 offers; provider aws leaves 3, region us-central1 leaves none"
    )
    said = why_none(BOOK, providers=["gcp"], gpus=["L4"], purchase=["spot"])[0]
    assert said.endswith("provider gcp leaves 1, GPU L4 leaves 1, purchase spot leaves none")


def test_prices_without_spot_offers_say_where_to_find_some() -> None:
    said, remedy = why_none(load_bundled(), purchase=["spot"])
    assert said == "the bundled prices have no spot offers"
    for part in ("--prices gpuhunt", "a CSV file", "--purchase on-demand"):
        assert part in remedy


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", CHAT), 3),
        (("sweep", CHAT), 3),
        (("prices", "list"), 0),
        (("profile", "compare", "L4", "H100", "--model", "meta-llama/Llama-2-7b-hf"), 2),
    ],
)
def test_commands_say_why_there_is_nothing_to_buy(melange, words, code: int) -> None:
    ended = melange(*words, "--purchase", "spot")
    assert ended.code == code
    assert "the bundled prices have no spot offers" in ended.err + ended.out
