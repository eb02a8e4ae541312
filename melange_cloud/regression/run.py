"""The steps of `melange-cloud check`: read the baseline, plan anew, compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from melange_cloud.allocation.deadline import Deadline
from melange_cloud.errors import Infeasible, InvalidInput
from melange_cloud.plan import Plan
from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.planner import make_plan
from melange_cloud.regression.baseline import load_baseline, prices_carry, same_service
from melange_cloud.regression.check import Check, Files, check, infeasible
from melange_cloud.regression.committed import committed_of
from melange_cloud.regression.policy import Policy
from melange_cloud.service import ServicePolicy


@dataclass(frozen=True)
class Checked:
    """A check and the new plan, or the error when no fleet can serve the service."""

    check: Check
    plan: Plan | None
    infeasible: Infeasible | None = None


@dataclass(frozen=True)
class Baseline:
    """The committed plan, or why there is none to compare with."""

    path: Path
    plan: Plan | None
    why_none: str | None = None

    def of(self, inputs: Inputs, *, needed: bool) -> Baseline:
        """This baseline, or one without a plan when it is another service's or its prices are
        missing. Raises InvalidInput for these where a baseline is ``needed``."""
        if self.plan is None:
            return self
        try:
            same_service(self.plan, inputs.service.name, self.path)
            prices_carry(self.plan, inputs)
        except InvalidInput as error:
            if needed:
                raise
            return Baseline(self.path, None, error.message)
        return self


def read_baseline(path: Path, service: Path, *, needed: bool) -> Baseline:
    """The committed plan in a file, or the reason why it cannot be used: it is missing, unreadable
    or its figures do not agree. Raises InvalidInput for these where a baseline is ``needed``."""
    try:
        return Baseline(path, load_baseline(path, service))
    except InvalidInput as error:
        if needed:
            raise
        return Baseline(path, None, error.message)


def compare(
    inputs: Inputs,
    baseline: Plan | None,
    policy: Policy,
    files: Files,
    *,
    earlier: ServicePolicy | None = None,
    committed: Plan | None = None,
    keep: bool = False,
    tolerance: float = 0.0,
    slices: int | None = None,
    time_limit: float | Deadline | None = None,
) -> Checked:
    """Plan the service and compare. ``keep`` stays close to the baseline's fleet; ``earlier`` and
    ``committed`` are as in `check`. ``time_limit``, seconds, is for all optimisation together."""
    deadline = Deadline.of(time_limit)

    def near(plan: Plan) -> Plan:
        return make_plan(inputs, time_limit=deadline, keep=plan, tolerance=tolerance).plan

    try:
        plan = make_plan(
            inputs,
            slices=slices,
            time_limit=deadline,
            keep=baseline if keep else None,
            tolerance=tolerance,
        ).plan
    except Infeasible as error:
        found = infeasible(inputs, baseline, error.reasons, files, earlier)
        return Checked(found, None, error)
    found = check(
        inputs,
        baseline,
        plan,
        policy,
        files,
        earlier=earlier,
        committed=None if committed is None else committed_of(committed, plan, near),
        time_limit=deadline,
    )
    return Checked(found, plan)
