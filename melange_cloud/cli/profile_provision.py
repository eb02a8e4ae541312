"""`melange-cloud profile provision`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melange_cloud.cli.common import (
    SERVICES,
    GpuOption,
    PricesOption,
    ProfilesOption,
    ProviderOption,
    RegionOption,
    ServiceArgument,
    note,
    print_result,
    warn_of_old_prices,
)
from melange_cloud.cli.files import refuse_standard_output
from melange_cloud.cli.inputs import read_inputs
from melange_cloud.cli.lists import numbers, several
from melange_cloud.cli.live_prices import MaxAgeOption
from melange_cloud.cli.profile_options import TPOT_OF_INTEREST, SizesOption


def provision(
    service: ServiceArgument,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the Terraform files.")
    ] = Path("profiling"),
    max_minutes: Annotated[
        float,
        typer.Option(
            "--max-minutes", metavar="MINUTES", help="Time for measuring on each machine."
        ),
    ] = 60.0,
    tpot_ms: Annotated[
        list[str] | None,
        several("--tpot-ms", metavar="MS", help=TPOT_OF_INTEREST, show_default=SERVICES),
    ] = None,
    size: SizesOption = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    gpu: GpuOption = None,
    prices: PricesOption = None,
    max_age: MaxAgeOption = "24h",
    profiles: ProfilesOption = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Run terraform fmt, init and validate on the files.")
    ] = False,
) -> None:
    """Write the Terraform that measures a model on rented GPUs.

    It starts one machine of each GPU type, with a hard time limit, and leaves the profiles of the
    service's model in a bucket.
    """
    from melange_cloud.output.render_text import changes_text, profiling_text
    from melange_cloud.planning.profiling import plan_profiling
    from melange_cloud.profiles.run.run import sizes_wanted
    from melange_cloud.profiles.store import HOW_TO_ESTIMATE
    from melange_cloud.terraform.profiling import Wanted, render_profiling
    from melange_cloud.terraform.run import report
    from melange_cloud.terraform.run import validate as terraform_validate
    from melange_cloud.terraform.write import write_files

    refuse_standard_output(out, "profile provision writes a folder of files")
    slos = numbers("--tpot-ms", tpot_ms)
    sizes = sizes_wanted(size or (), slos)
    overrides = {"provider": provider, "region": region, "gpu": gpu, "prices": prices}
    inputs = read_inputs(service, overrides, profiles, max_age)
    found = plan_profiling(inputs, max_minutes)
    wanted = Wanted(slos or [inputs.service.slo.tpot_ms], sizes)
    files = render_profiling(inputs.service, found, wanted)
    print_result(changes_text(out, write_files(out, files)))
    print_result(profiling_text(found))
    if found.left_out:
        note(
            "note: not measured, as Terraform can be rendered for no instance with them: "
            + ", ".join(found.left_out)
        )
    if found.unknown:
        note(
            f"note: not measured, as no profile says whether {found.model} fits on them: "
            + ", ".join(found.unknown)
            + f"; make one with {HOW_TO_ESTIMATE} and give the folder with --profiles DIR"
        )
    warn_of_old_prices(found.as_of)
    if validate:
        note(report(terraform_validate(out, list(files))))
