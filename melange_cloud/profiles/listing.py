"""Which profiles there are, and why a GPU has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from melange_cloud.documents import dump_json
from melange_cloud.profiles.aliases import same_model
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.estimate import why_it_does_not_fit
from melange_cloud.profiles.facts import (
    ModelFacts,
    gpu_book,
    gpu_facts,
    interconnect_facts,
    models,
)
from melange_cloud.profiles.roofline import Roofline
from melange_cloud.profiles.store import known_models, load_profiles

DEGREES = (1, 2, 4, 8)
"""Tensor parallel degrees tried: instances have up to 8 GPUs."""


@dataclass(frozen=True)
class Without:
    """A GPU on which a model has no profile at a tensor parallel degree, and the reason."""

    model: str
    gpu: str
    tensor_parallel: int
    why: str


@dataclass(frozen=True)
class Listing:
    """All profiles, and the configurations that have none."""

    profiles: list[Profile]
    without: list[Without]


def list_profiles(model: str | None = None, folders: Sequence[Path] = ()) -> Listing:
    """Every profile in the user's folders and bundled, of one model or of all.

    Raises InvalidInput for a model without profiles.
    """
    found = {
        (profile.model, profile.gpu, profile.tensor_parallel): profile
        for name in (known_models(folders) if model is None else [model])
        for profile in load_profiles(name, folders)
    }
    profiles = [found[key] for key in sorted(found)]
    return Listing(profiles, [gap for facts in models() for gap in _gaps(facts, profiles)])


def listing_json(listing: Listing) -> str:
    """The listing for programs; sizes as counts, not point by point."""
    return dump_json(
        {
            "schema": "melange-cloud/profile-list/v1",
            "profiles": [
                {
                    "model": profile.model,
                    "gpu": profile.gpu,
                    "tensor_parallel": profile.tensor_parallel,
                    "source": profile.source,
                    "engine": profile.engine.model_dump(mode="json"),
                    "sizes": len(profile.sizes),
                    "points": len(profile.points),
                    "max_model_len": profile.max_model_len,
                    "digest": profile.digest,
                }
                for profile in listing.profiles
            ],
            "without": [asdict(gap) for gap in listing.without],
        }
    )


def _gaps(model: ModelFacts, found: Sequence[Profile]) -> Iterator[Without]:
    """GPUs without a profile of a model that has some, and the degrees that memory rules out."""
    ids = same_model(model.id)
    mine = [profile for profile in found if profile.model in ids]
    for entry in gpu_book().gpus if mine else []:
        degrees = [profile.tensor_parallel for profile in mine if profile.gpu == entry.gpu]
        lowest = min(degrees, default=DEGREES[-1] + 1)
        reasons = _reasons(model, entry.gpu)
        too_small = [degree for degree in reasons if degree < lowest]
        if too_small:
            yield Without(model.id, entry.gpu, too_small[-1], reasons[too_small[-1]])
        if degrees or len(reasons) == len(DEGREES):
            continue
        enough = next(degree for degree in DEGREES if degree not in reasons)
        yield Without(model.id, entry.gpu, enough, "not bundled; `profile estimate` makes one")


def _reasons(model: ModelFacts, gpu: str) -> dict[int, str]:
    """Why the model does not fit, by the degrees at which it does not."""
    facts = gpu_facts(gpu)
    link = interconnect_facts(facts.interconnect)
    by_degree = {
        degree: why_it_does_not_fit(Roofline(model, facts, degree, link)) for degree in DEGREES
    }
    return {degree: why for degree, why in by_degree.items() if why is not None}
