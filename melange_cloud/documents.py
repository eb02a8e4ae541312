"""Reading, validating and writing the documents a user or another program hands us.

A document is a pydantic model with a ``schema`` field; that model is its only definition.
All problems of a file are reported at once, with the line where the format has lines.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from melange_cloud.errors import MAX_PROBLEMS, InvalidDocument, InvalidInput, OutsideError, Problem
from melange_cloud.names import HALF_A_CHARACTER, is_text, shorten, unknown
from melange_cloud.printable import escaped, hidden, is_plain
from melange_cloud.reading import name_of, read_text

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FieldPath = tuple[str | int, ...]
Lines = Mapping[FieldPath, int]


class Document(BaseModel):
    """Base of all documents: no unknown keys, no silent conversion, no NaN or infinity."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def to_json(self) -> str:
        """The document as its file holds it: indented JSON, keys in the model's order."""
        return dump_json(self.model_dump(mode="json"))


M = TypeVar("M", bound=BaseModel)

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Where JSON writes half of a character; a text without it holds none."""


def parse_json(text: str, name: str, kind: str) -> Any:
    """The data of a JSON text.

    Raises InvalidDocument also for NaN, infinity, repeated keys, and halves of characters.
    """

    def reject_constant(constant: str) -> Any:
        raise InvalidDocument(name, kind, [Problem("", f"{constant} is not a JSON number")])

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise InvalidDocument(name, kind, [Problem(shorten(twice), "this key appears twice")])
        return result

    try:
        data = json.loads(text, parse_constant=reject_constant, object_pairs_hook=unique)
        if not _SURROGATE.search(text) or is_text(json.dumps(data, ensure_ascii=False)):
            return data
        problem = Problem("", f"it holds {HALF_A_CHARACTER}")
    except json.JSONDecodeError as error:
        problem = Problem("", f"this is not valid JSON: {error.msg}", error.lineno)
    except (RecursionError, ValueError) as error:  # nested too deep; an integer of 5000 digits
        problem = Problem("", f"this JSON cannot be read: {shorten(error)}")
    raise InvalidDocument(name, kind, [problem]) from None


def load_json(path: Path, model: type[M], kind: str, *, typed: bool = False) -> M:
    """Read and validate a JSON document. ``typed`` is that of `read_text`."""
    name, text = name_of(path), read_text(path, kind, typed=typed)
    return validate(model, parse_json(text, name, kind), name, kind, text=text)


def validate(
    model: type[M],
    data: Any,
    name: str,
    kind: str,
    lines: Lines | None = None,
    options: Mapping[FieldPath, str] | None = None,
    *,
    text: str | None = None,
) -> M:
    """``data`` as a ``model``. Raises InvalidDocument with every problem, by field and line.

    No text of it may hold control characters. ``options`` names the command-line option that gave
    a field its value; when only such fields are wrong, InvalidInput names the options instead.
    ``text`` is the JSON that the data was read from, where there is one: a large document is then
    not searched when its text shows that there is nothing to find.
    """
    if not isinstance(data, dict):
        # what is no mapping is nothing of ours, and might be a secret: it is not quoted
        found = "a list" if isinstance(data, list) else "a plain value"
        raise InvalidDocument(
            name, kind, [Problem("", f"a mapping of keys to values was expected, not {found}")]
        )
    keys = _keys_at(model, ())
    if data and not set(keys) & set(data):
        what = f"it has none of the keys of a {kind}: {', '.join(keys)}"
        raise InvalidDocument(name, kind, [Problem("", what)])
    expected = model.model_fields.get("schema_")
    if expected is not None and "schema" in data:
        known = get_args(expected.annotation)
        if data["schema"] not in known:
            raise InvalidDocument(name, kind, [_schema_problem(data["schema"], known[0])])
    more = 0
    try:
        made = model.model_validate(data)
        if text is not None and is_plain(text):
            return made
        problems = [_at(path, what, lines or {}, options or {}) for path, what in hidden(made)]
        if not problems:
            return made
    except ValidationError as error:
        details = error.errors()
        problems = [
            _problem(model, detail, lines or {}, options or {}) for detail in details[:MAX_PROBLEMS]
        ]
        more = max(0, len(details) - MAX_PROBLEMS)
    of_options = [problem for problem in problems if problem.where in (options or {}).values()]
    if of_options and len(of_options) == len(problems):
        raise InvalidInput("\n".join(map(str, _in_order(of_options))))
    raise InvalidDocument(name, kind, _in_order(problems), more)


def dump_json(value: Any) -> str:
    """Indented JSON in which rows of a table stay on one line, so that diffs read well.

    What must not be printed is escaped, so that a terminal shows the JSON as a program reads it.
    """
    return escaped(_dump(value, 0)) + "\n"


def digest(value: Any) -> str:
    """``sha256:…`` of the canonical JSON of ``value``: the same content, the same digest."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all, as ``write_bytes``."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it, then a rename."""
    temporary = None
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        # a part of the name, so that the whole is never longer than a name may be
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:50]}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, _mode_for(target))  # noqa: PTH101 - a descriptor's name, not a Path
        os.replace(temporary, target)  # noqa: PTH105
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) else "it is not a path"
        raise OutsideError(
            f"{shorten(path, 200)} cannot be written: {why}",
            hint="give another place to write to",
        ) from None


def _mode_for(path: Path) -> int:
    """Mode of the file being replaced, or what the umask gives a new one."""
    if path.exists():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _dump(value: Any, depth: int, in_list: bool = False) -> str:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(item, (dict, list)) and item for item in items):
        line = json.dumps(value, ensure_ascii=False, allow_nan=False)
        # plain values share a line when it is short, a row of a table, or all numbers
        if len(line) <= 100 or in_list or not any(isinstance(item, str) for item in items):
            return line
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, list):
        lines = [f"{inner}{_dump(item, depth + 1, in_list=True)}" for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{outer}]"
    lines = [
        f"{inner}{json.dumps(key, ensure_ascii=False)}: {_dump(item, depth + 1)}"
        for key, item in value.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + outer + "}"


def _schema_problem(found: object, expected: str) -> Problem:
    family = expected.rsplit("/", 1)[0]
    if isinstance(found, str) and found.startswith(family + "/"):
        text = f'is "{shorten(found)}", a version that this tool does not read'
    else:
        text = f'is "{shorten(found)}"'
    text += f'; "{expected}" was expected'
    return Problem("schema", text)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By line, then as found; each problem once, though every branch of a union may report it."""
    seen: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.where, problem.what), problem)
    return sorted(seen.values(), key=lambda problem: problem.line or 0)


