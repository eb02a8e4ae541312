"""Constants of an estimate, corrected by a few measured points: measure 6 sizes, get 60.

The four constants of the roofline model are moved from the table's towards what was measured:
least squares of the logarithms of TPOT and of requests/s, each held to a few per cent, against a
pull to the table's constants that settles what the points do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.distance import Errors, Served, errors
from melange_cloud.profiles.facts import Constants
from melange_cloud.profiles.roofline import Roofline

NOISE = 0.03
"""Relative error that a point's TPOT or rate has, beside the interval it states."""

BOUNDS = ((0.1, 1.0), (0.02, 1.0), (1e-5, 1.0), (1e-7, 0.1))
"""Of eb, ef, t0 and t1: wide, as an engine or a card may be unlike any in the table."""

PULL = (0.5, 0.7, 1.5, 2.5)
"""Standard deviations of the logarithms of the constants around the table's: the overheads are
the engine's and differ most between versions."""

FOLDS = 6
"""Groups of sizes left out in turn, to tell what the correction is worth elsewhere."""

FEWEST = 4
"""Points below which four constants are not to be corrected."""

_STARTS = ((1, 1, 1, 1), (1, 1, 1, 0.03), (0.7, 0.7, 3, 0.3), (1.3, 1.5, 0.3, 0.1))
_STEPS = 60

Vector = list[float]


@dataclass(frozen=True)
class Calibration:
    """Corrected constants, and how far TPOT and rate are from the measured before and after."""

    constants: Constants
    points: int
    sizes: int
    tpot_before: Errors
    tpot_after: Errors
    rate_before: Errors
    rate_after: Errors
    tpot_left_out: Errors | None
    """Of sizes predicted from the other sizes alone; None with a single size."""
    rate_left_out: Errors | None


def calibrate(replica: Roofline, points: Sequence[Served]) -> Calibration:
    """The constants with which ``replica`` comes closest to ``points``.

    Raises InvalidInput when there are too few points, or none that the replica has memory for.
    """
    usable = [point for point in points if replica.max_concurrency(*point.size) > 0]
    if len(usable) < FEWEST:
        raise InvalidInput(
            f"the profile has {len(usable)} measured points that fit in memory, too few to correct "
            f"four constants; give at least {FEWEST}, better 4 loads at each of 6 sizes"
        )
    constants = _fit(replica, usable, _STARTS)
    before, after = _errors(replica, usable), _errors(_with(replica, constants), usable)
    sizes = sorted({point.size for point in usable})
    left_out = _left_out(replica, usable)
    return Calibration(
        constants,
        points=len(usable),
        sizes=len(sizes),
        tpot_before=before[0],
        tpot_after=after[0],
        rate_before=before[1],
        rate_after=after[1],
        tpot_left_out=left_out[0],
        rate_left_out=left_out[1],
    )


def _left_out(replica: Roofline, points: Sequence[Served]) -> tuple[Errors | None, Errors | None]:
    """Errors at sizes whose points had no part in the fit."""
    sizes = sorted({point.size for point in points})
    groups = [set(sizes[first::FOLDS]) for first in range(min(FOLDS, len(sizes)))]
    pairs: list[tuple[tuple[float, float], Served]] = []
    for group in groups:
        rest = [point for point in points if point.size not in group]
        if len(rest) < FEWEST:
            return None, None
        found = _with(replica, _fit(replica, rest, _STARTS[:2]))
        pairs += [(_predicted(found, p), p) for p in points if p.size in group]
    return (
        errors((tpot, point.tpot_ms) for (tpot, _), point in pairs),
        errors((rate, point.request_rate) for (_, rate), point in pairs),
    )


def _errors(replica: Roofline, points: Sequence[Served]) -> tuple[Errors, Errors]:
    """Of TPOT and of rate."""
    predicted = [_predicted(replica, point) for point in points]
    tpot = errors((p[0], point.tpot_ms) for p, point in zip(predicted, points, strict=True))
    rate = errors((p[1], point.request_rate) for p, point in zip(predicted, points, strict=True))
    assert tpot is not None
    assert rate is not None
    return tpot, rate


