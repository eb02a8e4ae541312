"""Reading what plan, sweep and check are about: the service, with options put over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melange_cloud.cli.files import Files, check_files, check_folders
from melange_cloud.cli.live_prices import fetching
from melange_cloud.reading import folder_of

if TYPE_CHECKING:
    from melange_cloud.planning.compose import Inputs


def read_inputs(
    service: Path,
    overrides: Mapping[str, Any],
    profiles: Sequence[Path] | None,
    max_age: str | None,
    *,
    reads: Files | None = None,
    writes: Files | None = None,
) -> Inputs:
    """The inputs of a service file, overridden by options (see ``service.OVERRIDES``).

    A price source among the options is relative to the current folder, one in the file to it.
    ``reads`` are files that the command reads beside them, ``writes`` those that it will write:
    InvalidInput when one of these is one of the inputs, OutsideError when one has no folder to
    be in: before any work is done.
    """
    from melange_cloud.planning.inputs import files_read, load_inputs
    from melange_cloud.service import load_service

    mine = {"the service": service, **(reads or {})}
    check_files(mine, writes or {})
    loaded = load_service(service, overrides)
    base, prices_base = folder_of(service), Path() if overrides.get("prices") else None
    folders = profiles or []
    named = files_read(loaded, base, prices_base=prices_base, profile_folders=folders)
    check_files({**mine, **named}, writes or {})
    check_folders(writes or {})
    with fetching(max_age=max_age) as wanted:
        return load_inputs(
            loaded, base, prices_base=prices_base, profile_folders=folders, wanted=wanted
        )
