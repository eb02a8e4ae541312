"""Names and tags that the clouds accept, from texts that may hold anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

SERVICE_TAG = "melange-service"


def service_name(name: str) -> str:
    """A service's name in resources: at most 17 of a-z, 0-9 and -, made distinct by a digest."""
    return f"{_slug(name, 10)}-{_digest(name)}"


def pool_name(service: str, pool_id: str, instance_type: str) -> str:
    """A pool's name in resources: at most 28 characters, since service accounts allow 30."""
    kind = _slug(instance_type, 10, first="m")
    return f"{_slug(service, 10)}-{kind}-{_digest(service, pool_id)}"


def identifier(*parts: str) -> str:
    """A name in HCL, distinct for distinct parts: with a digest where a part had to be changed."""
    text = "_".join(parts)
    plain = re.sub(r"[^a-z0-9]", "_", text.lower())
    changed = not all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", part) for part in parts)
    return f"{plain[:60]}_{_digest(*parts)}" if changed else plain


def aws_tags(service: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Tags of everything on AWS: keys of 128 and values of 256 characters that every service of
    AWS accepts."""
    found = {
        _aws_text(key, 128, key=True): _aws_text(value, 256) for key, value in sorted(tags.items())
    }
    return found | {SERVICE_TAG: _aws_text(service, 256)}


def gcp_labels(service: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Labels of everything on Google Cloud: 63 of a-z, 0-9, _ and -; a key begins with a letter."""
    found = {}
    for key, value in sorted(tags.items()):
        name = _gcp_text(key)
        name = name if re.match("[a-z]", name) else f"x{name}"
        found[name[:63]] = _gcp_text(value)
    return found | {SERVICE_TAG: _gcp_text(service)}


def changed_tags(tags: Mapping[str, str], rendered: Mapping[str, str]) -> list[str]:
    """The keys of ``tags`` that a cloud does not accept as they are written."""
    return [key for key, value in tags.items() if rendered.get(key) != value]


def _slug(text: str, limit: int, first: str = "s") -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    slug = slug if re.match("[a-z]", slug) else f"{first}{slug}"
    return slug[:limit].strip("-")


def _digest(*texts: str) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:6]


def _aws_text(text: str, limit: int, key: bool = False) -> str:
    clean = re.sub(r"[^A-Za-z0-9 +\-=._:/@]", "_", text).strip()
    if key:
        clean = re.sub(r"^(aws):", r"\1_", clean, flags=re.IGNORECASE) or "_"
    return clean[:limit].strip()


def _gcp_text(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())[:63]