def _predicted(replica: Roofline, point: Served) -> tuple[float, float]:
    """TPOT in ms and requests/s; more requests than memory holds wait and do not run."""
    running = min(point.concurrency, replica.max_concurrency(*point.size))
    load = replica.load(running, *point.size)
    return load.tpot_s * 1e3, load.request_rate


def _with(replica: Roofline, constants: Constants) -> Roofline:
    return replace(replica, gpu=replace(replica.gpu, constants=constants))


def _fit(
    replica: Roofline, points: Sequence[Served], starts: Sequence[Sequence[float]]
) -> Constants:
    """The best of the descents from several starts, multiples of the table's constants."""
    origin = _logarithms(replica.gpu.constants)
    weights = [_weight(point) for point in points]

    def residuals(x: Vector) -> Vector:
        changed = _with(replica, _constants(x))
        out = [(a - b) / s for a, b, s in zip(x, origin, PULL, strict=True)]
        for point, weight in zip(points, weights, strict=True):
            tpot, rate = _predicted(changed, point)
            out.append(weight * log(tpot / point.tpot_ms))
            out.append(weight * log(rate / point.request_rate))
        return out

    found = [
        _descend(
            residuals, _clamped([a + log(factor) for a, factor in zip(origin, start, strict=True)])
        )
        for start in starts
    ]
    best = min(found, key=lambda item: item[0])[1]
    return _constants(best)


def _weight(point: Served) -> float:
    """One over the relative error expected of a point."""
    stated = (point.tpot_ms_ci95 or 0.0) / 1.96 / point.tpot_ms
    return 1 / sqrt(NOISE**2 + stated**2)


def _logarithms(constants: Constants) -> Vector:
    return _clamped(
        [log(max(v, 1e-9)) for v in (constants.eb, constants.ef, constants.t0_s, constants.t1_s)]
    )


def _constants(x: Vector) -> Constants:
    eb, ef, t0, t1 = (float(f"{exp(value):.6g}") for value in x)
    return Constants(eb=eb, ef=ef, t0_s=t0, t1_s=t1)


def _clamped(x: Vector) -> Vector:
    return [min(max(v, log(low)), log(high)) for v, (low, high) in zip(x, BOUNDS, strict=True)]


def _descend(residuals: Callable[[Vector], Vector], x: Vector) -> tuple[float, Vector]:
    """Levenberg-Marquardt from ``x`` within the bounds: the least sum of squares, and where."""
    damping = 1e-2
    now = residuals(x)
    total = sum(r * r for r in now)
    for _ in range(_STEPS):
        columns = [
            [(b - a) / 1e-4 for a, b in zip(now, residuals(_moved(x, k, 1e-4)), strict=True)]
            for k in range(len(x))
        ]
        gradient = [sum(c * r for c, r in zip(column, now, strict=True)) for column in columns]
        normal = [[sum(a * b for a, b in zip(p, q, strict=True)) for q in columns] for p in columns]
        gained = 0.0
        while damping < 1e8:
            damped = [
                [value * (1 + damping) if r == c else value for c, value in enumerate(row)]
                for r, row in enumerate(normal)
            ]
            step = _solved(damped, gradient)
            tried = _clamped([a - b for a, b in zip(x, step, strict=True)])
            there = residuals(tried)
            sum_there = sum(r * r for r in there)
            if sum_there < total:
                gained = total - sum_there
                x, now, total = tried, there, sum_there
                damping = max(damping / 5, 1e-9)
                break
            damping *= 4
        if gained < 1e-9 * total + 1e-15:
            break
    return total, x


def _moved(x: Vector, place: int, by: float) -> Vector:
    return [value + by if k == place else value for k, value in enumerate(x)]


def _solved(matrix: list[Vector], right: Vector) -> Vector:
    """Gaussian elimination with pivoting; the matrix is definite thanks to the pull."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = max(range(k, len(rows)), key=lambda r: abs(rows[r][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for r in range(len(rows)):
            if r != k:
                factor = rows[r][k] / rows[k][k]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[k], strict=True)]
    return [row[-1] / row[k] for k, row in enumerate(rows)]
