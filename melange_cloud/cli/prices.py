"""`melange-cloud prices`: what is offered and at which price, fetching it, and what changed."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import (
    Format,
    FormatOption,
    GpuOption,
    ListedPricesOption,
    OutOption,
    ProviderOption,
    PurchaseOption,
    RegionOption,
    note,
    print_result,
)
from melange_cloud.cli.files import check_files, check_folders, deliver
from melange_cloud.cli.live_prices import MaxAgeOption, fetching

app = typer.Typer(help="What clouds offer, and at which price.", no_args_is_help=True)


class DiffFormat(StrEnum):
    """How a difference is printed."""

    table = "table"
    json = "json"
    markdown = "markdown"


@app.command("list")
def list_(
    prices: ListedPricesOption = "bundled",
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    purchase: PurchaseOption = None,
    max_age: MaxAgeOption = "24h",
    format_: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Show the offers of a price source.

    The document that --out writes is a price book, which --prices reads.
    """
    from melange_cloud.prices.book import age_warning, excluded_summary, listed_json, oldest
    from melange_cloud.prices.select import Filters, select_excluded, select_offers, why_none
    from melange_cloud.prices.sources import SOURCES, load_prices, price_file

    if prices not in SOURCES:
        check_files({"the prices": price_file(prices, Path())}, {"--out": out})
    with fetching(provider, region, max_age) as wanted:
        book = load_prices(prices, Path(), wanted)
    filters: Filters = {
        "providers": provider,
        "regions": region,
        "gpus": gpu,
        "purchase": purchase,
    }
    offers = select_offers(book.offers, **filters)
    warning = age_warning(oldest(offers), datetime.now(UTC).date())
    left_out = select_excluded(book.excluded, providers=provider, regions=region)
    none = why_none(book, **filters)
    for remark in [*none, *book.notes, *excluded_summary(left_out), *filter(None, [warning])]:
        note(remark)
    if format_ is Format.json:
        shown = listed_json(offers)
    else:
        from melange_cloud.output.prices_table import prices_table

        shown = prices_table(offers)
    deliver(out, book.model_copy(update={"offers": offers}).to_json(), shown, format_)


@app.command("refresh")
def refresh(
    provider: ProviderOption = None,
    region: RegionOption = None,
    lock: Annotated[
        Path | None,
        typer.Option(
            "--lock", metavar="FILE", help="Also write the prices to FILE, which --prices reads."
        ),
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """Fetch what AWS and GCP charge now, and keep it for --prices live."""
    from melange_cloud.documents import dump_json, write_text
    from melange_cloud.prices.book import excluded_summary
    from melange_cloud.prices.live import load_live, lock_of, region_counts

    check_folders({"--lock": lock})
    with fetching(provider, region, None) as wanted:
        book = load_live(wanted)
    for remark in [*book.notes, *excluded_summary(book.excluded)]:
        note(remark)
    if lock is not None:
        write_text(lock, lock_of(book).to_json())
    counts = region_counts(book)
    if format_ is Format.json:
        refreshed = {"schema": "melange-cloud/prices-refresh/v1", "regions": counts}
        print_result(dump_json(refreshed), format_)
    else:
        from melange_cloud.output.prices_table import refresh_table

        print_result(refresh_table(counts))


@app.command("diff")
def diff(
    old: Annotated[
        str, typer.Argument(metavar="A", help="A price source: bundled, live, gpuhunt, or a file.")
    ],
    new: Annotated[str, typer.Argument(metavar="B", help="The price source to compare it with.")],
    max_age: MaxAgeOption = "24h",
    format_: Annotated[
        DiffFormat, typer.Option("--format", help="How the result is printed.")
    ] = DiffFormat.table,
) -> None:
    """Show what changed from price source A to price source B."""
    from melange_cloud.output import prices_diff
    from melange_cloud.prices.diff import diff_books
    from melange_cloud.prices.sources import load_prices

    with fetching(max_age=max_age) as wanted:
        books = [load_prices(source, Path(), wanted) for source in (old, new)]
    changes = diff_books(*books)
    show = {
        DiffFormat.table: prices_diff.diff_table,
        DiffFormat.json: prices_diff.diff_json,
        DiffFormat.markdown: prices_diff.diff_markdown,
    }
    print_result(show[format_](changes), format_)
