"""Prices from a user's file: CSV with every problem by line, or a price book."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melange_cloud.errors import InvalidInput
from melange_cloud.prices.file import load_file
from melange_cloud.prices.listing import Listing, make_book
from melange_cloud.prices.offer import Offer
from melange_cloud.prices.sources import load_prices

HEADER = "provider,region,instance_type,gpu,gpu_count,usd_per_hour"
COLUMNS = (*HEADER.split(","), "purchase", "vcpus", "memory_gib", "as_of")

offers = st.builds(
    Offer,
    provider=st.sampled_from(["aws", "gcp", "runpod"]),
    region=st.text("abcz-09", min_size=1, max_size=8),
    instance_type=st.text("abcz-.09", min_size=1, max_size=8),
    gpu=st.sampled_from(["L4", "H100", "NEW-GPU"]),
    gpu_count=st.integers(1, 16),
    usd_per_hour=st.floats(1e-6, 1e6),
    purchase=st.sampled_from(["on-demand", "spot"]),
    vcpus=st.none() | st.integers(1, 400),
    memory_gib=st.none() | st.floats(0.5, 4000),
    as_of=st.none() | st.dates().map(str),
)


def write(folder: Path, text: str | bytes, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@settings(deadline=None)  # the first example imports
@given(
    st.lists(offers, min_size=1, max_size=8, unique_by=lambda offer: offer.key),
    st.sampled_from([(",", "."), (";", "."), ("\t", "."), ("|", "."), (";", ","), ("\t", ",")]),
    st.sampled_from(["", "\ufeff"]),
)
def test_offers_survive_a_csv(
    tmp_path_factory: pytest.TempPathFactory,
    given_offers: list[Offer],
    marks: tuple[str, str],
    order_mark: str,
) -> None:
    """Whatever separates columns, with decimal commas where the comma does not, and with a BOM."""
    separator, decimal = marks
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(COLUMNS)
    for offer in given_offers:
        row = {name: getattr(offer, name) for name in COLUMNS}
        for name in ("usd_per_hour", "memory_gib"):
            row[name] = str("" if row[name] is None else row[name]).replace(".", decimal)
        writer.writerow(["" if value is None else value for value in row.values()])
    path = write(tmp_path_factory.mktemp("csv"), order_mark + file.getvalue())
    assert load_file(path).offers == sorted(given_offers, key=lambda offer: offer.key)


def test_all_problems_at_once_by_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEADER},purchase,as_of\n"
        "aws,r,good,L4,1,2.5,,\n"
        "aws,r,minus,L4,1,-3.5,,\n"
        "aws,us east,space,L4,0,nan,spt,\n"
        "\n"
        "aws,r,odd,,1.5,inf,spot,2026-13-01\n"
        "aws,r,short,L4,1\n"
        'aws,r,,L4,1,"1,000",spot,\n',
    )
    with pytest.raises(InvalidInput) as error:
        load_file(path)
    assert str(error.value).splitlines() == [
        f"{path} is not a valid price file (12 problems)",
        "  line 3, usd_per_hour: must not be negative, is -3.5",
        '  line 4, purchase: must be on-demand or spot, is "spt"',
        '  line 4, gpu_count: must be a whole number above 0, is "0"',
        '  line 4, usd_per_hour: must be a number, is "nan"',
        '  line 4, region: must be a name without spaces, is "us east"',
        '  line 6, gpu_count: must be a whole number above 0, is "1.5"',
        '  line 6, usd_per_hour: must be a number, is "inf"',
        "  line 6, gpu: is empty",
        '  line 6, as_of: month must be in 1..12, is "2026-13-01"',
        "  line 7: has 5 values; the header names 8 columns",
        '  line 8, usd_per_hour: must be a number, is "1,000"',
        "  line 8, instance_type: is empty",
    ]


def test_prices_that_are_none_exclude_their_offer_and_are_said(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEADER},currency\n"
        "aws,r,good,h100-80gb,1,$2.5,\n"
        "aws,r,zero,L4,1,0,\n"
        "aws,r,missing,L4,1,,\n"
        "aws,r,na,L4,1,N/A,\n"
        "aws,r,euro,L4,1,€3,\n"
        "aws,r,sek,L4,1,30 SEK,\n"
        "aws,r,inr,L4,1,80,INR\n",
    )
    book = load_file(path)
    assert [(o.instance_type, o.gpu, o.usd_per_hour) for o in book.offers] == [
        ("good", "H100", 2.5)
    ]
    assert {item.instance_type: item.reason for item in book.excluded} == {
        "zero": "its price is zero",
        "missing": "its price is missing",
        "na": "its price is missing",
        "euro": "its price is in EUR, not in US dollars",
        "sek": "its price is in SEK, not in US dollars",
        "inr": "its price is in INR, not in US dollars",
    }


def test_of_two_prices_the_higher_is_taken_and_said(tmp_path: Path) -> None:
    book = load_file(write(tmp_path, f"{HEADER}\naws,r,t,L4,1,3\naws,r,t,L4,1,4\n"))
    assert [offer.usd_per_hour for offer in book.offers] == [4.0]
    assert book.notes == ["aws/r t on-demand has 2 prices (3, 4 $/h); the highest is used"]


def test_a_file_is_taken_at_its_word(tmp_path: Path) -> None:
    book = load_file(write(tmp_path, f"{HEADER}\ngcp,us-central1,a3-highgpu-1g,H100,1,11.06\n"))
    assert len(book.offers) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (b"\x00\x01\x02PK", "not a text file"),
        (b"\xff\xfe\xfa", "not a text file"),
        ("nonsense\n", "separator of its columns cannot be told from its first line"),
        ("nonsense,gpu\n", "column 1 has an unknown name"),
        ("aws,us-east-1,p5.48xlarge,H100,8,38.53\n", "(1 problem)\n  line 1: there is no header"),
        (HEADER.replace("usd_per_hour", "Price") + "\n", 'did you mean "usd_per_hour"?'),
        ("a,b;c\n", "cannot be told"),
        (HEADER, "no rows"),
        (HEADER.replace("usd_per_hour", "usd_per_hours") + "\n", 'did you mean "usd_per_hour"?'),
        (HEADER + "\naws,r,t,A100,1,2\n", "it may mean A100-40GB or A100-80GB"),
        (HEADER.replace(",gpu_count", "") + "\n", "the header lacks gpu_count"),
        (HEADER + ",gpu\n", "column gpu appears twice"),
        (HEADER + '\naws,r,"t,L4,1,2\n', "not CSV"),
        (HEADER + "\naws,r,t,L4,1,0\n", "has no offer"),
        ("{", "not valid JSON"),
        ("[1]", "a mapping of keys to values was expected"),
        ('{"schema": "melange-cloud/plan/v1"}', '"melange-cloud/prices/v1" was expected'),
    ],
)
def test_bad_files_are_one_clear_message(tmp_path: Path, content: str | bytes, said: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InvalidInput, match=r"prices\.csv") as error:
        load_file(path)
    assert said in str(error.value)


def test_a_file_with_both_decimal_marks_is_refused(tmp_path: Path) -> None:
    header = HEADER.replace(",", ";")
    path = write(tmp_path, f"{header}\naws;r;t;L4;1;2.5\naws;r;u;L4;1;1,006 €\n")
    with pytest.raises(InvalidInput) as error:
        load_file(path)
    assert str(error.value).endswith(
        "line 3: has a number with a comma, and line 2 one with a point; use one decimal mark"
    )


def test_a_price_with_a_decimal_comma_may_carry_its_currency(tmp_path: Path) -> None:
    header = HEADER.replace(",", "\t")
    path = write(tmp_path, f"{header}\naws\tr\tt\tL4\t1\t$38,53\n")
    assert [offer.usd_per_hour for offer in load_file(path).offers] == [38.53]


def test_places_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a directory"):
        load_prices(str(tmp_path), Path())
    with pytest.raises(InvalidInput, match="a price file was expected"):
        load_prices("nope.csv", tmp_path)
    with pytest.raises(InvalidInput, match=r'source "bundld"; did you mean "bundled"\?'):
        load_prices("bundld", tmp_path)


def test_a_relative_path_is_relative_to_its_base(tmp_path: Path) -> None:
    write(tmp_path, f"{HEADER}\naws,r,t,L4,1,3\n", "mine.csv")
    assert load_prices("mine.csv", tmp_path).source == "mine.csv"


def test_a_price_book_is_a_price_file(tmp_path: Path) -> None:
    book = make_book("test", [Listing("aws", "r", "t", "L4", 1, 2.0, zones=("r-a",))])
    path = write(tmp_path, book.to_json(), "prices.lock")
    assert load_file(path) == book
