"""Which GPU makes the most of a dollar, size by size: the paper's Figures 3, 5, 7 and 8.

Tokens per dollar are those of input and output together, of one replica at its highest rate under
the SLO. At one size their ratio is that of requests per dollar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from melange_cloud.documents import dump_json
from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.priced import Contender
from melange_cloud.profiles.sizes import Size
from melange_cloud.profiles.throughput import Slo, Throughputs

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Tile:
    """One size under one SLO. ``best`` is None where none can serve it."""

    input_tokens: int
    output_tokens: int
    tokens_per_usd: dict[str, float]
    """By contender; 0 where it cannot serve."""
    best: str | None
    over_second: float | None
    """0.12: 12% more tokens per dollar than the second best. None when no other can serve."""
    over_worst: float | None
    """The same over the worst of those that can serve."""


@dataclass(frozen=True)
class Comparison:
    """The tiles of each SLO, sizes in order."""

    contenders: list[Contender]
    slos: list[Slo]
    tiles: list[list[Tile]]


def compare(
    contenders: Sequence[Contender],
    slos: Sequence[Slo],
    sizes: Sequence[Size] | None = None,
    max_model_len: int | None = None,
) -> Comparison:
    """All tiles; of the sizes that any of the profiles has when none are given.

    Raises InvalidInput for fewer than two contenders, profiles of different models, or a
    percentile that one of them does not have.
    """
    if len(contenders) < 2:
        raise InvalidInput("a comparison needs at least two profiles")
    names = [contender.name for contender in contenders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput(f"{twice} is given twice")
    wanted = sorted(set(sizes or [s for c in contenders for s in c.profile.sizes]))
    tiles = []
    for slo in slos:
        throughputs = {c.name: Throughputs(c.profile, slo, max_model_len) for c in contenders}
        tiles.append([_tile(contenders, throughputs, size) for size in wanted])
    return Comparison(list(contenders), list(slos), tiles)


def comparison_json(comparison: Comparison) -> str:
    """The comparison for programs."""

    def slo_of(slo: Slo) -> dict[str, Any]:
        no_limit = slo.tpot_ms == float("inf")
        return {
            "tpot_ms": None if no_limit else slo.tpot_ms,
            "ttft_ms": slo.ttft_ms,
            "percentile": slo.percentile,
        }

    return dump_json(
        {
            "schema": "melange-cloud/profile-comparison/v1",
            "profiles": [
                {
                    "name": c.name,
                    "model": c.profile.model,
                    "gpu": c.profile.gpu,
                    "tensor_parallel": c.profile.tensor_parallel,
                    "source": c.profile.source,
                    "usd_per_hour": c.usd_per_hour,
                    "price_of": c.price_of,
                    "digest": c.profile.digest,
                }
                for c in comparison.contenders
            ],
            "comparisons": [
                {"slo": slo_of(slo), "tiles": [asdict(tile) for tile in tiles]}
                for slo, tiles in zip(comparison.slos, comparison.tiles, strict=True)
            ],
        }
    )


def _tile(
    contenders: Sequence[Contender], throughputs: Mapping[str, Throughputs], size: Size
) -> Tile:
    per_usd = {
        c.name: _steady(
            throughputs[c.name].at_size(*size).rate * sum(size) * SECONDS_PER_HOUR / c.usd_per_hour
        )
        for c in contenders
    }
    ranked = sorted((name for name in per_usd if per_usd[name] > 0), key=lambda n: -per_usd[n])
    best = ranked[0] if ranked else None
    over = [_steady(per_usd[ranked[0]] / per_usd[name] - 1) for name in ranked[1:]]
    return Tile(
        *size, per_usd, best, over_second=over[0] if over else None,
        over_worst=over[-1] if over else None,
    )  # fmt: skip


def _steady(number: float) -> float:
    """To 9 digits: logarithms differ in the last ones from machine to machine."""
    return float(f"{number:.9g}")
