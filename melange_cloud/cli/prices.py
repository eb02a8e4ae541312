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
    OutOption,
    PricesOption,
    ProviderOption,
    PurchaseOption,
    RegionOption,
    note,
    print_result,
)
from melange_cloud.cli.live_prices import MaxAgeOption, fetching

app = typer.Typer(help="What clouds offer, and at which price.", no_args_is_help=True)


class DiffFormat(StrEnum):
    """How a difference is printed."""

    table = "table"
    json = "json"
    markdown = "markdown"


@app.command("list")
def list_(
    prices: PricesOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    purchase: PurchaseOption = None,
    max_age: MaxAgeOption = "24h",
    format_: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Show the offers of a price source. --out writes them as a price book for --prices."""
    from melange_cloud.documents import write_text
    from melange_cloud.prices.book import age_warning, excluded_summary, listed_json, oldest
    from melange_cloud.prices.select import Filters, select_excluded, select_offers, why_none
    from melange_cloud.prices.sources import load_prices

    with fetching(provider, region, max_age) as wanted:
        book = load_prices(prices or "bundled", Path(), wanted)
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
    if out is not None:
        write_text(out, book.model_copy(update={"offers": offers}).to_json())
    if format_ is Format.json:
        print_result(listed_json(offers))
    else:
        from melange_cloud.output.prices_table import prices_table

        print_result(prices_table(offers))


@app.command("refresh")
def refresh(
    provider: ProviderOption = None,
    region: RegionOption = None,
    lock: Annotated[
        Path | None,
        typer.Option(
            "--lock", metavar="FILE", help="Also write the prices to FILE, for --prices FILE."
        ),
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """Fetch what AWS and GCP charge now into the cache, for --prices live."""
    from melange_cloud.documents import dump_json, write_text
    from melange_cloud.prices.book import excluded_summary
    from melange_cloud.prices.live import load_live, lock_of, region_counts

    with fetching(provider, region, None) as wanted:
        book = load_live(wanted)
    for remark in [*book.notes, *excluded_summary(book.excluded)]:
        note(remark)
    if lock is not None:
        write_text(lock, lock_of(book).to_json())
    counts = region_counts(book)
    if format_ is Format.json:
        print_result(dump_json({"schema": "melange-cloud/prices-refresh/v1", "regions": counts}))
    else:
        from melange_cloud.output.prices_table import refresh_table

        print_result(refresh_table(counts))


@app.command("diff")
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A price source or file.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The one to compare it with.")],
    max_age: MaxAgeOption = "24h",
    format_: Annotated[
        DiffFormat, typer.Option("--format", help="How to print the result.")
    ] = DiffFormat.table,
) -> None:
    """Show what changed from price source A to B."""
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
    print_result(show[format_](changes))
