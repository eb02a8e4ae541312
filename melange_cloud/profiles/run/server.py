"""What an OpenAI-compatible server says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from melange_cloud.errors import OutsideError
from melange_cloud.names import shorten
from melange_cloud.profiles.run.client import Client

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Server:
    """A server: the name it takes requests under, the model behind it, and its engine."""

    served_name: str
    model: str
    engine: str
    version: str | None
    max_model_len: int | None


async def read_server(client: Client) -> Server:
    """Ask the server what it serves. Raises OutsideError when it does not say."""
    try:
        status, listed = await client.get_json("/v1/models")
        version_status, version = await client.get_json("/version")
    except OSError as error:
        raise OutsideError(
            f"{client.url} does not answer: {error}",
            hint="start the server first, or give --serve MODEL to have it started",
        ) from None
    if status in (401, 403):
        raise OutsideError(
            f"{client.url} requires an API key (HTTP {status})",
            hint="set VLLM_API_KEY to the key it was started with",
        )
    card = _base_model(listed)
    if status != 200 or card is None:
        raise OutsideError(
            f"{client.url}/v1/models does not list a model (HTTP {status})",
            hint="give the URL of an OpenAI-compatible server, such as the one that "
            "`vllm serve MODEL` starts",
        )
    said = version.get("version") if isinstance(version, dict) and version_status == 200 else None
    longest = card.get("max_model_len")
    root = card.get("root")
    return Server(
        served_name=card["id"],
        # the name served may be any alias; what it was loaded from is the model
        model=root if isinstance(root, str) and _HUB_ID.fullmatch(root) else card["id"],
        engine="vllm" if said and card.get("owned_by") == "vllm" else "unknown",
        version=shorten(said) if said else None,
        max_model_len=longest if type(longest) is int and longest > 0 else None,
    )


def _base_model(listed: Any) -> dict[str, Any] | None:
    """The first that is no LoRA adapter of another."""
    cards = listed.get("data") if isinstance(listed, dict) else None
    for card in cards if isinstance(cards, list) else []:
        if isinstance(card, dict) and isinstance(card.get("id"), str) and not card.get("parent"):
            return card
    return None
