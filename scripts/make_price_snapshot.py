"""Make the price snapshot that the package bundles, for a maintainer.

    python scripts/make_price_snapshot.py --csv DIR        from the two published price lists
    python scripts/make_price_snapshot.py --from live      from a live refresh of AWS and GCP
    python scripts/make_price_snapshot.py --from FILE      from a lock file of such a refresh

DIR holds aws_gpu_on_demand_linux.csv and gcp_gpu_prices_DATE.csv. Check a live refresh with
scripts/check_prices.py first, and review the next snapshot with `melange-cloud prices diff bundled
NEW` before it replaces the old one. All ways, and every other source of prices, go through the same
validation (melange_cloud.prices.listing) and the same writer.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

from melange_cloud.documents import write_text
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.bundled import SNAPSHOT_FILE
from melange_cloud.prices.listing import Listing, make_book, not_sold_on_demand
from melange_cloud.prices.sources import load_prices
from melange_cloud.prices.wanted import Wanted

MACHINES_FILE = Path(__file__).parent / "gcp_machines.json"

SOURCES = {
    "karpenter-gcp": (
        "cloudpilot-ai/karpenter-provider-gcp pkg/providers/pricing/initial-prices.json @373e2baa, "
        "2026-08-03, Apache-2.0; composed there from Cloud Billing SKUs, bundled local SSD included"
    ),
    "karpenter-aws": (
        "aws/karpenter-provider-aws pkg/providers/pricing/zz_generated.pricing_aws.go @265ee0ba, "
        "generated 2026-02-09, Apache-2.0"
    ),
    "skypilot": (
        "skypilot-org/skypilot-catalog catalogs/v8/aws/vms.csv @e385a0d3, Apache-2.0; undated "
        "(after mid-2025 by content)"
    ),
}


def from_csv(folder: Path) -> PriceBook:
    """The snapshot from the two published price lists: only on-demand prices that were observed."""
    listings = [*_gcp(folder), *_aws(folder / "aws_gpu_on_demand_linux.csv")]
    return make_book("bundled", listings, sources=SOURCES, not_sold=not_sold_on_demand())


def from_live(source: str) -> PriceBook:
    """The snapshot from live prices: on-demand, without anything specific to the account.

    Quotas are specific to an account, and so are the names of zones on AWS.
    """
    book = load_prices(source, Path(), Wanted(say=print))
    offers = [
        offer.model_copy(update={"zones": []})
        for offer in book.offers
        if offer.purchase == "on-demand"
    ]
    return book.model_copy(
        update={"source": "bundled", "offers": offers, "quotas": [], "notes": []}
    )


def _gcp(folder: Path) -> Iterator[Listing]:
    (path,) = folder.glob("gcp_gpu_prices_*.csv")
    as_of = path.stem.removeprefix("gcp_gpu_prices_")
    machines = json.loads(MACHINES_FILE.read_text(encoding="utf-8"))["machines"]
    for row in _rows(path):
        if row["capacity"] != "on_demand":
            continue
        gpu, gpus, vcpus, memory_gib = machines[row["machine_type"]]
        yield Listing(
            provider="gcp",
            region=row["region"],
            instance_type=row["machine_type"],
            gpu=gpu,
            gpu_count=gpus,
            usd_per_hour=float(row["usd_per_hour"]),
            as_of=as_of,
            vcpus=vcpus,
            memory_gib=memory_gib,
            source="karpenter-gcp",
        )


def _aws(path: Path) -> Iterator[Listing]:
    for row in _rows(path):
        if row["status"] != "observed":  # the others were inferred from another region
            continue
        generated = re.search(r"generated (\d{4}-\d{2}-\d{2})", row["source"])
        yield Listing(
            provider="aws",
            region=row["region"],
            instance_type=row["instance_type"],
            gpu=row["gpu"],
            gpu_count=int(row["gpu_count"]),
            usd_per_hour=float(row["usd_per_hour"]),
            as_of=generated[1] if generated else None,
            vcpus=int(row["vcpus"]),
            memory_gib=float(row["memory_gib"]),
            source="karpenter-aws" if generated else "skypilot",
        )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument("--csv", type=Path, metavar="DIR", help="the published price lists")
    sources.add_argument("--from", dest="source", metavar="SOURCE", help="live, or a lock file")
    parser.add_argument("--out", type=Path, default=SNAPSHOT_FILE)
    arguments = parser.parse_args()
    book = from_csv(arguments.csv) if arguments.csv else from_live(arguments.source)
    write_text(arguments.out, book.to_json())
    print(f"{arguments.out}: {len(book.offers)} offers, {len(book.excluded)} left out")


if __name__ == "__main__":
    main()
