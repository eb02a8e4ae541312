"""The price book: one judgement of what is an offer, one writer, dates and digests."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.documents import validate
from melange_cloud.errors import InvalidDocument
from melange_cloud.prices.book import (
    ALWAYS_WRITTEN,
    PriceBook,
    age_warning,
    excluded_summary,
    listed_json,
    oldest,
)
from melange_cloud.prices.listing import Listing, make_book, not_sold_on_demand
from melange_cloud.prices.offer import provisionable
from melange_cloud.prices.quota import Quota, quota_groups

names = st.sampled_from(["a", "b", "c-1", "d.large"])
prices = st.one_of(
    st.none(), st.floats(), st.sampled_from([0.0, -0.0, -1.0, 1.5, 2.25, float("nan")])
)
listings = st.builds(
    Listing,
    provider=st.sampled_from(["aws", "gcp"]),
    region=names,
    instance_type=names,
    gpu=st.sampled_from(["L4", "h100-80gb"]),
    gpu_count=st.sampled_from([0.5, 1, 8]),
    usd_per_hour=prices,
    currency=st.sampled_from(["USD", "USD", "EUR"]),
    purchase=st.sampled_from(["on-demand", "spot"]),
    as_of=st.sampled_from([None, "2026-01-31"]),
)


def listing(**changes: object) -> Listing:
    fields = {
        "provider": "aws",
        "region": "r",
        "instance_type": "t",
        "gpu": "L4",
        "gpu_count": 1,
        "usd_per_hour": 2.0,
    }
    return Listing(**{**fields, **changes})  # type: ignore[arg-type]


@given(st.lists(listings, max_size=12))
def test_what_is_left_out_never_becomes_an_offer_and_nothing_gets_lost(
    given_listings: list[Listing],
) -> None:
    book = make_book("test", given_listings)
    assert all(0 < offer.usd_per_hour < float("inf") for offer in book.offers)
    keys = [offer.key for offer in book.offers]
    assert keys == sorted(set(keys))
    told = {(e.provider, e.region, e.instance_type, e.purchase) for e in book.excluded}
    for item in given_listings:
        key = (item.provider, item.region, item.instance_type, item.purchase)
        assert key in keys or key in told
    for offer in book.offers:
        same = [
            item.usd_per_hour
            for item in given_listings
            if (item.provider, item.region, item.instance_type, item.purchase) == offer.key
            and item.usd_per_hour is not None
            and item.currency == "USD"
            and item.gpu_count >= 1
            and 0 < item.usd_per_hour < float("inf")
        ]
        assert offer.usd_per_hour == max(same)
        said = any(str(offer.key) in note for note in book.notes)
        assert said == (len(set(same)) > 1)


@given(st.lists(listings, max_size=12))
def test_a_written_book_reads_back_as_the_same_book(given_listings: list[Listing]) -> None:
    book = make_book("test", given_listings, sources={"x": "where"})
    again = validate(PriceBook, json.loads(book.to_json()), "x", "price book")
    assert again == book
    assert again.digest() == book.digest()


@given(st.permutations([listing(region=r, usd_per_hour=p) for r in "ab" for p in (1.0, 2.0)]))
def test_the_order_of_a_source_does_not_matter(order: list[Listing]) -> None:
    assert make_book("test", order).to_json() == make_book("test", sorted_again(order)).to_json()


def sorted_again(order: list[Listing]) -> list[Listing]:
    return sorted(order, key=lambda item: (item.region, item.usd_per_hour or 0))


def test_every_reason_is_said() -> None:
    book = make_book(
        "test",
        [
            listing(instance_type="none", usd_per_hour=None),
            listing(instance_type="zero", usd_per_hour=0.0),
            listing(instance_type="minus", usd_per_hour=-1.0),
            listing(instance_type="euro", currency="EUR"),
            listing(instance_type="part", gpu_count=0.5),
            listing(provider="gcp", instance_type="a3-highgpu-1g"),
            listing(provider="gcp", instance_type="a3-highgpu-1g", purchase="spot"),
        ],
        not_sold=not_sold_on_demand(),
    )
    assert [str(offer.key) for offer in book.offers] == ["gcp/r a3-highgpu-1g spot"]
    assert {item.instance_type: item.reason for item in book.excluded} == {
        "none": "its price is missing",
        "zero": "its price is zero",
        "minus": "its price is negative",
        "euro": "its price is in EUR, not in US dollars",
        "part": "its GPU is a share of one; a replica needs whole GPUs",
        "a3-highgpu-1g": not_sold_on_demand()["gcp", "a3-highgpu-1g"],
    }
    assert "left out 1 offer (aws zero): its price is zero" in excluded_summary(book.excluded)


def test_one_offer_a_line() -> None:
    book = make_book("test", [listing(region=region) for region in "abc"])
    lines = [line for line in book.to_json().splitlines() if '"instance_type"' in line]
    assert len(lines) == 3
    assert all(json.loads(line.strip().rstrip(",")) for line in lines)


def test_a_price_of_zero_or_a_wrong_date_in_a_book_is_an_error() -> None:
    book = json.loads(make_book("test", [listing(as_of="2026-01-01")]).to_json())
    book["offers"][0] |= {"usd_per_hour": 0, "as_of": "2026-02-30"}
    with pytest.raises(InvalidDocument) as error:
        validate(PriceBook, book, "x", "price book")
    assert [problem.where for problem in error.value.problems] == [
        "offers[0].usd_per_hour",
        "offers[0].as_of",
    ]


def test_the_digest_follows_prices_and_not_words() -> None:
    book = make_book("test", [listing()])
    assert make_book("other", [listing()], notes=["a word"]).digest() == book.digest()
    assert make_book("test", [listing(usd_per_hour=2.0000001)]).digest() != book.digest()


def test_what_list_prints_has_exactly_the_fields_promised() -> None:
    book = make_book("test", [listing(vcpus=4, zones=("z",))])
    printed = json.loads(listed_json(book.offers))
    assert list(printed) == ["schema", "offers"]
    assert tuple(printed["offers"][0]) == ALWAYS_WRITTEN


def test_dates() -> None:
    days = ["2026-08-03", None, "2026-02-09"]
    offers = make_book("test", [listing(region=f"r{day}", as_of=day) for day in days]).offers
    assert oldest(offers) == "2026-02-09"
    assert oldest(offer for offer in offers if offer.as_of is None) is None
    assert age_warning("2026-02-09", date(2026, 3, 11)) is None
    assert "31 days ago" in (age_warning("2026-02-09", date(2026, 3, 12)) or "")
    assert age_warning(None, date(2026, 3, 11)) is None
    assert age_warning("2026-03-12", date(2026, 3, 11)) is None
    assert "in the future" in (age_warning("2036-02-09", date(2026, 3, 12)) or "")


def test_what_terraform_can_be_rendered_for() -> None:
    assert provisionable("aws", "p5.48xlarge")
    assert provisionable("gcp", "a2-highgpu-1g")
    assert not provisionable("gcp", "n1-standard-4")
    assert not provisionable("runpod", "gpu")


def test_quotas_become_caps_on_the_offers_they_cover() -> None:
    quota = Quota(
        name="Running On-Demand P instances (L-417A185B)",
        provider="aws",
        region="r",
        unit="vcpus",
        limit=192.0,
        used=96.0,
        instance_types=["p4d", "p5"],
    )
    book = make_book(
        "test",
        [
            listing(instance_type="p4d", vcpus=96),
            listing(instance_type="p5", vcpus=192),
            listing(instance_type="p5", vcpus=192, region="elsewhere"),
            listing(instance_type="p5", vcpus=192, purchase="spot"),
            listing(instance_type="g6", vcpus=4),
        ],
        quotas=[quota],
    )
    (group,) = quota_groups(book)
    assert group.limit == 192
    assert group.name == (
        "Running On-Demand P instances (L-417A185B) in aws/r (vcpus, 96 in use now)"
    )
    assert {str(key): weight for key, weight in group.weights.items()} == {
        "aws/r p4d on-demand": 96,
        "aws/r p5 on-demand": 192,
    }
    assert quota_groups(book, [offer for offer in book.offers if offer.instance_type == "g6"]) == []
