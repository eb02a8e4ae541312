"""Writes every bundled profile (`make profiles`) from the constants of the package."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from melange_cloud.bundled import bundled_folder
from melange_cloud.documents import write_text
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.estimate import DoesNotFit, estimate_by_name
from melange_cloud.profiles.store import place_of

ONE_GPU = [(gpu, 1) for gpu in ("L4", "A10G", "A100-40GB", "A100-80GB", "H100")]
SEVERAL_GPUS = [(gpu, degree) for gpu in ("A100-80GB", "H100") for degree in (2, 4, 8)]

BUNDLED = {
    "meta-llama/Llama-2-7b-hf": ONE_GPU,
    "meta-llama/Llama-3.1-8B": ONE_GPU,
    "meta-llama/Llama-2-70b-hf": SEVERAL_GPUS,
    "meta-llama/Llama-3.1-70B": SEVERAL_GPUS,
}


def bundled_profiles() -> Iterator[Profile | DoesNotFit]:
    """Every profile to bundle, or the reason why it cannot be made."""
    for model, configurations in BUNDLED.items():
        for name, degree in configurations:
            try:
                yield estimate_by_name(model, name, degree)
            except DoesNotFit as reason:
                yield reason


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=bundled_folder("profiles"))
    out: Path = parser.parse_args().out
    for made in bundled_profiles():
        if isinstance(made, DoesNotFit):
            print(f"a profile was not made: {made}")
            continue
        path = place_of(out, made)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, made.to_json())
        print(f"{path} ({len(made.points)} points)")


if __name__ == "__main__":
    main()
