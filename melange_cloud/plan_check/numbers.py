"""When figures of a plan agree, and how they are written where they do not."""

from __future__ import annotations

MONEY = 1e-6
"""USD/h: the last decimal of the money in a plan."""

MOST = 1_000_000_000
"""No fleet has more of anything that is counted."""


def near(one: float, other: float, within: float) -> bool:
    """Whether they differ by at most ``within``, or by no more than floats of their size do.

    Never true of what is infinite or no number.
    """
    return abs(one - other) <= within + 1e-12 * abs(other)


def figure(number: float) -> str:
    """A figure with the digits that tell it from others."""
    return f"{number:.10g}"
