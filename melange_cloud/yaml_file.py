"""YAML for people: plain data with the line of every field, and nothing that surprises.

Repeated keys are errors, dates stay text, and aliases may not expand without bound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from melange_cloud.documents import FieldPath
from melange_cloud.errors import InvalidDocument, Problem
from melange_cloud.names import HALF_A_CHARACTER, is_text, shorten
from melange_cloud.reading import name_of, read_text

MAX_YAML_BYTES = 1024 * 1024
MAX_VALUES = 50_000
"""Values a file may hold once its aliases are expanded (a 'billion laughs' file has more)."""

_TOO_DEEP = "it is nested too deeply"


def load_yaml(path: Path, kind: str) -> tuple[Any, dict[FieldPath, int]]:
    """The data of a YAML file, and the line (from 1) of every field in it.

    Raises InvalidInput for a file that cannot be read, InvalidDocument for one that is not YAML,
    repeats a key, or is nested or expanded too far.
    """
    text = read_text(path, kind, MAX_YAML_BYTES, typed=True)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        return _Reader(name_of(path), kind, loader).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        # newer parsers have a limit of their own, older ones run into Python's
        deep = "nesting" in (error.problem or "")
        what = _TOO_DEEP if deep else f"this is not valid YAML: {_in_words(error, text)}"
        problem = Problem("", what, mark.line + 1 if mark else None)
    except yaml.YAMLError as error:
        problem = Problem("", f"this is not valid YAML: {shorten(error)}")
    except RecursionError:
        problem = Problem("", _TOO_DEEP)
    finally:
        loader.dispose()
    raise InvalidDocument(name_of(path), kind, [problem]) from None


def _in_words(error: yaml.MarkedYAMLError, text: str) -> str:
    """The parser's message, or what people do where it is given."""
    said, mark = error.problem or "", error.problem_mark
    if mark is not None and "cannot start any token" in said:
        line = text.splitlines()[mark.line]
        character = line[mark.column : mark.column + 1]
        if character == "\t":
            return "a tab; indent with spaces"
        return f'no value begins with "{character}"; put it in quotes' if character else said
    return next((words for part, words in _SAID.items() if part in said), said)


_INDENTED = "the indentation differs from that of the lines around it"
_SAID = {
    "mapping values are not allowed": "a key and a colon stand where none can; compare the "
    "indentation with the line above, and put text with a colon in quotes",
    "did not find expected key": f"{_INDENTED}, or a bracket or quote is not closed",
    "did not find expected '-' indicator": _INDENTED,
    "expected <block end>": f"{_INDENTED}, or a bracket or quote is not closed",
    "could not find expected ':'": "a key without a colon and a space behind it",
    "a tab character": "a tab; indent with spaces",
}
"""What parsers say -> what is meant."""


class _Reader:
    def __init__(self, name: str, kind: str, loader: Any) -> None:
        self.name, self.kind, self.loader = name, kind, loader
        self.lines: dict[FieldPath, int] = {}
        self.problems: list[Problem] = []
        self.values = 0

    def read(self) -> tuple[Any, dict[FieldPath, int]]:
        root = self.loader.get_single_node()
        if root is None:
            problem = Problem("", "it holds nothing but comments")
            raise InvalidDocument(self.name, self.kind, [problem])
        data = self._value(root, ())
        if self.problems:
            raise InvalidDocument(self.name, self.kind, self.problems)
        return data, self.lines

    def _value(self, node: yaml.Node, path: FieldPath) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            problem = Problem("", f"its aliases expand to more than {MAX_VALUES:,} values")
            raise InvalidDocument(self.name, self.kind, [problem])
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        if not self._is_text(node.value, line):
            return None
        try:
            return self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raised = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
            self.problems.append(Problem("", f"this is not a plain value: {shorten(raised)}", line))
            return None

    def _is_text(self, value: str, line: int) -> bool:
        """PyYAML's own parser lets halves of characters through, its C parser does not."""
        if is_text(value):
            return True
        self.problems.append(Problem("", f"this holds {HALF_A_CHARACTER}", line))
        return False

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem("", "a key must be plain text", line))
                continue
            key = key_node.value
            if not self._is_text(key, line):
                continue
            if key in result:
                self.problems.append(Problem(shorten(key), "this key appears twice", line))
            self.lines[(*path, key)] = line
            result[key] = self._value(value_node, (*path, key))
        return result
