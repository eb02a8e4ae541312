"""The profiles that a user names: by a file, or by a GPU of a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.names import canonical_gpu, named_gpus, shorten
from melange_cloud.paths import is_file
from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.store import load_one

_DEGREE = re.compile(r"(.+)-tp([1-9]\d{0,3})", re.IGNORECASE)


def pick_profile(
    named: str,
    model: str | None = None,
    tensor_parallel: int | None = None,
    folders: Sequence[Path] = (),
    *,
    how: str = "to name a GPU instead, give the model with --model",
) -> Profile:
    """The profile in the file ``named``, or of ``model`` on the GPU ``named`` (``H100-tp4``).

    Raises InvalidInput or InvalidDocument when there is none; ``how`` says then how a GPU is named.
    """
    path = Path(named)
    if named.endswith(".json") or (model is None and is_file(path)):
        return load_profile(path)
    if model is None:
        raise InvalidInput(
            f'"{shorten(named)}" is not the file of a profile',
            hint=how,
        )
    match = _DEGREE.fullmatch(named)
    if match and tensor_parallel is None:
        return load_one(model, match[1], int(match[2]), folders)
    return load_one(model, named, tensor_parallel, folders)


def model_and_gpu(word: str) -> str:
    """Where one of both is given alone, what both look like: ``MODEL L4``, ``org/name GPU``."""
    match = _DEGREE.fullmatch(word)
    is_gpu = canonical_gpu(match[1] if match else word) in named_gpus()
    return f"MODEL {shorten(word)}" if is_gpu else f"{shorten(word)} GPU"


def pick_profiles(
    named: Sequence[str], model: str | None, folders: Sequence[Path] = ()
) -> dict[str, Profile]:
    """The profiles by the shortest name that tells them apart: ``L4``, or the file.

    Raises InvalidInput for one that is given twice, or profiles of several models.
    """
    found = [(text, pick_profile(text, model, None, folders)) for text in named]
    models = {profile.model for _, profile in found}
    if len(models) > 1:
        raise InvalidInput(f"these are profiles of several models: {', '.join(sorted(models))}")
    short = [profile.name for _, profile in found]
    by_name: dict[str, Profile] = {}
    for text, profile in found:
        name = profile.name if short.count(profile.name) == 1 else text
        if any(profile.digest == other.digest for other in by_name.values()):
            raise InvalidInput(f"{text} is given twice")
        by_name[name] = profile
    return by_name
