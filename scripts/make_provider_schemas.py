"""Make the schemas that the tests' stand-in providers serve: tests/terraform/schemas/*.json.

They hold what `terraform providers schema -json` says about the resources and data sources that
templates/modules uses, without descriptions. No package registry has HashiCorp's own packages. The
wheels cdktn-provider-aws and cdktn-provider-google (PyPI, MPL-2.0) are generated from the
providers, and give the name and type of each argument and whether it is required, optional or
computed. This script reads that from their JavaScript.

    pip download --no-deps -d build/wheels cdktn-provider-aws==25.8.1 cdktn-provider-google==21.1.0
    python scripts/make_provider_schemas.py build/wheels

What they do not tell: how often a block may appear (beyond once or any number of times), which
arguments replace the resource, and which are sensitive.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "tests" / "terraform" / "schemas"
PROVIDERS = {"aws": "cdktn_provider_aws-25.8.1", "google": "cdktn_provider_google-21.1.0"}

_ATTRIBUTE = re.compile(
    r"\s*// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\s*$"
)
_CLASS = re.compile(r"class (\w+) extends \w+\.(\w+) \{")
_FIELD = re.compile(r'= new (?:\w+\.)?(\w+)\(this, "\w+"(?:, (true|false))?\)')
_GETTER = re.compile(r"(\w+\.Fn\.tolist\()?this\.(get\w+Attribute)\(")
_HCL = re.compile(
    r"^\s+(\w+): \{\n\s+value: (.*),\n\s+isBlock: \w+,\n\s+type: \"(\w+)\",\n"
    r"\s+storageClassType: \"(\w+)\"",
    re.M,
)
_WORDS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
_ROOTS = ("TerraformResource", "TerraformDataSource", "TerraformProvider")
_DEEPEST = 24

Json = dict[str, Any]


class Source:
    """The JavaScript of one resource: its classes, and the functions that write its HCL."""

    def __init__(self, script: str) -> None:
        self.classes: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.root = self.kind = ""
        for chunk in re.split(r"(?m)^(?=class \w+ extends |(?:export )?function \w+\()", script):
            if found := _CLASS.match(chunk):
                self.classes[found[1]] = chunk
                if found[2] in _ROOTS:
                    self.root, self.kind = found[1], found[2]
            elif found := re.match(r"(?:export )?function (\w+)ToHclTerraform\(", chunk):
                self.functions[found[1].lower()] = chunk
        named = re.search(r'static tfResourceType = "(\w+)"', self.classes.get(self.root, ""))
        self.type_name = named[1] if named else ""

    def schema(self) -> Json:
        if self.kind == "TerraformProvider":
            return {"version": 0, "block": self._of_function(None, self.classes[self.root])}
        return {"version": 0, "block": self._block(self.root)}

    def _block(self, name: str, depth: int = 0) -> Json:
        if depth > _DEEPEST:  # types that hold themselves
            return {}
        attributes: Json = {}
        blocks: Json = {}
        written = self._hcl(name)
        for attribute, flags, body in self._members(name):
            value, word, storage = written.get(attribute, ("", "", ""))
            field = _FIELD.search(body)
            inner = self._class_of(field[1]) if field else None
            if field is None or inner is None:
                kind = _type(body, field[1] if field else "", word, storage)
                attributes[attribute] = {"type": kind, **flags}
                continue
            many = field[1] != inner
            as_block = value and not (many and ", false)(" in value)
            if as_block and (word != "struct" or attribute == "timeouts"):
                blocks[attribute] = self._nested(inner, word, many, flags, depth)
            else:
                kind = self._object(inner, depth)
                outer = "map" if field[1].endswith("Map") else None
                outer = outer or ("set" if field[2] == "true" or word == "set" else "list")
                attributes[attribute] = {"type": [outer, kind] if many else kind, **flags}
        return _without_empty(attributes=attributes, block_types=blocks)

    def _nested(self, inner: str, word: str, many: bool, flags: Json, depth: int) -> Json:
        mode = "single" if word == "struct" else word
        nested: Json = {"nesting_mode": mode, "block": self._block(inner, depth + 1)}
        if mode in ("list", "set"):
            if flags.get("required"):
                nested["min_items"] = 1
            if not many:
                nested["max_items"] = 1
        return nested

    def _of_function(self, name: str | None, script: str) -> Json:
        """A provider's arguments. No class describes them, so all of them count as optional."""
        attributes: Json = {}
        blocks: Json = {}
        for attribute, value, word, storage in _HCL.findall(script):
            called = re.search(r"(\w+)ToHclTerraform", value)
            if called and called[1].lower() in self.functions and called[1] != name:
                inner = self._of_function(called[1], self.functions[called[1].lower()])
                nested = {"nesting_mode": {"struct": "single"}.get(word, word), "block": inner}
                blocks[attribute] = nested
                if word != "struct" and "listMapper" not in value:
                    nested["max_items"] = 1
            else:
                attributes[attribute] = {"type": _type("", "", word, storage), "optional": True}
        return _without_empty(attributes=attributes, block_types=blocks)

    def _members(self, name: str) -> Iterator[tuple[str, Json, str]]:
        """Attribute, flags, and the code below its comment."""
        current: tuple[str, Json, list[str]] | None = None
        for line in self.classes[name].splitlines():
            found = _ATTRIBUTE.match(line)
            if found or re.match(r"\s*// =+", line):
                if current:
                    yield current[0], current[1], "\n".join(current[2])
                current = None
                if found:
                    words = zip(
                        ("computed", "optional", "required"), found.groups()[1:], strict=True
                    )
                    current = (found[1], {word: True for word, on in words if on == "true"}, [])
            elif current:
                current[2].append(line)
        if current:
            yield current[0], current[1], "\n".join(current[2])

    def _hcl(self, name: str) -> dict[str, tuple[str, str, str]]:
        """Attribute -> (the HCL written for it, its kind, how it is stored)."""
        stem = name.removesuffix("OutputReference").lower()
        script = self.classes[name] if name == self.root else self.functions.get(stem, "")
        return {found[0]: (found[1], found[2], found[3]) for found in _HCL.findall(script)}

    def _class_of(self, target: str) -> str | None:
        for suffix in ("", "List", "Map"):
            stem = target.removesuffix("OutputReference") if not suffix else target
            inner = (stem.removesuffix(suffix) if suffix else stem) + "OutputReference"
            if target.endswith(suffix or "OutputReference") and inner in self.classes:
                return inner
        return None

    def _object(self, name: str, depth: int) -> list[Any]:
        return ["object", _fields(self._block(name, depth + 1))]


