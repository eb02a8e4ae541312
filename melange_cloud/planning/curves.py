"""From profiles to the part of their points that a plan carries, and back."""

from __future__ import annotations

from itertools import groupby

from melange_cloud.plan import ProfileInput
from melange_cloud.profiles.document import Engine, Profile, Value

KEPT = ("request_rate", "tpot_ms_mean", "ttft_ms_mean", "tpot_ms_p99", "ttft_ms_p99")
"""The columns that determine T, besides the size and the order of the loads."""


def profile_input(profile: Profile) -> ProfileInput:
    """What a plan carries of a profile. Columns without a value are left out."""
    at = {name: place for place, name in enumerate(profile.columns)}
    kept = [
        name
        for name in KEPT
        if name in at and any(row[at[name]] is not None for row in profile.points)
    ]
    places = [at[name] for name in kept]
    i, o = at["input_tokens"], at["output_tokens"]
    order = [i, o, at["concurrency"], at["request_rate"]]
    rows = sorted(profile.points, key=lambda row: [row[place] for place in order])
    return ProfileInput(
        gpu=profile.gpu,
        tensor_parallel=profile.tensor_parallel,
        source=profile.source,
        max_model_len=profile.max_model_len,
        columns=kept,
        sizes=[
            [*size, *(row[place] for row in points for place in places)]  # type: ignore[list-item]
            for size, points in groupby(rows, key=lambda row: (row[i], row[o]))
        ],
    )


def profile_of(curve: ProfileInput) -> Profile:
    """A profile that gives the same T as the one a plan was made with.

    Its concurrencies are 1, 2, …: the order of the points is all that is known of them.
    """
    width = len(curve.columns)
    points: list[list[Value]] = [
        [row[0], row[1], level + 1, *row[2 + level * width : 2 + (level + 1) * width]]
        for row in curve.sizes
        for level in range((len(row) - 2) // width)
    ]
    return Profile(
        model="carried by a plan",
        gpu=curve.gpu,
        tensor_parallel=curve.tensor_parallel,
        engine=Engine(name="unknown"),
        source=curve.source,
        provenance="",
        max_model_len=curve.max_model_len,
        columns=["input_tokens", "output_tokens", "concurrency", *curve.columns],
        points=points,
    )
