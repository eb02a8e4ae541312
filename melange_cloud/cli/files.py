"""Files that commands read and write: ``-``, and no result over an input."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from melange_cloud.cli.common import note, print_result
from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.reading import STANDARD_INPUT, name_of

if TYPE_CHECKING:
    from melange_cloud.profiles.document import Profile

STANDARD_OUTPUT = Path("-")

Files = Mapping[str, Path | Sequence[Path] | None]
"""What a file is to a command, as messages say it -> the files that are it, if any."""


def deliver(out: Path | None, document: str, shown: str, format_: str) -> None:
    """Print what is ``shown`` and write the ``document`` to ``out``, or print that alone for ``-``.

    ``format_`` is that of what is shown. What was found is printed also where it cannot be
    written. Raises OutsideError then.
    """
    from melange_cloud.documents import write_text

    if out == STANDARD_OUTPUT:
        print_result(document, "document")
        return
    try:
        if out is not None:
            write_text(out, document)
    finally:
        print_result(shown, format_)
    if out is not None:
        note(f"wrote {out}")


def deliver_profile(
    out: Path | None, profile: Profile, shown: str, format_: str, reads: Files | None = None
) -> None:
    """As ``deliver``, but ``out`` may be a folder, in which the profile has its own place."""
    from melange_cloud.profiles.store import place_of, save_profile

    if out is None or out == STANDARD_OUTPUT:
        deliver(out, profile.to_json(), shown, format_)
        return
    check_files(reads or {}, {"--out": place_of(out, profile)})
    note(f"wrote {save_profile(out, profile)}")
    print_result(shown, format_)


def refuse_standard_output(out: Path, why: str) -> None:
    """Raise InvalidInput for ``--out -`` where there is more to write than a document."""
    if out == STANDARD_OUTPUT:
        raise InvalidInput(f"--out - is not possible here: {why}")


def check_files(reads: Files, writes: Files) -> None:
    """Raise InvalidInput when a result would be written over an input, by whatever name, or when
    standard input is to be read twice."""
    inputs = list(_each(reads))
    streams = [what for what, path in inputs if path == STANDARD_INPUT]
    if len(streams) > 1:
        raise InvalidInput(
            f"standard input can be read once, and it is given as {' and as '.join(streams)}",
            hint="give all but one of them as a file",
        )
    for option, out in _each(writes):
        for what, path in inputs:
            if out != STANDARD_OUTPUT and _same(out, path):
                raise InvalidInput(
                    f"{option} {out} would overwrite {what}: {name_of(path)} is the same file",
                    hint="give another file to write to",
                )


def check_folders(writes: Files) -> None:
    """Raise OutsideError when a result will be written to a folder that is not there."""
    for _, out in _each(writes):
        # not Path.is_dir, which raises for a name that is too long
        if out != STANDARD_OUTPUT and not os.path.isdir(out.parent):  # noqa: PTH112
            why = errno.ENOTDIR if os.path.exists(out.parent) else errno.ENOENT  # noqa: PTH110
            raise OutsideError(
                f"{out} cannot be written: {os.strerror(why)}",
                hint=f"make the folder {out.parent} first, or give another place to write to",
            )


def _each(files: Files) -> Iterator[tuple[str, Path]]:
    for what, paths in files.items():
        for path in [paths] if isinstance(paths, Path) else paths or ():
            yield what, path


def _same(out: Path, path: Path) -> bool:
    """Whether both are one file, also through links; false where one does not exist."""
    try:
        return out.samefile(path)
    except (OSError, ValueError):
        return False
