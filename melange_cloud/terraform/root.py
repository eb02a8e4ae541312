"""The parts that all root modules share: templates, settings, provider blocks, called modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from melange_cloud import __version__
from melange_cloud.bundled import bundled_folder
from melange_cloud.errors import InvalidInput
from melange_cloud.planning.sites import Place
from melange_cloud.terraform.call import Call
from melange_cloud.terraform.names import aws_tags, gcp_labels, identifier, service_name
from melange_cloud.terraform.quoting import Expression, arguments, code, hcl

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def templates() -> Environment:
    """The templates of root modules, by path below ``templates``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(str(bundled_folder("templates"))),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"hcl": hcl, "arguments": arguments, "code": code}
    return environment


def root_context(
    service: str,
    tags: Mapping[str, str],
    places: Sequence[Place],
    calls: Sequence[Call],
    settings: Mapping[str, object],
) -> dict[str, object]:
    """The values for every template; ``settings`` are further locals of this root module."""
    clouds = {place.provider for place in places}
    return {
        "version": __version__,
        "aws": "aws" in clouds,
        "gcp": "gcp" in clouds,
        "settings": _settings(service, tags, clouds, settings),
        "calls": calls,
        "providers": _providers(places),
    }


def check_model(model: str) -> None:
    """Raise InvalidInput for a model that `vllm serve` would read as an option."""
    if model.startswith("-"):
        raise InvalidInput('service.model begins with "-", so vLLM would read it as an option')


def module_files(calls: Iterable[Call]) -> dict[str, str]:
    """Path -> text of all modules that are called.

    pip compiles the Python file of a module where it installs the bundle: bytecode is left out.
    """
    found = {}
    for name in sorted({call.module for call in calls}):
        folder = bundled_folder("templates") / "modules" / name
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                place = f"modules/{name}/{path.relative_to(folder).as_posix()}"
                found[place] = path.read_text(encoding="utf-8")
    return found


def _settings(
    service: str, tags: Mapping[str, str], clouds: set[str], settings: Mapping[str, object]
) -> dict[str, object]:
    found: dict[str, object] = {
        "name": service_name(service),
        **settings,
        "vllm_image": Expression('join("@", compact([var.vllm_image, var.vllm_image_digest]))'),
    }
    for cloud, kind, of in (("aws", "tags", aws_tags), ("gcp", "labels", gcp_labels)):
        if cloud in clouds:
            given = f"given_{kind}"
            found[given] = of(service, tags)
            found[kind] = Expression(f"merge(local.{given}, var.tags)")
    return found


def _providers(places: Sequence[Place]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for place in places:
        if place.provider == "aws":
            alias = {} if place.home else {"alias": identifier(place.region)}
            found.append({"name": "aws", "arguments": {**alias, "region": place.region}})
    if any(place.provider == "gcp" for place in places):
        found.append({"name": "google", "arguments": {"project": Expression("var.gcp_project")}})
    return found
