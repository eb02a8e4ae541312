"""The committed plan: read, and refused when it cannot be what a later plan is compared with."""

from __future__ import annotations

from pathlib import Path

from melange_cloud.errors import InvalidInput
from melange_cloud.names import shorten
from melange_cloud.paths import is_there
from melange_cloud.plan import Plan, load_plan
from melange_cloud.planning.compose import Inputs, filters_of
from melange_cloud.prices.select import passes
from melange_cloud.prices.sources import SOURCES
from melange_cloud.reading import STANDARD_INPUT, name_of, word_for


def load_baseline(path: Path, service: Path) -> Plan:
    """The plan in a file.

    Raises InvalidInput when the file does not exist, with how to make it, and what `load_plan`
    raises, with how to write a new one.
    """
    if path != STANDARD_INPUT and not is_there(path):
        made = f"melange-cloud plan {word_for(service)} --out {path}"
        raise InvalidInput(
            f"{path} does not exist, so there is no baseline to compare with",
            hint=f"make one with `{made}` and commit it",
        )
    try:
        return load_plan(path)
    except InvalidInput as error:
        error.hint = error.hint or _instead_of(path, service)
        raise


def _instead_of(path: Path, service: Path) -> str | None:
    """What to do about a baseline that is no plan: only what may have been one is written anew."""
    if path == STANDARD_INPUT:
        return None
    if path.suffix != ".json":
        return "give the committed plan with --baseline, such as plan.json"
    anew = f"melange-cloud check {word_for(service)} --baseline {path} --update"
    return f"write a new one with `{anew}`"


def same_service(plan: Plan, name: str, path: Path, option: str = "--baseline") -> None:
    """Raise InvalidInput when the plan is of a service of another name.

    The model may differ: a change of model is a change of the service.
    """
    if plan.service.name != name:
        raise InvalidInput(
            f'{name_of(path)} is the plan of service "{shorten(plan.service.name)}", '
            f'not of "{shorten(name)}"',
            hint=f"give this service's plan with {option}; if the service was renamed, write a "
            "new plan with --update",
        )


def prices_carry(plan: Plan, inputs: Inputs) -> None:
    """Raise InvalidInput when a file of prices lacks an offer that the plan uses.

    An offer that the service no longer wants may be missing. Where the prices do not come from a
    file, a missing offer was withdrawn by the cloud, which is a cause of change like others.
    """
    if inputs.service.prices in SOURCES:
        return
    known = {offer.key for offer in inputs.book.offers}
    lacking = {pool.key for pool in plan.pools} - known
    wanted = filters_of(inputs.service)
    missing = [
        offer.key
        for offer in plan.inputs.offers
        if offer.key in lacking and passes(offer, **wanted)
    ]
    if missing:
        lines = [f"{key} is in the baseline's fleet, but not in these prices" for key in missing]
        raise InvalidInput(
            "\n  ".join([f"{inputs.service.prices} cannot price the baseline:", *lines]),
            hint="renew the prices (`melange-cloud prices refresh --lock FILE`), or accept a plan "
            "without these offers with --update",
        )
