"""Fetched prices on disk: one file a provider, account and region, whole or not at all.

Files are replaced by a rename, so two processes at once leave one whole file, never a mixture.
A file that is damaged is as good as none: its region is fetched again, and that is said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from melange_cloud.documents import Document, load_json, write_text
from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.paths import is_there
from melange_cloud.prices.book import PriceBook

FOLDER_VARIABLE = "MELANGE_CLOUD_CACHE"
REGIONS = "_regions"


def _is_time(value: str) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("must be a time with its offset from UTC")
    return value


_M = TypeVar("_M", "CachedRegion", "CachedRegions")

Time = Annotated[str, AfterValidator(_is_time)]


class CachedRegion(Document):
    """The prices of one region, as fetched at a time."""

    schema_: Literal["melange-cloud/price-cache/v1"] = Field(
        "melange-cloud/price-cache/v1", alias="schema"
    )
    fetched_at: Time
    digest: str = Field(description="of the book: a file changed by anything else is damaged")
    book: PriceBook


class CachedRegions(Document):
    """Which regions a provider has, and which of them the account has enabled."""

    schema_: Literal["melange-cloud/price-regions/v1"] = Field(
        "melange-cloud/price-regions/v1", alias="schema"
    )
    fetched_at: Time
    regions: dict[str, bool]


class PriceCache:
    """The cache of one account of one provider."""

    def __init__(
        self, folder: Path, provider: str, account: str, say: Callable[[str], None]
    ) -> None:
        self._folder = folder / provider / re.sub(r"[^\w.-]", "_", account)
        self._say = say

    def region(self, name: str) -> CachedRegion | None:
        """The cached prices of a region, however old; None when there are none to trust."""
        cached = self._read(name, CachedRegion)
        if cached is not None and cached.digest != cached.book.digest():
            self._say(f"{self._path(name)} is damaged (its digest differs); fetching it again")
            return None
        return cached

    def regions(self) -> CachedRegions | None:
        return self._read(REGIONS, CachedRegions)

    def store_region(self, name: str, book: PriceBook, now: datetime) -> None:
        """Raises OutsideError when the folder cannot be written."""
        fetched_at = now.isoformat(timespec="seconds")
        self._write(name, CachedRegion(fetched_at=fetched_at, digest=book.digest(), book=book))

    def store_regions(self, regions: dict[str, bool], now: datetime) -> None:
        """Raises OutsideError when the folder cannot be written."""
        fetched_at = now.isoformat(timespec="seconds")
        self._write(REGIONS, CachedRegions(fetched_at=fetched_at, regions=regions))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str, model: type[_M]) -> _M | None:
        path = self._path(name)
        if not is_there(path):
            return None
        try:
            return load_json(path, model, "price cache")
        except InvalidInput as error:
            reason = error.message.splitlines()[-1].strip()
            self._say(f"{path} is damaged ({reason}); fetching it again")
            return None

    def _write(self, name: str, document: CachedRegion | CachedRegions) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_text(self._path(name), document.to_json())
        except (OSError, OutsideError) as error:
            said = error.message if isinstance(error, OutsideError) else str(error)
            raise OutsideError(
                f"the price cache: {said}", hint=f"name another folder in {FOLDER_VARIABLE}"
            ) from None


def default_folder() -> Path:
    """The user's cache folder: MELANGE_CLOUD_CACHE, else where the system keeps caches."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named) / "prices"
    from platformdirs import user_cache_path

    return user_cache_path("melange-cloud") / "prices"
