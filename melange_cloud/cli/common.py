"""What commands share: option types, output formats, and how an error reaches a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from melange_cloud.cli.lists import REPEATABLE, several, split_folders
from melange_cloud.output.remarks import write_remark
from melange_cloud.output.stdout import write_document, write_result
from melange_cloud.reading import STANDARD_INPUT

T = TypeVar("T")


SERVICES = "the service's"
"""The default of an option that goes over a field of the service."""

PRICE_SOURCES = "Where prices come from: bundled, live, gpuhunt, or a file (CSV or price book)."


TOLERANCE = "2%"
"""The default of --tolerance."""


class Format(StrEnum):
    """How a result is printed."""

    table = "table"
    json = "json"


def standard_input(value: Path | None) -> Path | None:
    """``-`` as what it stands for."""
    return STANDARD_INPUT if value == Path("-") else value


def standard_input_among(values: list[Path]) -> list[Path]:
    """The same, for an argument of several files."""
    return [STANDARD_INPUT if value == Path("-") else value for value in values]


FormatOption = Annotated[Format, typer.Option("--format", help="How the result is printed.")]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Also write the document to FILE; - prints it alone.",
    ),
]
ServiceArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SERVICE",
        help="The service file (YAML); - for standard input.",
        show_default=False,
        callback=standard_input,
    ),
]
PricesOption = Annotated[
    str | None,
    typer.Option(
        "--prices",
        metavar="SOURCE",
        help=PRICE_SOURCES,
        show_default=SERVICES,
    ),
]
ListedPricesOption = Annotated[
    str,
    typer.Option(
        "--prices",
        metavar="SOURCE",
        help=PRICE_SOURCES,
    ),
]
ProfilesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--profiles",
        metavar="DIR",
        help=f"Folder of profiles to use before the bundled ones. {REPEATABLE}",
        callback=split_folders,
    ),
]

RateOption = Annotated[
    float | None,
    typer.Option("--rate", metavar="RATE", help="Request rate, requests/s.", show_default=SERVICES),
]
TpotOption = Annotated[
    float | None,
    typer.Option(
        "--tpot-ms",
        metavar="MS",
        help="Limit of time per output token (TPOT).",
        show_default=SERVICES,
    ),
]
TtftOption = Annotated[
    float | None,
    typer.Option(
        "--ttft-ms",
        metavar="MS",
        help="Limit of time to first token (TTFT).",
        show_default=SERVICES,
    ),
]
HeadroomOption = Annotated[
    float | None,
    typer.Option(
        "--headroom",
        metavar="SHARE",
        help="Capacity kept above the rate: 0.1 is 10%.",
        show_default=SERVICES,
    ),
]
ProviderOption = Annotated[
    list[str] | None, several("--provider", metavar="CLOUD", help="Only offers of this cloud.")
]
RegionOption = Annotated[
    list[str] | None,
    several("--region", metavar="REGION", help="Only offers in this region."),
]
GpuOption = Annotated[
    list[str] | None, several("--gpu", metavar="GPU", help="Only offers of this GPU type.")
]
PurchaseOption = Annotated[
    list[str] | None,
    several("--purchase", metavar="KIND", help="Only offers of this kind: on-demand or spot."),
]
SlicesOption = Annotated[
    int | None,
    typer.Option(
        "--slices",
        min=1,
        metavar="N",
        help="Solve the paper's programme, with each bucket cut into N slices (slow).",
    ),
]
ToleranceOption = Annotated[
    str | None,
    typer.Option(
        "--tolerance",
        metavar="PERCENT",
        help="With --keep: cost allowed above that of the cheapest fleet.",
        show_default=TOLERANCE,
    ),
]
TimeLimitOption = Annotated[
    float,
    typer.Option(
        "--time-limit",
        min=0.1,
        metavar="SECONDS",
        help="Take the best fleet found after this time, even if it is not proven cheapest. It is "
        "for all that the command solves, in a sweep for each point.",
    ),
]


def note(text: str) -> None:
    """A remark for the person at the terminal: to stderr, so that stdout stays the result."""
    write_remark(text)


def print_result(text: str, format_: str = "table") -> None:
    """A result, to stdout, ending in one newline. Raises OutsideError where it cannot be.

    A ``table`` is for people, any other format is a document that programs read.
    """
    (write_result if format_ == "table" else write_document)(text)


def warn_of_old_prices(as_of: str | None) -> None:
    """Warn when the oldest price used is old today."""
    from datetime import UTC, datetime

    from melange_cloud.prices.book import age_warning

    warning = age_warning(as_of, datetime.now(UTC).date())
    if warning:
        note(f"warning: {warning}")


def percentage(option: str, text: str) -> float:
    """``2%`` as 0.02; InvalidInput for what is no percentage."""
    import math

    from melange_cloud.errors import InvalidInput
    from melange_cloud.names import shorten

    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError:
        number = math.nan
    if not (text.strip().endswith("%") and math.isfinite(number) and number >= 0):
        raise InvalidInput(f'{option} must be a percentage such as 2%, is "{shorten(text)}"')
    return number / 100


def tolerance_of(keep: bool, given: str | None) -> float:
    """The share of the cheapest cost that ``--tolerance`` allows above it.

    Raises InvalidInput where nothing is kept, as it would mean nothing then.
    """
    from melange_cloud.errors import InvalidInput

    share = percentage("--tolerance", TOLERANCE if given is None else given)
    if given is not None and not keep:
        raise InvalidInput(
            "--tolerance means nothing without --keep",
            hint="leave it out, or give --keep for a fleet close to the one that runs",
        )
    return share


def refuse_keep_with_slices(keep: bool, slices: int | None) -> None:
    """Raise InvalidInput when both are asked for."""
    from melange_cloud.errors import InvalidInput

    if keep and slices:
        raise InvalidInput(
            "--keep and --slices do not go together",
            hint="leave one of them out: the paper's programme knows no running fleet",
        )


def progress(steps: Iterable[T], total: int, title: str) -> Iterator[T]:
    """The steps, with a progress bar on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield from steps
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(
        steps, description=title, total=total, console=Console(stderr=True), transient=True
    )
