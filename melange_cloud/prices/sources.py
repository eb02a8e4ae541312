"""Where prices may come from, by name. A new source is one new file and one line in SOURCES."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten, unknown
from melange_cloud.paths import StrPath, is_there
from melange_cloud.prices.book import PriceBook

if TYPE_CHECKING:
    from melange_cloud.prices.wanted import Wanted


def _bundled(_wanted: Wanted | None) -> PriceBook:
    from melange_cloud.prices.bundled import load_bundled

    return load_bundled()


def _live(wanted: Wanted | None) -> PriceBook:
    from melange_cloud.prices.live import load_live
    from melange_cloud.prices.wanted import Wanted

    return load_live(wanted or Wanted())


def _gpuhunt(wanted: Wanted | None) -> PriceBook:
    from melange_cloud.prices.gpuhunt_catalogue import load_gpuhunt

    return load_gpuhunt(wanted.providers if wanted else ())


SOURCES: dict[str, Callable[[Wanted | None], PriceBook]] = {
    "bundled": _bundled,
    "live": _live,
    "gpuhunt": _gpuhunt,
}
"""Name of a source -> what loads it. Anything else is the path of a file."""


def price_file(source: str, base: StrPath) -> Path:
    """The path of a source that is a file."""
    return Path(base) / Path(source).expanduser()


def load_prices(source: StrPath, base: StrPath, wanted: Wanted | None = None) -> PriceBook:
    """The price book (USD per hour) of a named source or of a file.

    ``source`` is ``bundled``, ``live``, ``gpuhunt`` or the path of a file; a relative path starts
    at ``base``. ``wanted`` says which providers and regions to fetch, how old cached prices may
    be and whom to tell; only sources that fetch use it.

    Raises InvalidInput for an unknown source, a missing file or invalid content, and OutsideError
    when live prices cannot be fetched.
    """
    text = os.fspath(source)
    if text in SOURCES:
        return SOURCES[text](wanted)
    folder = Path(base)
    path = price_file(text, base)
    if not is_there(path) and not path.suffix and "/" not in text:
        raise InvalidInput(
            unknown("price source", text, SOURCES),
            hint=f"a price source is {', '.join(SOURCES)} or a file; there is no file "
            f'"{shorten(text)}" in {folder}',
        )
    from melange_cloud.prices.file import load_file

    return load_file(path)
