"""Names of one model: fine-tunes run as fast as their base, and share its profiles.

Apart from the facts of models, as every plan needs this and only estimates need those.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


def same_model(name: str) -> list[str]:
    """The ids whose profiles serve ``name``: itself first, then its base, then the others."""
    for ids in _families():
        if name.casefold() in {id_.casefold() for id_ in ids}:
            return list(dict.fromkeys([name, *ids]))
    return [name]


@cache
def _families() -> tuple[tuple[str, ...], ...]:
    """The ids of each known model, its own before the aliases."""
    models = json.loads((DATA / "models.json").read_text(encoding="utf-8"))["models"]
    return tuple((model["id"], *model["aliases"]) for model in models)
