"""Names of GPUs and other things a user types: one canonical form, and the nearest known one."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from melange_cloud.errors import InvalidInput

_GPU_BOOK = Path(__file__).parent / "prices" / "data" / "gpu_names.json"

_VENDOR = re.compile(r"^(?:(?:NVIDIA|TESLA)-)+")
_MEMORY = re.compile(r"(?<=-)(\d+)-?G(?:I?B)?(?=-|$)")


class AmbiguousGpu(InvalidInput, ValueError):
    """A name that several GPUs have. A ValueError, so that documents report it by field."""


@cache
def gpu_book() -> dict[str, Any]:
    """The book of GPU names: what clouds, drivers and people call a GPU."""
    data: dict[str, Any] = json.loads(_GPU_BOOK.read_text(encoding="utf-8"))
    return data


def canonical_gpu(name: str) -> str:
    """The one name of a GPU type: ``H100`` of ``nvidia-h100-80gb``, ``A100-80GB`` of ``A100 80G``.

    A name that is not in the book comes back in capitals, with hyphens between its words and
    without the maker's name; so does one that several GPUs have, see `one_gpu`.
    """
    book = gpu_book()
    hyphened = re.sub(r"[\s_-]+", "-", name).strip("-").upper()
    accelerator = book["gcp_accelerators"].get(hyphened.lower())
    if accelerator is not None:
        return str(accelerator)
    plain = _MEMORY.sub(r"\1GB", _VENDOR.sub("", hyphened))
    family, *rest = plain.split("-")
    if family in book["by_memory_gib"]:
        plain = "-".join([family, *(word for word in rest if word not in book["form_factors"])])
    return str(book["aliases"].get(plain, plain))


def one_gpu(name: str) -> str:
    """``canonical_gpu`` of a name that must mean one GPU. Raises AmbiguousGpu."""
    problem = _ambiguity(name)
    if problem is not None:
        raise AmbiguousGpu(problem)
    return canonical_gpu(name)


@cache
def named_gpus() -> frozenset[str]:
    """Every GPU that the book of names knows, by its one name."""
    book = gpu_book()
    sized = {name for sizes in book["by_memory_gib"].values() for _, name in sizes}
    alike = set(book["same_everywhere"])
    return frozenset(
        {*sized, *book["aliases"].values(), *book["gcp_accelerators"].values(), *alike}
    )


def unknown_gpu(name: str, known: Iterable[str], without: str) -> str:
    """What is wrong with a name that is none of the ``known`` GPUs.

    It is ambiguous, or a GPU that is missing here (``without`` says from what, such as "these
    prices have no offers of"), or unknown: then with the names it is most like.
    """
    ambiguous = _ambiguity(name)
    if ambiguous is not None:
        return ambiguous
    candidates = sorted(set(known))
    wanted = canonical_gpu(name)
    if wanted in named_gpus():
        return f"{without} {wanted}"
    longer = [f'"{gpu}"' for gpu in candidates if gpu.startswith(f"{wanted}-")]
    if longer:
        return f'unknown GPU "{shorten(name)}"; did you mean {" or ".join(longer)}?'
    return unknown("GPU", name, candidates, like=wanted)


def gpus_meant(name: str) -> list[str]:
    """The GPUs that a name may mean: one, unless they differ in a memory size it does not say."""
    wanted = canonical_gpu(name)
    sizes = gpu_book()["by_memory_gib"].get(wanted)
    return [str(gpu) for _, gpu in sizes] if sizes else [wanted]


def _ambiguity(name: str) -> str | None:
    meant = gpus_meant(name)
    if len(meant) == 1:
        return None
    return f'the GPU name "{shorten(name)}" is ambiguous; it may mean {" or ".join(meant)}'


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when nothing is close."""
    candidates = list(known)
    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates)}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=9, cutoff=0.6)
    if not found:
        return None
    # of equally close ones the first by name
    likeness = {
        word: difflib.SequenceMatcher(None, word, name.casefold()).ratio() for word in found
    }
    return by_folded[min(found, key=lambda word: (-round(likeness[word], 6), word))]


def unknown(kind: str, name: str, known: Iterable[str], like: str | None = None) -> str:
    """``unknown region "us-est-1"; did you mean "us-east-1"?``, or the known ones when few.

    ``like`` is compared with the known names where ``name`` is not written as they are.
    """
    candidates = sorted(set(known))
    close = nearest(like or name, candidates)
    if close:
        return f'unknown {kind} "{shorten(name)}"; did you mean "{close}"?'
    if 0 < len(candidates) <= 12:
        return f'unknown {kind} "{shorten(name)}"; known: {", ".join(candidates)}'
    return f'unknown {kind} "{shorten(name)}"'


HALF_A_CHARACTER = "half of a character (a lone surrogate such as \\ud800), which is no text"


def is_text(text: str) -> bool:
    """Whether ``text`` can be written as UTF-8: not where it holds halves of characters, which
    come from JSON's escapes and from arguments in another encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shorten(text: object, limit: int = 60) -> str:
    """``text`` on one line and at most ``limit`` characters, for messages."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
