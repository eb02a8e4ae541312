"""The size grid: edges of input and output length that cut requests into buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten

INPUT_EDGES = (25, 100, 250, 500, 1000, 2000, 4000, 8000, 12000, 16000)
OUTPUT_EDGES = (25, 100, 250, 500, 1000, 2000)
"""Default edges, tokens (Griggs et al., arXiv 2404.14527, section 5.2 and Figure 5)."""


MAX_EDGE = 100_000_000
"""Largest edge accepted, tokens: far above any context length."""


class Range(NamedTuple):
    """Lengths above ``low`` and up to ``high``, tokens: (low, high]."""

    low: int
    high: int


class Bucket(NamedTuple):
    """One cell of the grid. It is judged at its upper edges: safe for every request in it."""

    input_tokens: Range
    output_tokens: Range

    @property
    def longest(self) -> int:
        """Tokens of its largest request, input and output together."""
        return self.input_tokens.high + self.output_tokens.high

    def __str__(self) -> str:
        (i_low, i_high), (o_low, o_high) = self.input_tokens, self.output_tokens
        return f"{i_low}-{i_high} input x {o_low}-{o_high} output tokens"


def ranges(edges: Sequence[int]) -> list[Range]:
    """The ranges between edges; the first starts at 0."""
    return [Range(low, high) for low, high in zip((0, *edges), edges, strict=False)]


def buckets(input_edges: Sequence[int], output_edges: Sequence[int]) -> list[Bucket]:
    """All cells, input length outermost, in rising order."""
    return [Bucket(i, o) for i in ranges(input_edges) for o in ranges(output_edges)]


def parse_edges(text: str | None, option: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Edges as users give them: ``25,100,250``; None gives the default.

    ``option`` is named in the error, an InvalidInput.
    """
    if text is None:
        return default
    try:
        edges = tuple(int(part) for part in text.split(","))
    except ValueError:
        edges = ()
    if not edges or edges[0] < 1 or edges[-1] > MAX_EDGE or list(edges) != sorted(set(edges)):
        raise InvalidInput(
            f'{option}: "{shorten(text)}" is not a list of rising token counts '
            f"from 1 to {MAX_EDGE:,}, such as 25,100,250"
        )
    return edges
