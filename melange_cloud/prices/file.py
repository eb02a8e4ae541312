"""Prices from the user's file: a CSV, or a price book as JSON (a lock file, for example).

A file is taken at its word: who lists a type there can buy it, so types that clouds do not sell
on demand are not left out.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from melange_cloud.documents import parse_json, validate
from melange_cloud.errors import MAX_PROBLEMS, InvalidDocument, InvalidInput, Problem
from melange_cloud.names import nearest, shorten
from melange_cloud.prices.book import PriceBook, excluded_summary
from melange_cloud.prices.listing import Listing, make_book, settle
from melange_cloud.prices.offer import PURCHASES, Offer, Purchase
from melange_cloud.reading import read_text
from melange_cloud.separators import IN_WORDS, find_separator

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

KIND = "price file"
REQUIRED = ("provider", "region", "instance_type", "gpu", "gpu_count", "usd_per_hour")
OPTIONAL = ("purchase", "vcpus", "memory_gib", "as_of", "currency", "source")
NO_PRICE = ("", "-", "n/a", "na", "null", "none")

_OTHER_NAMES = dict.fromkeys(
    ("price", "cost", "hourly", "price_per_hour", "hourly_price", "hourly_cost", "on_demand_price"),
    "usd_per_hour",
) | {"cloud": "provider", "instance": "instance_type", "gpus": "gpu_count", "date": "as_of"}
"""What other files call our columns, where that is not like our names."""

Row = tuple[int, list[str]]
"""A line's number, from 1, and its values."""

_DECIMALS = ("usd_per_hour", "memory_gib")
"""Columns of numbers that may have decimals."""

_CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_PRICE = re.compile(r"([^\d.+\-\s]*)\s*([+-]?[\d.][\d.eE+\-]*)\s*([^\d.\s]*)")


def load_file(path: Path) -> PriceBook:
    """The prices of a file, JSON or CSV by its content.

    Raises InvalidInput when it cannot be read, InvalidDocument with all its problems by line or
    field, InvalidInput when nothing in it has a price in US dollars.
    """
    text = read_text(path, KIND)
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "[")
    book = _from_json(text, path) if is_json else _from_csv(text, path)
    if not book.offers:
        raise InvalidInput(
            "\n  ".join([f"{path} has no offer that can be used", *excluded_summary(book.excluded)])
        )
    return book


def _from_json(text: str, path: Path) -> PriceBook:
    name, kind = str(path), "price book"
    book = validate(PriceBook, parse_json(text, name, kind), name, kind, text=text)
    offers, remarks = settle(book.offers)
    return book.model_copy(update={"offers": offers, "notes": [*book.notes, *remarks]})


def _from_csv(text: str, path: Path) -> PriceBook:
    separator = find_separator(text)
    if separator is None:
        raise InvalidInput(
            f"{path}: the separator of its columns cannot be told from its first line",
            hint=f"separate the columns by {IN_WORDS}; a {KIND} begins with a line of column "
            f"names, such as {','.join(REQUIRED)}",
        )
    rows = _rows(text, path, separator)
    _refuse_without_header(rows[0], path)
    header = _header(rows, path)
    if separator != ",":
        rows = _with_points(rows, header, path)
    problems: list[Problem] = []
    listings = []
    for line, row in rows[1:]:
        if len(row) != len(header):
            what = f"has {len(row)} values; the header names {len(header)} columns"
            problems.append(Problem("", what, line))
            continue
        values = {name: value.strip() for name, value in zip(header, row, strict=True)}
        found: list[Problem] = []
        listing = _listing(values, line, found)
        problems += found
        if listing is not None and not found:
            listings.append(listing)
    if problems:
        raise InvalidDocument(str(path), KIND, problems)
    if not listings:
        raise InvalidInput(f"{path} has a header but no rows; each row of a {KIND} is one offer")
    return make_book(path.name, listings)