def _problem(
    model: type[BaseModel],
    detail: ErrorDetails,
    lines: Lines,
    options: Mapping[FieldPath, str],
) -> Problem:
    # "[…]" is not part of the path: pydantic marks a mapping's key so, and we a union's branch
    path: FieldPath = tuple(part for part in detail["loc"] if not str(part).startswith("["))
    return _at(path, _what(model, detail), lines, options)


def _at(path: FieldPath, what: str, lines: Lines, options: Mapping[FieldPath, str]) -> Problem:
    """The problem of a field: by its line, or by the option that gave its value."""
    option = next((name for at, name in options.items() if path[: len(at)] == at), None)
    if option:
        return Problem(option, what)
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    return Problem(_dotted(path), what, line)


def _dotted(path: FieldPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + shorten(part, 40)
    return text


_WORDS = {
    "missing": "is required",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
}


def _what(model: type[BaseModel], detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        *parents, key = (part for part in detail["loc"] if not str(part).startswith("["))
        return unknown("key", str(key), _keys_at(model, tuple(parents)))
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    text = _WORDS.get(kind) or detail["msg"].replace("Input should be", "must be").replace(
        "Input should", "must"
    )
    if kind == "missing" or isinstance(detail["input"], (dict, list)):
        return text
    return f"{text}, but is {shorten(_as_yaml(detail['input']))}"


def _as_yaml(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _keys_at(model: type[BaseModel], path: FieldPath) -> list[str]:
    """The keys a mapping at ``path`` may have."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None or isinstance(part, int):
            continue
        by_key = {field.alias or name: field for name, field in current.model_fields.items()}
        if part in by_key:
            current = _model_in(by_key[part].annotation)
    return [field.alias or name for name, field in current.model_fields.items()] if current else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``X | None``, ``list[X]`` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, (_model_in(inner) for inner in get_args(annotation))), None)