def _fields(block: Json) -> Json:
    fields = {name: attribute["type"] for name, attribute in block.get("attributes", {}).items()}
    for name, nested in block.get("block_types", {}).items():
        inner = ["object", _fields(nested["block"])]
        mode = nested["nesting_mode"]
        fields[name] = inner if mode == "single" else [mode, inner]
    return fields


def _type(body: str, helper: str, word: str, storage: str) -> Any:
    """An attribute's type, from how it is stored or else from how it is read."""
    for source in (storage, helper[:1].lower() + helper[1:], _read(body)):
        found = re.fullmatch(r"(string|number|boolean|any)(List|Map|Set)?(List)?", source)
        if found:
            inner = _WORDS[found[1]]
            if found[2] is None:
                return inner
            outer = "set" if word == "set" or found[2] == "Set" else found[2].lower()
            return ["list", [outer, inner]] if found[3] else [outer, inner]
    return "dynamic"


def _read(body: str) -> str:
    """``getNumberListAttribute`` -> ``numberList``; a plain list is one of strings."""
    found = _GETTER.search(body)
    if not found:
        return ""
    name = found[2].removeprefix("get").removesuffix("Attribute")
    name = "stringList" if name == "List" else name[:1].lower() + name[1:]
    return name.replace("List", "Set") if found[1] else name


def _without_empty(**parts: Json) -> Json:
    return {name: part for name, part in parts.items() if part}


def used(provider: str) -> set[str]:
    """``aws_lb``, ``data.aws_subnet``, … of the modules."""
    found = set()
    for path in (ROOT / "templates" / "modules").rglob("*.tf"):
        for kind, name in re.findall(r'(?m)^(resource|data) "(\w+)"', path.read_text()):
            if name.startswith(f"{provider}_"):
                found.add(name if kind == "resource" else f"data.{name}")
    return found


def extract(wheel: Path, provider: str) -> Json:
    """The schema document of what the modules use."""
    wanted = {_folder(name, provider): name for name in used(provider)} | {"provider": ""}
    scripts: dict[str, list[str]] = {}
    with zipfile.ZipFile(wheel) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner)), mode="r:gz") as package:
            for member in package:
                found = re.match(r"package/lib/([^/]+)/index(-structs/\w+)?\.js$", member.name)
                if found and _plain(found[1]) in wanted and (file := package.extractfile(member)):
                    scripts.setdefault(found[1], []).append(file.read().decode())
    kinds: dict[str, Json] = {kind: {} for kind in _ROOTS}
    for texts in scripts.values():
        source = Source(re.sub(r"\bindex_\d+\.", "", "\n".join(texts)))
        if source.root:
            kinds[source.kind][source.type_name] = source.schema()
    resources, data = kinds["TerraformResource"], kinds["TerraformDataSource"]
    missing = used(provider) - set(resources) - {f"data.{name}" for name in data}
    if missing:
        raise SystemExit(f"{wheel.name} does not have the schemas of {', '.join(sorted(missing))}")
    (of_provider,) = kinds["TerraformProvider"].values()
    served = {
        "provider": of_provider,
        "resource_schemas": dict(sorted(resources.items())),
        "data_source_schemas": dict(sorted(data.items())),
    }
    address = f"registry.terraform.io/hashicorp/{provider}"
    return {"format_version": "1.0", "provider_schemas": {address: served}}


def _folder(name: str, provider: str) -> str:
    """The package's folder of a resource: names without separators, as those vary."""
    prefix = f"data-{provider}-" if name.startswith("data.") else ""
    return _plain(prefix + name.removeprefix("data.").removeprefix(f"{provider}_"))


def _plain(folder: str) -> str:
    return re.sub(r"[-_]", "", folder)


def dumped(document: Json) -> str:
    """One resource on each line, so that a diff shows which changed."""
    lines = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return re.sub(r'("(?:aws|google)_\w+":\{"block")', r"\n\1", lines) + "\n"


if __name__ == "__main__":
    for name, wheel in PROVIDERS.items():
        (path,) = Path(sys.argv[1]).glob(f"{wheel}-*.whl")
        (SCHEMAS / f"{name}.json").write_text(dumped(extract(path, name)))
