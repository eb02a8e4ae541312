"""Profiles in folders: MODEL/GPU[-tpN].json, MODEL being the Hugging Face id (ORG/NAME)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from melange_cloud.bundled import bundled_folder
from melange_cloud.documents import write_text
from melange_cloud.errors import InvalidDocument, InvalidInput, OutsideError, Problem
from melange_cloud.names import canonical_gpu, shorten, unknown, unknown_gpu
from melange_cloud.paths import StrPath, as_paths, is_directory
from melange_cloud.profiles.aliases import same_model
from melange_cloud.profiles.document import Profile, load_profile, profile_name

HOW_TO_ESTIMATE = (
    "`melange-cloud profile estimate --service SERVICE --model-config config.json --out DIR`"
)
"""The command that makes the profiles of any model, for hints."""

_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_GPU = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


def load_profiles(model: str, folders: StrPath | Sequence[StrPath] = ()) -> list[Profile]:
    """All profiles of ``model``, one for each configuration, sorted by GPU and tensor parallel
    degree.

    The user's ``folders``, one or several (MODEL/GPU[-tpN].json in each), come before the bundled
    one: the first that has a configuration gives its profile. A fine-tune that is known as an alias
    of its base model gets the base model's profiles.

    Raises InvalidInput for a folder without profiles and for a model without any, InvalidDocument
    for a file that is not a valid profile.
    """
    paths = as_paths(folders)
    found: dict[tuple[str, int], Profile] = {}
    for folder in _all_folders(paths):
        for (gpu, degree), profile in _in_folder(folder, same_model(model)).items():
            found.setdefault((gpu, degree), profile)
    if not found:
        known = known_models(paths)
        raise InvalidInput(
            unknown("model", model, known),
            hint=f"make its profiles with {HOW_TO_ESTIMATE} and give the folder with --profiles "
            "DIR; `melange-cloud profile list` shows those there are",
        )
    return [found[key] for key in sorted(found)]


def known_models(folders: Sequence[Path] = ()) -> list[str]:
    """The models that have a profile, in the user's folders or bundled."""
    return sorted(
        {
            path.parent.relative_to(folder).as_posix()
            for folder in _all_folders(folders)
            for path in _json_files(folder)
            if _MODEL_ID.fullmatch(path.parent.relative_to(folder).as_posix())
        }
    )


def load_one(
    model: str, gpu: str, tensor_parallel: int | None, folders: Sequence[Path] = ()
) -> Profile:
    """The profile of one configuration; of the smallest profiled degree when none is given.

    Raises InvalidInput, with what there is, for a GPU or a degree without a profile.
    """
    profiles = load_profiles(model, folders)
    of_gpu = [profile for profile in profiles if profile.gpu == canonical_gpu(gpu)]
    if not of_gpu:
        known = {profile.gpu for profile in profiles}
        raise InvalidInput(
            unknown_gpu(gpu, known, f"{model} has no profile on"),
            hint=f"it has profiles on {', '.join(sorted(known))}; `melange-cloud profile list` "
            "says which GPUs have none, and why",
        )
    for profile in of_gpu:
        if tensor_parallel in (None, profile.tensor_parallel):
            return profile
    degrees = ", ".join(str(profile.tensor_parallel) for profile in of_gpu)
    raise InvalidInput(
        f"{model} on {of_gpu[0].gpu} has no profile at tensor parallel degree {tensor_parallel}; "
        f"it has one at {degrees}"
    )


def save_profile(out: Path, profile: Profile) -> Path:
    """Write ``profile`` to the file ``out``, or to its place in the folder ``out``.

    Raises InvalidInput as `profile_path`, OutsideError where it cannot be written.
    """
    path = place_of(out, profile)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideError(f"{path} cannot be written: {error.strerror}") from None
    write_text(path, profile.to_json())
    return path


def is_folder(out: Path) -> bool:
    """Whether ``out`` is a folder to put profiles into, there or not: anything but ``….json``."""
    return is_directory(out) or out.suffix != ".json"


def profile_path(folder: Path, model: str, gpu: str, tensor_parallel: int) -> Path:
    """Where the profile of a configuration belongs in a folder of profiles, always below it.

    Raises InvalidInput for a model or GPU whose name cannot be that of a file: servers report what
    they were started with, such as ``/models/llama``.
    """
    if not _MODEL_ID.fullmatch(model):
        raise InvalidInput(
            f'"{shorten(model)}" is not a Hugging Face id (ORG/NAME), by which profiles are filed',
            hint="give its id with --model, or name a file with --out",
        )
    if not _GPU.fullmatch(gpu):
        raise InvalidInput(
            f'"{shorten(gpu)}" is not the name of a GPU type',
            hint="give one such as L4 with --gpu",
        )
    return folder / model / f"{profile_name(gpu, tensor_parallel)}.json"


def place_of(out: Path, profile: Profile) -> Path:
    """The file ``out``, or the profile's place in the folder ``out``. Raises InvalidInput."""
    if not is_folder(out):
        return out
    return profile_path(out, profile.model, profile.gpu, profile.tensor_parallel)


def _in_folder(folder: Path, names: Sequence[str]) -> dict[tuple[str, int], Profile]:
    """The profiles in one folder of a model, called by any of ``names``; the first name wins."""
    found: dict[tuple[str, int], tuple[Path, Profile]] = {}
    for name in filter(_MODEL_ID.fullmatch, names):
        place = folder / name
        for path in sorted(place.glob("*.json")) if is_directory(place) else ():
            profile = load_profile(path)
            key = profile.gpu, profile.tensor_parallel
            if profile.model not in names:
                raise _misplaced(path, f"is a profile of {shorten(profile.model)}, not of {name}")
            if key in found and found[key][0].parent == path.parent:
                raise _misplaced(path, f"is a profile of {profile.name}, as is {found[key][0]}")
            found.setdefault(key, (path, profile))
    return {key: profile for key, (_, profile) in found.items()}


def _all_folders(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not is_directory(folder):
            raise InvalidInput(f"{folder}: no such folder of profiles")
        if not any(_json_files(folder)):
            raise InvalidInput(
                f"{folder} holds no profiles",
                hint="profiles in a folder are called MODEL/GPU[-tpN].json",
            )
    return [*folders, bundled_folder("profiles")]


def files_in(folders: Sequence[Path]) -> list[Path]:
    """All files in folders of profiles that may be read."""
    return [path for folder in folders for path in _json_files(folder)]


def _json_files(folder: Path) -> Iterator[Path]:
    """What may be a profile in a folder of them: MODEL is a name, or an organisation and a name."""
    if not is_directory(folder):
        return iter(())
    return chain(folder.glob("*/*.json"), folder.glob("*/*/*.json"))


def _misplaced(path: Path, what: str) -> InvalidDocument:
    return InvalidDocument(str(path), "profile here", [Problem("", f"it {what}")])
