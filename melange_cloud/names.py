"""Names of GPUs and other things a user types: one canonical form, and the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

GPU_ALIASES = {
    "A100-40G": "A100-40GB",
    "A100-80G": "A100-80GB",
    "A100-SXM4-40GB": "A100-40GB",
    "A100-SXM4-80GB": "A100-80GB",
    "H100-80GB": "H100",
    "H100-SXM": "H100",
    "H200-141GB": "H200",
    "RTX PRO 6000": "RTX-PRO-6000",
    "RTXPRO6000": "RTX-PRO-6000",
}
"""Other names of a GPU -> the one name this project uses."""


def canonical_gpu(name: str) -> str:
    """The one name of a GPU type; an unknown name comes back upper-cased, unchanged otherwise."""
    upper = name.strip().upper()
    return GPU_ALIASES.get(upper, upper)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when nothing is close."""
    candidates = list(known)
    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates)}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=9, cutoff=0.6)
    if not found:
        return None
    # of equally close ones the first by name
    likeness = {
        word: difflib.SequenceMatcher(None, word, name.casefold()).ratio() for word in found
    }
    return by_folded[min(found, key=lambda word: (-round(likeness[word], 6), word))]


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """``unknown region "us-est-1"; did you mean "us-east-1"?``, or the known ones when few."""
    candidates = sorted(set(known))
    close = nearest(name, candidates)
    if close:
        return f'unknown {kind} "{shorten(name)}"; did you mean "{close}"?'
    if 0 < len(candidates) <= 12:
        return f'unknown {kind} "{shorten(name)}"; known: {", ".join(candidates)}'
    return f'unknown {kind} "{shorten(name)}"'


def shorten(text: object, limit: int = 60) -> str:
    """``text`` on one line and at most ``limit`` characters, for messages."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
