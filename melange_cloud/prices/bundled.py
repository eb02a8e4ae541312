"""The dated snapshot of prices in the package: works without a network or an account."""

from __future__ import annotations

from pathlib import Path

from melange_cloud.prices.book import PriceBook

SNAPSHOT_FILE = Path(__file__).parent / "data" / "snapshot.json"


def load_bundled() -> PriceBook:
    """The bundled price book: AWS and GCP, on-demand."""
    return PriceBook.model_validate_json(SNAPSHOT_FILE.read_bytes())
