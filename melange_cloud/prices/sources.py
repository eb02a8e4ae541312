"""Where prices may come from, by name. A new source is one new file and one line in SOURCES."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten, unknown
from melange_cloud.prices.book import PriceBook


def _bundled() -> PriceBook:
    from melange_cloud.prices.bundled import load_bundled

    return load_bundled()


SOURCES: dict[str, Callable[[], PriceBook]] = {
    "bundled": _bundled,
}
"""Name of a source -> what loads it. Anything else is the path of a file."""


def load_prices(source: str, base: Path) -> PriceBook:
    """The price book of a named source or of a file; a relative path is relative to ``base``.

    Raises InvalidInput (no such source or file, invalid content) or OutsideError.
    """
    if source in SOURCES:
        return SOURCES[source]()
    path = base / Path(source).expanduser()
    if not path.exists() and not path.suffix and "/" not in source:
        raise InvalidInput(
            unknown("price source", source, SOURCES),
            hint=f"a price source is {', '.join(SOURCES)} or a file; there is no file "
            f'"{shorten(source)}" in {base}',
        )
    from melange_cloud.prices.file import load_file

    return load_file(path)
