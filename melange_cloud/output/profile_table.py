"""Profiles as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from melange_cloud.output.table import draw, new_table
from melange_cloud.output.text import sentence
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.listing import Listing
from melange_cloud.profiles.throughput import Slo, Throughput, Throughputs, Why

_WORDS: dict[Why, str] = {
    "context": "context",
    "not profiled": "-",
    "memory": "memory",
    "failed": "failed",
    "slo": "SLO",
}
_LEGEND: dict[Why, str] = {
    "context": "context: longer than the context length (--max-model-len sets another)",
    "not profiled": "-: beyond the profile's sizes",
    "memory": "memory: no room for one such request",
    "failed": "failed: nothing could be served when it was profiled",
    "slo": "SLO: missed at the lightest load",
}


def listing_table(listing: Listing) -> str:
    """One row a profile; then the configurations that have none, with the reason."""
    return profiles_table(listing.profiles) + (
        "\nWithout a profile:\n" + _gaps_table(listing) if listing.without else ""
    )


def profiles_table(profiles: Sequence[Profile]) -> str:
    """One row a profile."""
    table = new_table(("model", "GPU"), ("TP", "sizes", "points"), ("source", "engine"))
    for profile in profiles:
        engine = profile.engine
        table.add_row(
            profile.model,
            profile.gpu,
            str(profile.tensor_parallel),
            str(len(profile.sizes)),
            str(len(profile.points)),
            profile.source,
            f"{engine.name} {engine.version}" if engine.version else engine.name,
        )
    return draw(table)


def throughput_table(profile: Profile, slo: Slo, max_model_len: int | None = None) -> str:
    """Requests/s of one replica at each size: input tokens down, output tokens across."""
    throughputs = Throughputs(profile, slo, max_model_len)
    inputs = sorted({i for i, _ in profile.sizes})
    outputs = sorted({o for _, o in profile.sizes})
    table = new_table((), ("input \\ output", *(str(o) for o in outputs)), keyed=True)
    seen: set[Why] = set()
    for i in inputs:
        cells = [throughputs.at_size(i, o) for o in outputs]
        seen |= {cell.why for cell in cells if cell.why is not None}
        table.add_row(str(i), *map(_cell, cells))
    legend = "".join(f"{sentence(text)}\n" for why, text in _LEGEND.items() if why in seen)
    return "\n".join([title(profile, slo), "", draw(table) + legend + origin(profile)])


def limits(slo: Slo) -> str:
    """``a mean TPOT of 120 ms and a TTFT of 2000 ms``; empty for no limit."""
    parts = [] if isinf(slo.tpot_ms) else [f"TPOT of {slo.tpot_ms:g} ms"]
    parts += [] if slo.ttft_ms is None else [f"TTFT of {slo.ttft_ms:g} ms"]
    return f"a {'mean' if slo.percentile == 'mean' else 'p99'} {' and a '.join(parts)}" * bool(
        parts
    )


def title(profile: Profile, slo: Slo, what: str = "") -> str:
    """What is shown of a profile."""
    gpus = (
        f"{profile.tensor_parallel} x {profile.gpu}" if profile.tensor_parallel > 1 else profile.gpu
    )
    under = f"at {limits(slo)}" if limits(slo) else "at saturation, no SLO"
    if what:
        under = f"{what}; SLO: {limits(slo)}" if limits(slo) else what
    return sentence(f"{profile.model} on {gpus}: requests/s {under}")


def origin(profile: Profile) -> str:
    """Where its numbers come from."""
    return sentence(f"{profile.source}: {profile.provenance}") + "\n"


def _gaps_table(listing: Listing) -> str:
    table = new_table(("model", "GPU"), ("TP",), ("why",))
    for gap in listing.without:
        table.add_row(gap.model, gap.gpu, str(gap.tensor_parallel), gap.why)
    return draw(table)


def _cell(throughput: Throughput) -> str:
    return _WORDS[throughput.why] if throughput.why else f"{throughput.rate:.3g}"
