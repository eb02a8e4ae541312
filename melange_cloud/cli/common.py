"""What commands share: option types, output formats, and how an error reaches a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from melange_cloud.cli.stdout import write_result

T = TypeVar("T")


class Format(StrEnum):
    """How a result is printed."""

    table = "table"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the document to FILE.")
]
ServiceArgument = Annotated[
    Path, typer.Argument(metavar="SERVICE", help="The service file (YAML).", show_default=False)
]
PricesOption = Annotated[
    str | None,
    typer.Option(
        "--prices",
        metavar="SOURCE",
        help="bundled, live, gpuhunt or a file (CSV, price book). Default: the service's.",
    ),
]
ProfilesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--profiles", metavar="DIR", help="Profiles to prefer to the bundled ones. Repeatable."
    ),
]

RateOption = Annotated[
    float | None, typer.Option("--rate", help="Requests/s; overrides the service.")
]
TpotOption = Annotated[
    float | None, typer.Option("--tpot-ms", help="Time per output token, ms; overrides.")
]
TtftOption = Annotated[
    float | None, typer.Option("--ttft-ms", help="Time to first token, ms; overrides.")
]
HeadroomOption = Annotated[
    float | None, typer.Option("--headroom", help="Capacity above the rate, 0.1 = 10%; overrides.")
]
ProviderOption = Annotated[
    list[str] | None, typer.Option("--provider", help="Buy from this cloud only. Repeatable.")
]
RegionOption = Annotated[
    list[str] | None, typer.Option("--region", help="Buy in this region only. Repeatable.")
]
GpuOption = Annotated[
    list[str] | None, typer.Option("--gpu", help="Buy this GPU type only. Repeatable.")
]
PurchaseOption = Annotated[
    list[str] | None, typer.Option("--purchase", help="on-demand or spot. Repeatable.")
]
SlicesOption = Annotated[
    int | None,
    typer.Option(
        "--slices",
        min=1,
        help="Solve the paper's programme with each bucket cut into N slices (slow).",
    ),
]
ToleranceOption = Annotated[
    str,
    typer.Option(
        "--tolerance", metavar="PERCENT", help="With --keep: cost allowed above the cheapest."
    ),
]
TimeLimitOption = Annotated[
    float,
    typer.Option(
        "--time-limit", min=0.1, metavar="SECONDS", help="Stop the proof after this long."
    ),
]


def note(text: str) -> None:
    """A remark for the person at the terminal: to stderr, so that stdout stays the result."""
    print(text, file=sys.stderr)


def print_result(text: str) -> None:
    """A result, to stdout, ending in one newline. Raises OutsideError where it cannot be."""
    write_result(text)


def warn_of_old_prices(as_of: str | None) -> None:
    """Warn when the oldest price used is old today."""
    from datetime import UTC, datetime

    from melange_cloud.prices.book import age_warning

    warning = age_warning(as_of, datetime.now(UTC).date())
    if warning:
        note(f"warning: {warning}")


def numbers(option: str, text: str | None) -> list[float]:
    """The numbers above 0 of a comma-separated option; InvalidInput names what is not one."""
    import math

    from melange_cloud.errors import InvalidInput
    from melange_cloud.names import shorten

    found = []
    for word in (text or "").split(",") if text is not None else []:
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            raise InvalidInput(
                f'{option}: must be numbers above 0 with commas between, "{shorten(word)}" is none'
            )
        found.append(number)
    return found


def split_list(values: list[str]) -> list[str]:
    """The words of a repeatable option, each of which may hold several with commas between."""
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


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
