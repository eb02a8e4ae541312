"""Reading what plan, sweep and check are about: the service, with options put over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melange_cloud.cli.live_prices import fetching

if TYPE_CHECKING:
    from melange_cloud.planning.compose import Inputs


def read_inputs(
    service: Path,
    overrides: Mapping[str, Any],
    profiles: Sequence[Path] | None,
    max_age: str | None,
) -> Inputs:
    """The inputs of a service file, overridden by options (see ``service.OVERRIDES``).

    A price source among the options is relative to the current folder, one in the file to it.
    """
    from melange_cloud.planning.inputs import load_inputs
    from melange_cloud.service import load_service

    with fetching(max_age=max_age) as wanted:
        return load_inputs(
            load_service(service, overrides),
            service.parent,
            prices_base=Path() if overrides.get("prices") else None,
            profile_folders=profiles or [],
            wanted=wanted,
        )
