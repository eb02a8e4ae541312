"""Which machines to rent for measuring: one of each GPU type of a service, for a limited time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from melange_cloud.errors import InvalidInput
from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.extras import hourly_beside
from melange_cloud.planning.machines import load_seconds
from melange_cloud.planning.sites import Place, can_be_rendered
from melange_cloud.prices.book import oldest
from melange_cloud.prices.offer import Offer
from melange_cloud.profiles.document import profile_name

_SPARE_MINUTES = 10
"""For installing the profiler, and for shutting down."""

LONGEST_MINUTES = 1440
"""A machine that measures for longer than a day is a mistake."""

_DEARER = 1.1
"""A machine may cost this many times the cheapest with its GPU, to be in one place with others."""


@dataclass(frozen=True)
class Machine:
    """A machine that measures one GPU type, and then ends."""

    offer: Offer
    tensor_parallel: int
    """GPUs that share the model."""
    usd_per_hour: float
    """With disk and public address."""

    @property
    def profile(self) -> str:
        """Name of the profile that it makes."""
        return profile_name(self.offer.gpu, self.tensor_parallel)


@dataclass(frozen=True)
class Profiling:
    """The machines that a service's profiles are measured on."""

    model: str
    places: tuple[Place, ...]
    machines: tuple[Machine, ...]
    """In the order of their GPU types."""
    max_minutes: float
    """How long the profiler may measure on each machine."""
    limit_minutes: int
    """The hard limit: how long each machine exists, from its start to its end."""
    left_out: tuple[str, ...]
    """GPU types without an offer that Terraform can be rendered for."""
    unknown: tuple[str, ...]
    """GPU types on offer for which it is unknown whether they can hold the model."""

    @property
    def as_of(self) -> str | None:
        """The oldest date of a price used; None if none has one."""
        return oldest(machine.offer for machine in self.machines)

    def usd_at_most_of(self, machine: Machine) -> float:
        """What a machine costs if it runs to its limit."""
        return machine.usd_per_hour * self.limit_minutes / 60

    @property
    def usd_at_most(self) -> float:
        """What all machines cost if each runs to its limit."""
        return math.fsum(map(self.usd_at_most_of, self.machines))


def plan_profiling(inputs: Inputs, max_minutes: float) -> Profiling:
    """One machine for each GPU type that the service may use, on demand.

    Each GPU type is measured at the lowest tensor parallel degree that holds the model, on a
    machine at most a tenth dearer than its cheapest. Among those, a greedy choice keeps the
    regions few, since each needs a network and a quota. Raises InvalidInput when there is no such
    machine, or when ``max_minutes`` is out of range.
    """
    if not 1 <= max_minutes <= LONGEST_MINUTES:
        raise InvalidInput(f"--max-minutes must be between 1 and {LONGEST_MINUTES}")
    degree: dict[str, int] = {}
    for profile in inputs.profiles:
        degree[profile.gpu] = min(
            profile.tensor_parallel, degree.get(profile.gpu, profile.tensor_parallel)
        )
    fitting = [
        offer
        for offer in inputs.offers
        if offer.purchase == "on-demand" and offer.gpu_count >= degree.get(offer.gpu, math.inf)
    ]
    wanted = {offer.gpu for offer in fitting}
    chosen = _in_few_places([offer for offer in fitting if can_be_rendered(offer)])
    if not chosen:
        raise InvalidInput(
            f"no machine on offer can measure {inputs.service.model} and be rendered as Terraform",
            hint="let the service's offers include on-demand machines of AWS or Google Cloud",
        )
    machines = tuple(
        Machine(offer, degree[gpu], offer.usd_per_hour + hourly_beside(offer, inputs.service.model))
        for gpu, offer in sorted(chosen.items())
    )
    limit = math.ceil(max_minutes + load_seconds(inputs.service.model) / 60 + _SPARE_MINUTES)
    return Profiling(
        inputs.service.model,
        _places(machines),
        machines,
        max_minutes,
        limit,
        tuple(sorted(wanted - set(chosen))),
        tuple(sorted({offer.gpu for offer in inputs.offers} - degree.keys())),
    )


def _in_few_places(offers: Sequence[Offer]) -> dict[str, Offer]:
    """GPU type -> the cheapest machine with it in the place it was taken from."""
    at: dict[tuple[str, str], dict[str, Offer]] = {}
    cheapest: dict[str, float] = {}
    for offer in sorted(offers, key=lambda offer: (offer.usd_per_hour, offer.key)):
        least = cheapest.setdefault(offer.gpu, offer.usd_per_hour)
        if offer.usd_per_hour <= _DEARER * least:
            at.setdefault((offer.provider, offer.region), {}).setdefault(offer.gpu, offer)
    chosen: dict[str, Offer] = {}
    while new := {place: found.keys() - chosen.keys() for place, found in at.items()}:
        best = min(
            new,
            key=lambda place: (
                -len(new[place]),
                math.fsum(at[place][gpu].usd_per_hour for gpu in new[place]),
                place,
            ),
        )
        if not new[best]:
            break
        chosen |= {gpu: at[best][gpu] for gpu in new[best]}
    return chosen


def _places(machines: Sequence[Machine]) -> tuple[Place, ...]:
    found = sorted({(machine.offer.provider, machine.offer.region) for machine in machines})
    return tuple(
        Place(provider, region, home=provider not in {other for other, _ in found[:index]})
        for index, (provider, region) in enumerate(found)
    )
