"""Spreading a limited time over the sizes to profile. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from melange_cloud.profiles.run.point import Point
from melange_cloud.profiles.run.search import likely_left
from melange_cloud.profiles.sizes import Size

DURATIONS = 12
"""What a point takes, in durations of one request: ramp and warm-up, and ten measured."""

_PREFILL_TOKENS = 20  # prompt tokens that take about as long as one decode step, before it is known


def in_order(sizes: Iterable[Size]) -> list[Size]:
    """Quickest first, and each size behind all that are no larger in either length."""
    return sorted(set(sizes), key=lambda size: (size[0] + _PREFILL_TOKENS * size[1], size))


def allot(needs_s: Sequence[float], total_s: float) -> list[float]:
    """Shares of ``total_s``: max-min fair, so that quick sizes take what they need and the slow
    ones all the rest in equal parts, instead of what quick ones left over.
    """
    shares = [0.0] * len(needs_s)
    left = max(0.0, total_s)
    by_need = sorted(range(len(needs_s)), key=needs_s.__getitem__)
    for done, place in enumerate(by_need):
        shares[place] = min(needs_s[place], left / (len(by_need) - done))
        left -= shares[place]
    return shares


def need_s(size: Size, points: Sequence[Point], slos_ms: Sequence[float]) -> float:
    """About how long the search at ``size`` takes, from the ``points`` of all sizes so far."""
    own = [point for point in points if point.size == size]
    return likely_left(own, slos_ms) * DURATIONS * request_s(size, points, slos_ms)


def request_s(size: Size, points: Sequence[Point], slos_ms: Sequence[float]) -> float:
    """About how long a request takes, at loads between the lightest and the SLOs' break."""
    prefill_ms, decode_ms = _token_ms(points, slos_ms)
    loaded_ms = (decode_ms + max(decode_ms, *slos_ms)) / 2
    return (size[0] * prefill_ms + size[1] * loaded_ms) / 1000


def alone_s(size: Size, points: Sequence[Point], slos_ms: Sequence[float]) -> float:
    """About how long a request takes by itself."""
    prefill_ms, decode_ms = _token_ms(points, slos_ms)
    return (size[0] * prefill_ms + size[1] * decode_ms) / 1000


def point_limit_s(left_s: float, points_left: int, duration_s: float) -> float:
    """How long a point may take: its part of what its size has left, though not less than three
    durations while there is so much. Fewer good points tell more than many bad ones.
    """
    return max(left_s / points_left, min(left_s, 3 * duration_s))


def _token_ms(points: Sequence[Point], slos_ms: Sequence[float]) -> tuple[float, float]:
    """About what a token of a prompt and one of an answer take without load, milliseconds."""
    alone = [point for point in points if point.concurrency == 1 and point.tpot_ms_mean]
    if not alone:
        return min(slos_ms) / 400, min(slos_ms) / 2
    # a short prompt's time is mostly overhead: the longest tells what a token takes
    longest = max(alone, key=lambda point: point.input_tokens)
    prefill_ms = (longest.ttft_ms_mean or 0) / longest.input_tokens
    return prefill_ms, max(point.tpot_ms_mean or 0 for point in alone)
