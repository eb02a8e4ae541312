"""Request sizes to profile: (input, output) tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES

Size = tuple[int, int]

DEFAULT_SIZES: tuple[Size, ...] = tuple((i, o) for i in INPUT_EDGES for o in OUTPUT_EDGES)
"""The upper edges of every bucket of the default grid."""

_SIZE = re.compile(r"([1-9]\d{0,8})x([1-9]\d{0,8})")


def parse_sizes(texts: Iterable[str]) -> list[Size]:
    """Sizes as a user types them, ``1000x250``; InvalidInput names each that is none."""
    found = [(text, _SIZE.fullmatch(text.strip().lower())) for text in texts]
    bad = [f'"{shorten(text)}"' for text, match in found if match is None]
    if bad:
        raise InvalidInput(
            f"not a size: {', '.join(bad)}",
            hint="write input and output tokens as INPUTxOUTPUT, such as 1000x250",
        )
    return [(int(match[1]), int(match[2])) for _, match in found if match is not None]
