"""`melange-cloud profile estimate`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melange_cloud.cli.common import Format, FormatOption, PricesOption, note, print_result
from melange_cloud.cli.files import STANDARD_OUTPUT, check_files, deliver_profile
from melange_cloud.cli.lists import several
from melange_cloud.cli.live_prices import MaxAgeOption, fetching
from melange_cloud.cli.profile_options import NO_LIMIT, SizesOption

if TYPE_CHECKING:
    from melange_cloud.profiles.asked import Asked


class Quantization(StrEnum):
    """How weights are stored."""

    none = "none"
    fp8 = "fp8"
    int8 = "int8"
    int4 = "int4"


class KvCache(StrEnum):
    """How the key-value cache is stored."""

    auto = "auto"
    fp8 = "fp8"


def estimate(
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="Hugging Face id.", show_default="the service's"
        ),
    ] = None,
    gpu: Annotated[
        list[str] | None,
        several("--gpu", metavar="GPU", help="GPU type, such as L4 or A100-80GB."),
    ] = None,
    tensor_parallel: Annotated[
        list[str] | None,
        several(
            "--tensor-parallel",
            metavar="N",
            help="GPUs that share the model.",
            show_default="1; with --service, 1, 2, 4 and 8",
        ),
    ] = None,
    service: Annotated[
        Path | None,
        typer.Option(
            "--service", metavar="SERVICE", help="Estimate on every GPU that this service may buy."
        ),
    ] = None,
    prices: PricesOption = None,
    max_age: MaxAgeOption = "24h",
    model_config: Annotated[
        Path | None,
        typer.Option(
            "--model-config",
            metavar="FILE",
            help="Hugging Face config.json of the model; for the bundled models not needed.",
        ),
    ] = None,
    max_position_embeddings: Annotated[
        int | None,
        typer.Option(
            "--max-position-embeddings",
            min=1,
            metavar="TOKENS",
            help="Context length in tokens, where the config does not say.",
        ),
    ] = None,
    quantization: Annotated[
        Quantization | None,
        typer.Option("--quantization", help="Of the weights.", show_default="what the config says"),
    ] = None,
    kv_cache: Annotated[
        KvCache, typer.Option("--kv-cache", help="auto: 16 bits, as the model.")
    ] = KvCache.auto,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            metavar="PROFILE",
            help="A measured profile of a few sizes: the estimate's constants are corrected by it.",
        ),
    ] = None,
    interconnect: Annotated[
        str | None,
        typer.Option(
            "--interconnect",
            metavar="NAME",
            help="What joins the GPUs of a replica: nvlink3, nvlink4, nvlink5, pcie3 or pcie4.",
            show_default="what clouds join this GPU by",
        ),
    ] = None,
    size: SizesOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|DIR",
            help="Write the profile to FILE, or to its place in a folder for --profiles; - prints "
            "it alone. Several profiles need a folder.",
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Estimate profiles by a roofline model.

    They stand in where nothing or little was measured. One GPU gives its profile. Several, or a
    service, give a profile of each configuration that the model fits on, in the folder --out:
    then `plan SERVICE --profiles DIR` uses them.
    """
    from melange_cloud.profiles.asked import Asked

    check_files(
        {"--calibrate": calibrate, "--model-config": model_config, "--service": service},
        {"--out": out},
    )
    gpus, degrees = gpu or [], _degrees(tensor_parallel or [])
    asked = Asked(
        model or "",
        gpus[0] if gpus else "",
        degrees[0] if degrees else 1,
        interconnect,
        size,
        model_config,
        quantization.value if quantization else None,
        kv_cache.value,
        calibrate,
        max_position_embeddings,
    )
    if service is not None:
        asked, configurations = _of_service(service, asked, gpus, degrees, prices, max_age)
        _estimate_several(asked, configurations, out, format)
        return
    _require(model, gpus, prices)
    if len(gpus) == 1 and len(degrees) < 2:
        _estimate_one(asked, out, format)
        return
    from melange_cloud.profiles.facts import gpu_facts

    names = [gpu_facts(name).gpu for name in gpus]  # a mistyped name is no configuration to skip
    each = [(name, degree) for name in names for degree in degrees or [1]]
    _estimate_several(asked, each, out, format)


