"""The file of a run: a profile that is whole, and on disk, after every point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from melange_cloud.documents import validate
from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.paths import is_there
from melange_cloud.profiles.document import COLUMNS, Profile, load_profile
from melange_cloud.profiles.run.point import Point, points_of
from melange_cloud.profiles.sizes import Size
from melange_cloud.profiles.store import is_folder, profile_path, save_profile


class Record:
    """The points measured so far, and the profile made of them.

    ``about`` holds the profile's other fields. With ``resume`` it begins with the points of the
    file at ``path``, but for the sizes that failed there: they are tried again.
    Raises InvalidInput when the file is there already, or is of something else.
    """

    def __init__(self, path: Path, about: dict[str, Any], resume: bool) -> None:
        self.path = path
        self.points: list[Point] = []
        self._about = about
        if not is_there(path):
            return
        if not resume:
            raise is_there_already(path)
        before = load_profile(path)
        _same(before, self._profile([_anything]), path)
        self._about = about | {"provenance": before.provenance}
        self.points = [point for point in points_of(before) if not _untried(point)]

    def add(self, point: Point) -> None:
        """Put a finished point on disk."""
        self.points.append(point)
        save_profile(self.path, self.profile)

    def of(self, size: Size) -> list[Point]:
        """The points at a size."""
        return [point for point in self.points if point.size == size]

    @property
    def profile(self) -> Profile:
        """The document; there must be a point."""
        return self._profile(self.points)

    def _profile(self, points: Iterable[Point]) -> Profile:
        rows = sorted(points, key=lambda point: (point.size, point.concurrency, point.row()[3]))
        document = {
            **self._about,
            "schema": "melange-cloud/profile/v1",
            "source": "measured",
            "columns": list(COLUMNS),
            "points": [point.row() for point in rows],
        }
        return validate(Profile, document, "this run", "profile")


def is_there_already(path: Path) -> InvalidInput:
    """The error about a profile that a run without --resume would replace."""
    return InvalidInput(
        f"{path} already exists",
        hint="continue it with --resume, or give another place with --out",
    )


def place(out: Path, about: dict[str, Any]) -> Path:
    """The file to write: ``out``, or its place in the folder ``out``. It is writable.

    Raises InvalidInput where the model or the GPU is called by no name that a file could have,
    OutsideError where no file can be written.
    """
    path = out
    if is_folder(out):
        path = profile_path(out, about["model"], about["gpu"], about["tensor_parallel"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if path.stat().st_size == 0:
            path.unlink()
    except OSError as error:
        raise OutsideError(f"{path} cannot be written: {error.strerror}") from None
    return path


def _untried(point: Point) -> bool:
    """Whether nothing is known of a load but that it failed: worth another try."""
    return point.tpot_ms_mean is None and (point.concurrency == 1 or bool(point.errors))


def _same(before: Profile, now: Profile, path: Path) -> None:
    differing = [
        f"{name} {old}, not {new}"
        for name, old, new in (
            ("model", before.model, now.model),
            ("GPU", before.gpu, now.gpu),
            ("tensor parallel degree", before.tensor_parallel, now.tensor_parallel),
            ("source", before.source, now.source),
            ("engine", before.engine.name, now.engine.name),
            ("engine version", before.engine.version, now.engine.version),
            ("engine arguments", _words(before.engine.args), _words(now.engine.args)),
        )
        if old != new
    ]
    if differing:
        raise InvalidInput(
            f"{path} is of another run: it has {'; '.join(differing)}",
            hint="give another place with --out",
        )


def _words(args: Sequence[str]) -> str:
    return " ".join(args) or "none"


_anything = Point(1, 1, 1, 0.0, None, None, None, None, 0, 0, None, "closed")