def _rows(text: str, path: Path, separator: str) -> list[Row]:
    """(line, values) of each row that holds anything."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = []
    line = 1
    try:
        for row in reader:
            if any(value.strip() for value in row):
                rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidDocument(
            str(path), KIND, [Problem("", f"not CSV: {error}", reader.line_num)]
        ) from None
    return rows


def _with_points(rows: list[Row], header: list[str], path: Path) -> list[Row]:
    """The rows with the decimal commas of their numbers as points.

    Where the comma is the decimal mark, spreadsheets separate columns by something else. A file
    with both marks is refused: in one of them the mark may stand between thousands.
    """
    places = [header.index(name) for name in _DECIMALS if name in header]
    numbers = [(line, row[place]) for line, row in rows[1:] for place in places if place < len(row)]
    comma = next((line for line, text in numbers if re.search(r"\d,\d", text)), None)
    point = next((line for line, text in numbers if re.search(r"\d\.\d", text)), None)
    if comma is None:
        return rows
    if point is not None:
        what = f"has a number with a comma, and line {point} one with a point; use one decimal mark"
        raise InvalidDocument(str(path), KIND, [Problem("", what, comma)])

    def pointed(row: list[str]) -> list[str]:
        return [
            value.replace(",", ".") if place in places else value for place, value in enumerate(row)
        ]

    return [rows[0], *((line, pointed(row)) for line, row in rows[1:])]


def _refuse_without_header(first: Row, path: Path) -> None:
    """Raise InvalidDocument where the first line names none of the columns: it is a row itself."""
    line, row = first
    if not {name.strip().lower() for name in row} & {*REQUIRED, *OPTIONAL}:
        what = f"there is no header: the first line must name the columns, {','.join(REQUIRED)}"
        raise InvalidDocument(str(path), KIND, [Problem("", what, line)])


def _header(rows: list[Row], path: Path) -> list[str]:
    line, row = rows[0]
    header = [name.strip().lower() for name in row]
    known = (*REQUIRED, *OPTIONAL)
    # a file of another kind may hold secrets: what is no name of ours is not quoted
    strange = [place for place, name in enumerate(header) if name not in known]
    problems = [
        Problem("", f"column {place + 1} has an unknown name{_meant(header[place], known)}", line)
        for place in strange[:MAX_PROBLEMS]
    ]
    problems += [
        Problem("", f"column {name} appears twice", line)
        for name in known
        if header.count(name) > 1
    ]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        problems.append(Problem("", f"the header lacks {', '.join(missing)}", line))
    if problems:
        raise InvalidDocument(str(path), KIND, problems, len(strange[MAX_PROBLEMS:]))
    return header


def _meant(name: str, known: Sequence[str]) -> str:
    close = _OTHER_NAMES.get(name) or nearest(name, known)
    return f'; did you mean "{close}"?' if close else ""


def _listing(values: dict[str, str], line: int, problems: list[Problem]) -> Listing | None:
    """One row, or its problems; the price is judged later, together with those of all sources."""

    def read(name: str, parse: Callable[[str], Any], what: str) -> Any:
        text = values.get(name, "")
        if not text:
            if name in REQUIRED:
                problems.append(Problem(name, "is empty", line))
            return None
        try:
            return parse(text)
        except ValueError:
            problems.append(Problem(name, f'{what}, is "{shorten(text)}"', line))
            return None

    purchase: Purchase = read("purchase", _purchase, f"must be {' or '.join(PURCHASES)}")
    gpu_count = read("gpu_count", _positive_integer, "must be a whole number above 0")
    vcpus = read("vcpus", _positive_integer, "must be a whole number above 0")
    memory = read("memory_gib", _positive, "must be a number above 0")
    price, currency = _price(values, line, problems)
    names = {name: values.get(name, "") for name in ("provider", "region", "instance_type", "gpu")}
    names["provider"] = names["provider"].lower()
    as_of = values.get("as_of") or None
    problems += _name_problems(names, as_of, line)
    if problems:
        return None
    return Listing(
        provider=names["provider"],
        region=names["region"],
        instance_type=names["instance_type"],
        gpu=names["gpu"],
        gpu_count=gpu_count,
        usd_per_hour=price,
        currency=currency,
        purchase=purchase or "on-demand",
        as_of=as_of,
        vcpus=vcpus,
        memory_gib=memory,
        source=values.get("source") or None,
    )


def _name_problems(names: dict[str, str], as_of: str | None, line: int) -> list[Problem]:
    """Names and date judged by the offer's own rules, beside a count and a price that hold."""
    try:
        Offer.model_validate({**names, "as_of": as_of, "gpu_count": 1, "usd_per_hour": 1.0})
    except ValidationError as error:
        return [_row_problem(detail, {**names, "as_of": as_of}, line) for detail in error.errors()]
    return []


def _row_problem(detail: ErrorDetails, values: dict[str, str | None], line: int) -> Problem:
    name = str(detail["loc"][0])
    value = values[name]
    if not value:
        return Problem(name, "is empty", line)
    error = detail.get("ctx", {}).get("error")
    what = str(error) if error else "must be a name without spaces"
    said = f'"{shorten(value)}"'
    return Problem(name, what if said in what else f"{what}, is {said}", line)


def _price(values: dict[str, str], line: int, problems: list[Problem]) -> tuple[float | None, str]:
    """The price, None where there is none, and its currency."""
    text = values["usd_per_hour"]
    currency = values.get("currency", "").upper() or "USD"
    if text.casefold() in NO_PRICE:
        return None, currency
    match = _PRICE.fullmatch(text)
    try:
        price = float(match[2]) if match else math.nan
    except ValueError:
        price = math.nan
    mark = (match[1] or match[3]).upper() if match else ""
    if not math.isfinite(price) or (mark and not _is_currency(mark)):
        problems.append(Problem("usd_per_hour", f'must be a number, is "{shorten(text)}"', line))
    elif price < 0:
        problems.append(Problem("usd_per_hour", f"must not be negative, is {shorten(text)}", line))
    return price, _CURRENCIES.get(mark, mark) if mark else currency


def _is_currency(mark: str) -> bool:
    return mark in _CURRENCIES or re.fullmatch(r"[A-Z]{3}", mark) is not None


def _purchase(text: str) -> str:
    if text not in PURCHASES:
        raise ValueError(text)
    return text


def _positive_integer(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(text)
    return number