def _require(model: str | None, gpus: list[str], prices: str | None) -> None:
    from melange_cloud.errors import InvalidInput

    missing = [name for name, value in (("--model", model), ("--gpu", gpus)) if not value]
    if missing:
        raise InvalidInput(
            f"{' and '.join(missing)} must be given, or a service file that says it: --service FILE"
        )
    if prices is not None:
        raise InvalidInput("--prices only has a meaning with --service, whose offers it prices")


def _degrees(words: list[str]) -> list[int]:
    """The tensor parallel degrees of the option."""
    from melange_cloud.errors import InvalidInput
    from melange_cloud.names import shorten

    bad = [word for word in words if not (word.isdecimal() and 0 < int(word[:9]) < 10_000)]
    if bad:
        raise InvalidInput(
            f'--tensor-parallel must be whole numbers above 0, is "{shorten(bad[0])}"'
        )
    return [int(word) for word in words]


def _of_service(
    path: Path,
    asked: Asked,
    gpus: list[str],
    degrees: list[int],
    prices: str | None,
    max_age: str,
) -> tuple[Asked, list[tuple[str, int]]]:
    """What is asked of the service's model, and on which GPUs of its offers."""
    from melange_cloud.errors import InvalidInput
    from melange_cloud.names import named_gpus
    from melange_cloud.planning.compose import filters_of
    from melange_cloud.planning.configurations import configurations
    from melange_cloud.planning.inputs import load_offers
    from melange_cloud.prices.select import why_none
    from melange_cloud.service import load_service

    service = load_service(path, {"gpu": gpus, "prices": prices})
    if asked.model not in ("", service.model):
        raise InvalidInput(
            f"{path} is a service of {service.model}, not of {asked.model}",
            hint="leave out --model, or change the service's",
        )
    with fetching(max_age=max_age) as wanted:
        base = Path() if prices else path.parent
        book, offers = load_offers(service, base, wanted, known_gpus=named_gpus())
    if not offers:
        reasons = "\n  ".join(why_none(book, **filters_of(service)))
        raise InvalidInput(f"{path} leaves no GPU to estimate on:\n  {reasons}")
    found = configurations(offers, degrees or None)
    if not found:
        wanted_degrees = " or ".join(map(str, degrees))
        raise InvalidInput(
            f"no instance that {path} may buy has a number of GPUs that --tensor-parallel "
            f"{wanted_degrees} divides"
        )
    return replace(asked, model=service.model), found


def _estimate_one(asked: Asked, out: Path | None, format: Format) -> None:
    from melange_cloud.profiles.asked import estimate_asked

    profile, remarks = estimate_asked(asked)
    _tell(remarks)
    if format is Format.json:
        shown = profile.to_json()
    else:
        from melange_cloud.output.profile_table import throughput_table
        from melange_cloud.profiles.throughput import Slo

        whole = max(map(sum, profile.sizes))
        shown = throughput_table(profile, Slo(NO_LIMIT), whole)
    reads = {"--calibrate": asked.measured, "--model-config": asked.model_config}
    deliver_profile(out, profile, shown, format, reads)


def _estimate_several(
    asked: Asked, configurations: list[tuple[str, int]], out: Path | None, format: Format
) -> None:
    from melange_cloud.errors import InvalidInput
    from melange_cloud.profiles.several import estimate_several, keep_measured, save_several
    from melange_cloud.profiles.store import is_folder

    if out is None or out == STANDARD_OUTPUT or not is_folder(out):
        raise InvalidInput("several profiles need a folder to be written to: --out DIR")
    found = keep_measured(out, estimate_several(asked, configurations))
    _tell(found.remarks)
    _tell(f"left out: {gap.why}" for gap in found.listing.without)
    save_several(out, found.listing.profiles)
    count = len(found.listing.profiles)
    note(f"wrote {count} profile{'s' * (count != 1)} to {out / asked.model}")
    if format is Format.json:
        from melange_cloud.profiles.listing import listing_json

        print_result(listing_json(found.listing), format)
    else:
        from melange_cloud.output.profile_table import profiles_table

        print_result(profiles_table(found.listing.profiles))


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        note(line)
