"""Profiles of this project, to be merged with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from melange_cloud.documents import validate
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.imports.point import Given, Imported, points_of

KIND = "profile"


def recognises(data: Any) -> bool:
    """Whether ``data`` is a profile of this project."""
    return isinstance(data, dict) and str(data.get("schema")).startswith("melange-cloud/profile/")


def read(data: Mapping[str, Any], name: str, _given: Given) -> Imported:
    """All its points as they are. Raises InvalidDocument for a bad profile."""
    profile = validate(Profile, dict(data), name, KIND)
    return Imported(
        name,
        KIND,
        points_of(profile),
        source=profile.source,
        model=profile.model,
        gpu=profile.gpu,
        tensor_parallel=profile.tensor_parallel,
        engine=profile.engine.name,
        engine_version=profile.engine.version,
        engine_args=profile.engine.args,
        max_model_len=profile.max_model_len,
        remarks=[profile.provenance],
    )
