"""Notes for the reader of a plan, and the reasons where no fleet exists: words and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from melange_cloud.allocation.baselines import Alone
from melange_cloud.allocation.infeasibility import Obstacles
from melange_cloud.allocation.problem import Problem
from melange_cloud.planning.compose import Composition, Inputs, filters_of
from melange_cloud.prices.book import excluded_summary, oldest
from melange_cloud.prices.offer import Offer
from melange_cloud.prices.select import Filters, select_offers, why_none
from melange_cloud.profiles.check import fails
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.store import HOW_TO_ESTIMATE

SHOWN = 3
"""Buckets named one by one before the rest are counted."""

_WHY = {
    "context": "the context length is exceeded",
    "not profiled": "the profile does not reach this size",
    "memory": "the GPU memory cannot hold one such request",
    "failed": "every profiled request failed",
    "slo": "the SLO is missed even at the lightest load",
}
_REMEDY = {
    "context": "raise max_model_len in the service if the model can run longer requests",
    "not profiled": "profile or estimate that size (`melange-cloud profile estimate`)",
    "memory": "allow a GPU with more memory, or add a tensor parallel profile",
    "failed": "look at the profile with `melange-cloud profile show`",
    "slo": "loosen slo.tpot_ms or slo.ttft_ms, or allow a faster GPU",
}


def notes(inputs: Inputs, composition: Composition, used: Sequence[Offer]) -> list[str]:
    """Notes on prices, on estimates and on what was not considered, in a fixed order.

    ``used`` are the offers that the fleet buys. The same inputs give the same words.
    """
    return [
        *price_notes(inputs, used),
        *_profiles_of_another(inputs),
        *_profile_notes(composition),
        *_not_considered(inputs, composition),
    ]


def time_limit_notes(compared: Mapping[str, Alone | None]) -> list[str]:
    """What a time limit left out of the comparison with single-type fleets."""
    missed = [gpu for gpu, alone in compared.items() if alone is None]
    unproven = [
        gpu
        for gpu, alone in compared.items()
        if alone is not None and alone.fleet is not None and alone.fleet.status != "optimal"
    ]
    lines = []
    if missed:
        lines.append(
            f"the time limit ended before the cheapest fleet of {', '.join(missed)} alone was "
            "found, so it is not compared"
        )
    if unproven:
        lines.append(
            f"the fleet of {', '.join(unproven)} alone is not proven cheapest, as the time limit "
            "ended, so the saving may be less"
        )
    return lines


def no_offer_words(inputs: Inputs) -> list[str]:
    """Which filter leaves the service nothing to buy, and what to do; empty when it has offers."""
    return [] if inputs.offers else why_none(inputs.book, **filters_of(inputs.service))


def obstacle_words(composition: Composition, problem: Problem, obstacles: Obstacles) -> list[str]:
    """Each obstacle of ``problem`` (the whole one, or one with a single GPU type) in a line."""
    if not composition.profiles or not problem.columns:
        return [_nothing_to_buy(composition)]
    lines = _bucket_words(composition, problem, obstacles.buckets)
    lines += [
        f"{problem.caps[index].name} is {problem.caps[index].limit:g}; "
        f"at least {needed:g} would be needed"
        for index, needed in obstacles.caps
    ]
    if obstacles.regions is not None:
        several = f"{problem.max_regions} regions together"
        which = "single region" if problem.max_regions == 1 else several
        lines.append(
            f"no {which} can serve all sizes; set limits.max_regions to {obstacles.regions}"
        )
    if obstacles.cut_short:
        lines.append("the time limit ended before all that stands in the way was found")
    return lines or ["no fleet keeps to all the limits at once; loosen several of them together"]


def left_out_words(inputs: Inputs) -> list[str]:
    """GPUs with profiles that a filter of the service alone leaves out, a line for each filter."""
    filters = filters_of(inputs.service)
    profiled = {profile.gpu for profile in inputs.profiles}
    missing = profiled - {offer.gpu for offer in inputs.offers}
    without: list[tuple[str, Filters]] = [
        ("offers.providers (--provider)", {**filters, "providers": None}),
        ("offers.regions (--region)", {**filters, "regions": None}),
        ("offers.gpus (--gpu)", {**filters, "gpus": None}),
    ]
    lines = []
    for name, others in without:
        found = select_offers(inputs.book.offers, known_gpus=profiled, **others)
        more = sorted({offer.gpu for offer in found} & missing)
        if more:
            lines.append(f"or widen {name}: that would allow {', '.join(more)}")
    return lines


def cannot_serve(composition: Composition, problem: Problem, obstacles: Obstacles) -> str:
    """Why there is no fleet, in one line: for the row of a single-type fleet."""
    if not obstacles.buckets or not problem.columns:
        return "; ".join(obstacle_words(composition, problem, obstacles))
    by_reason: dict[str, list[int]] = {}
    for b in obstacles.buckets:
        reason = " or ".join(_WHY[why] for why in _by_reason(composition, problem, [b]))
        by_reason.setdefault(reason, []).append(b)
    parts = []
    for reason, buckets in by_reason.items():
        if len(buckets) == len(problem.rates):
            parts.append(f"{reason}, for all requests")
        else:
            (_, i), (_, o) = composition.buckets[buckets[0]]
            parts.append(
                f"{reason}, for {_share(composition, buckets)} of requests ({i} in, {o} out)"
            )
    return "; ".join(parts)


def _bucket_words(composition: Composition, problem: Problem, buckets: Sequence[int]) -> list[str]:
    if not buckets:
        return []
    lines = [
        f"requests of {composition.buckets[b]}, {_share(composition, [b])} of all: "
        + _reasons(composition, problem, [b])
        for b in buckets[:SHOWN]
    ]
    rest = buckets[SHOWN:]
    if rest:
        lines.append(f"and {_plural(len(rest), 'more size')}, {_share(composition, rest)} of all")
    found = {why for b in buckets for why in _by_reason(composition, problem, [b])}
    remedies = "; or ".join(remedy for why, remedy in _REMEDY.items() if why in found)
    return [*lines, f"to serve them: {remedies}"]


def _share(composition: Composition, buckets: Sequence[int]) -> str:
    rates = composition.problem.rates
    share = sum(rates[b] for b in buckets) / sum(rates)
    return f"{share:.2%}" if share >= 5e-5 else "less than 0.01%"


def _reasons(composition: Composition, problem: Problem, buckets: Sequence[int]) -> str:
    reasons = _by_reason(composition, problem, buckets)
    return "; ".join(f"{_WHY[why]} ({', '.join(names)})" for why, names in reasons.items())


def _by_reason(
    composition: Composition, problem: Problem, buckets: Sequence[int]
) -> dict[str, list[str]]:
    """Why configurations on offer cannot serve these buckets -> their names."""
    reasons: dict[str, list[str]] = {}
    for c in problem.offered:
        for b in buckets:
            why = composition.throughputs[c][b].why
            names = reasons.setdefault(why, []) if why else []
            if why and composition.profiles[c].name not in names:
                names.append(composition.profiles[c].name)
    return reasons


def _nothing_to_buy(composition: Composition) -> str:
    if not composition.profiles:
        return (
            "nothing on offer has a profile of this model; make profiles with "
            f"{HOW_TO_ESTIMATE} and give the folder with --profiles DIR"
        )
    degrees = sorted({profile.name for profile in composition.profiles})
    return (
        f"no instance on offer has enough GPUs for {', '.join(degrees)}; "
        "see `melange-cloud prices list`"
    )


def price_notes(inputs: Inputs, used: Sequence[Offer]) -> list[str]:
    """The source and age of the prices of ``used`` offers, and what the source left out."""
    lines = []
    dated = oldest(used)
    if dated:
        source = f'prices come from the source "{inputs.book.source}"'
        lines.append(f"{source}; the oldest one used is dated {dated}")
    undated = sorted({f"{offer.provider} {offer.region}" for offer in used if not offer.as_of})
    if undated:
        lines.append(f"the source gives no date for the prices of {', '.join(undated)}")
    if any(offer.purchase == "spot" for offer in used):
        lines.append("spot prices change, and spot instances can be taken away at short notice")
    lines += excluded_summary(inputs.book.excluded) if inputs.book.source != "bundled" else []
    return lines


def _profiles_of_another(inputs: Inputs) -> list[str]:
    """That a fine-tune is planned with the profiles of a model of the same shape."""
    model = inputs.service.model
    others = sorted({profile.model for profile in inputs.profiles} - {model})
    return [
        f"{model} is planned with profiles of {other}, which has the same architecture and size"
        for other in others
    ]


def _profile_notes(composition: Composition) -> list[str]:
    lines = []
    for source, words in (
        ("estimated", "estimated by a roofline model, not measured"),
        ("published", "taken from publications, not measured on these machines"),
    ):
        names = [profile.name for profile in composition.profiles if profile.source == source]
        if names:
            lines.append(f"throughputs of {', '.join(names)} are {words}")
    lines += [line for profile in composition.profiles for line in _failed_check(profile)]
    for c, profile in enumerate(composition.profiles):
        missing = [
            b for b, throughput in enumerate(composition.throughputs[c])
            if throughput.why == "not profiled"
        ]  # fmt: skip
        if missing:
            lines.append(
                f"the profile of {profile.name} does not reach {composition.buckets[missing[0]]}"
                + (f" and {_plural(len(missing) - 1, 'more size')}" if len(missing) > 1 else "")
                + f", so {profile.name} serves no such requests"
            )
    return lines


def _failed_check(profile: Profile) -> list[str]:
    """A warning for a measured profile that fails its checks."""
    found = fails(profile)
    if not found:
        return []
    more = f", and {_plural(len(found) - 1, 'more problem')}" if len(found) > 1 else ""
    return [
        f"WARNING: the profile of {profile.name} fails its checks ({found[0]}{more}); "
        "see `melange-cloud profile check`"
    ]


def _not_considered(inputs: Inputs, composition: Composition) -> list[str]:
    """GPUs that could be bought but have no profile, or a profile but no offer."""
    offered = {offer.gpu for offer in inputs.offers}
    profiled = {profile.gpu for profile in inputs.profiles}
    bought = {column.gpu for column in composition.problem.columns}
    wanted = set(inputs.service.offers.gpus or offered)
    lines = []
    without_profile = sorted((offered - profiled) & wanted)
    if without_profile:
        lines.append(
            f"without a profile of {inputs.service.model}, these GPUs were not considered: "
            + ", ".join(without_profile)
        )
    without_offer = sorted(((wanted & profiled) - offered) | ((offered & profiled) - bought))
    if without_offer:
        lines.append(
            "the prices and filters leave no offer for these GPUs: " + ", ".join(without_offer)
        )
    return lines


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
