"""A check of profiles as a user asks for it: sanity, and how far an estimate is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.check import Finding, check_profile
from melange_cloud.profiles.distance import Distance, distance
from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.estimate import estimate
from melange_cloud.profiles.facts import gpu_facts, interconnect_facts, model_facts


@dataclass(frozen=True)
class Checked:
    """One profile, its findings, and how far an estimate is from it, or why there is none."""

    name: str
    profile: Profile
    findings: list[Finding]
    estimate: Distance | None = None
    why_no_estimate: str | None = None

    @property
    def fails(self) -> bool:
        """Whether it is not to be relied on."""
        return any(finding.level == "fails" for finding in self.findings)


def assess(profiles: Mapping[str, Profile], against: Path | None = None) -> list[Checked]:
    """Each of ``profiles``, set beside the estimate in the file ``against`` or our own."""
    other = load_profile(against) if against is not None else None
    return [_assess(name, profile, other) for name, profile in profiles.items()]


def _assess(name: str, profile: Profile, other: Profile | None) -> Checked:
    findings = check_profile(profile)
    if profile.source == "estimated":
        return Checked(name, profile, findings)
    if other is None:
        try:
            other = _own_estimate(profile)
        except InvalidInput as error:
            return Checked(name, profile, findings, why_no_estimate=error.message)
    return Checked(name, profile, findings, distance(profile, other))


def _own_estimate(profile: Profile) -> Profile:
    gpu = gpu_facts(profile.gpu)
    link = interconnect_facts(gpu.interconnect)
    return estimate(model_facts(profile.model), gpu, profile.tensor_parallel, link, profile.sizes)
