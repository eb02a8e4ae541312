"""`melange-cloud prices`: what is offered, and at which price."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

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

app = typer.Typer(help="What clouds offer, and at which price.", no_args_is_help=True)


@app.callback()
def prices() -> None:
    """What clouds offer, and at which price."""


@app.command("list")
def list_(
    prices: PricesOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    purchase: PurchaseOption = None,
    format: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Show the offers of a price source. --out writes them as a price book for --prices."""
    from melange_cloud.documents import write_text
    from melange_cloud.prices.book import age_warning, excluded_summary, listed_json, oldest
    from melange_cloud.prices.select import select_excluded, select_offers
    from melange_cloud.prices.sources import load_prices

    book = load_prices(prices or "bundled", Path())
    offers = select_offers(
        book.offers, providers=provider, regions=region, gpus=gpu, purchase=purchase
    )
    warning = age_warning(oldest(offers), datetime.now(UTC).date())
    left_out = select_excluded(book.excluded, providers=provider, regions=region)
    for remark in [*book.notes, *excluded_summary(left_out), *filter(None, [warning])]:
        note(remark)
    if out is not None:
        write_text(out, book.model_copy(update={"offers": offers}).to_json())
    if format is Format.json:
        print_result(listed_json(offers))
    else:
        from melange_cloud.output.prices_table import prices_table

        print_result(prices_table(offers))
