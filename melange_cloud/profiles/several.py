"""Estimates of one model on several GPUs at once, into a folder that plans can read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.paths import is_there
from melange_cloud.profiles.asked import Asked, estimate_asked
from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.estimate import CannotRun
from melange_cloud.profiles.facts import gpu_facts
from melange_cloud.profiles.listing import Listing, Without
from melange_cloud.profiles.store import place_of, save_profile

Configuration = tuple[str, int]
"""A GPU type and a tensor parallel degree."""


@dataclass(frozen=True)
class Several:
    """The profiles of the configurations that can run a model, the others with the reason, and
    what a reader should be told."""

    listing: Listing
    remarks: list[str]


def estimate_several(asked: Asked, configurations: Iterable[Configuration]) -> Several:
    """What ``asked`` asks for, at each of ``configurations`` instead of its own.

    A configuration that cannot run the model, or that no table knows, is left out with the
    reason. Raises InvalidInput when none is left, and what `estimate_asked` raises.
    """
    if asked.measured is not None:
        raise InvalidInput(
            "--calibrate corrects the estimate of one GPU at one tensor parallel degree",
            hint="give one --gpu and one --tensor-parallel with it, and no --service",
        )
    profiles: list[Profile] = []
    without: list[Without] = []
    remarks: list[str] = []
    for gpu, degree in sorted(set(configurations)):
        try:
            gpu_facts(gpu)
        except InvalidInput as error:
            if not any(gap.gpu == gpu for gap in without):
                without.append(Without(asked.model, gpu, degree, error.message))
            continue
        try:
            profile, told = estimate_asked(replace(asked, gpu=gpu, tensor_parallel=degree))
        except CannotRun as error:
            without.append(Without(asked.model, gpu, degree, error.message))
            continue
        profiles.append(profile)
        remarks += [line for line in told if line not in remarks]
    if not profiles:
        reasons = [gap.why for gap in without]
        raise InvalidInput(
            "\n  ".join([f"no profile of {asked.model} can be estimated:", *reasons]),
            hint="allow GPUs with more memory, or more of them together (--tensor-parallel)",
        )
    return Several(Listing(profiles, without), remarks)


def keep_measured(folder: Path, several: Several) -> Several:
    """Without the profiles in whose place in ``folder`` there is one that is no estimate."""
    kept: list[Profile] = []
    without = list(several.listing.without)
    for profile in several.listing.profiles:
        path = place_of(folder, profile)
        there = load_profile(path) if is_there(path) else None
        if there is None or there.source == "estimated":
            kept.append(profile)
        else:
            why = f"{path} is {there.source}, and an estimate does not replace it"
            without.append(Without(profile.model, profile.gpu, profile.tensor_parallel, why))
    return replace(several, listing=Listing(kept, without))


def save_several(folder: Path, profiles: Sequence[Profile]) -> list[Path]:
    """Write each profile to its place in ``folder``."""
    return [save_profile(place_of(folder, profile), profile) for profile in profiles]
