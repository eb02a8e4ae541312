"""The checks a maintainer runs on live prices."""

from __future__ import annotations

import pytest

from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.bundled import load_bundled
from melange_cloud.prices.integrity import integrity_problems
from melange_cloud.prices.listing import Listing, make_book

GOOD = [
    Listing("aws", "r", "p4d", "A100-40GB", 8, 22.0, vcpus=96, memory_gib=1152),
    Listing("aws", "r", "p4de", "A100-80GB", 8, 27.0, vcpus=96, memory_gib=1152),
    Listing("aws", "r", "p5", "H100", 8, 55.0, vcpus=192, memory_gib=2048),
]


def problems(*more: Listing, without: str = "") -> list[str]:
    book = make_book("t", [item for item in [*GOOD, *more] if item.instance_type != without])
    return integrity_problems(book)


def test_the_bundled_snapshot_holds() -> None:
    assert integrity_problems(load_bundled()) == []


def test_a_good_book_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (Listing("aws", "r", "x", "H100", 8, 8.0, vcpus=1, memory_gib=1.0), "1.0000 $ per GPU"),
        (Listing("aws", "r", "x", "H100", 1, 55.0, vcpus=1, memory_gib=1.0), "outside 3 to 30"),
        (Listing("aws", "r", "x", "Z9", 1, 5.0, vcpus=1, memory_gib=1.0), "GPU Z9 is not in"),
        (Listing("aws", "r", "x", "L4", 1, 1.0), "vCPUs or memory are not known"),
    ],
)
def test_what_looks_wrong_is_said(listing: Listing, said: str) -> None:
    (problem,) = problems(listing)
    assert said in problem


@pytest.mark.parametrize(
    ("gone", "gpu"), [("p4d", "A100-40GB"), ("p4de", "A100-80GB"), ("p5", "H100")]
)
def test_a_gpu_that_must_be_there_is_missed(gone: str, gpu: str) -> None:
    assert problems(without=gone) == [f"aws offers no {gpu}"]


def test_an_empty_book_is_a_problem() -> None:
    assert integrity_problems(PriceBook(offers=[])) == ["the book has no offers"]
