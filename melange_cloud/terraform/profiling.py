"""From machines for measuring to the files of a folder that `terraform apply` turns into them.

Pure, except that it reads this program's own files, which the machines get.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from melange_cloud.planning.extras import extras_book
from melange_cloud.planning.machines import fitting_len, load_seconds, volume_gib
from melange_cloud.planning.profiling import Machine, Profiling
from melange_cloud.planning.sites import Place
from melange_cloud.profiles.sizes import DEFAULT_SIZES, Size
from melange_cloud.service import Service
from melange_cloud.terraform.call import Call, alias, location, network, tags
from melange_cloud.terraform.names import identifier, pool_name, service_name
from melange_cloud.terraform.own_wheel import own_wheel
from melange_cloud.terraform.quoting import Expression, code, hcl
from melange_cloud.terraform.root import check_model, module_files, root_context, templates

ROOT_FILES = {
    "README.md": "profiling",
    "main.tf": "root",
    "outputs.tf": "profiling",
    "variables.tf": "root",
    "versions.tf": "root",
}
"""File -> the folder of its template."""

_FETCH = {
    "aws": "aws s3 mv --recursive ${%s} ${local.folder}",
    "gcp": "mkdir -p ${local.folder} && gcloud storage mv '${%s}/*' ${local.folder}",
}
"""Commands that move all results into a folder for --profiles; they leave the bucket empty."""


@dataclass(frozen=True)
class Wanted:
    """What the profiler is to measure, apart from its time: options of `profile run`."""

    slos_ms: Sequence[float]
    sizes: Sequence[Size]

    def arguments(self, machine: Machine, profiling: Profiling) -> list[str]:
        words = [
            f"--gpu={machine.offer.gpu}",
            f"--tensor-parallel={machine.tensor_parallel}",
            f"--max-minutes={profiling.max_minutes:g}",
        ]
        words += [f"--tpot-ms={slo:g}" for slo in self.slos_ms]
        if list(self.sizes) == list(DEFAULT_SIZES):
            return words
        return words + [f"--size={i}x{o}" for i, o in self.sizes]

    @property
    def longest(self) -> int:
        """Tokens of the longest request."""
        return max(sum(size) for size in self.sizes)


def render_profiling(service: Service, profiling: Profiling, wanted: Wanted) -> dict[str, str]:
    """Path below the folder -> text.

    Raises InvalidInput for values that Terraform cannot hold.
    """
    check_model(service.model)
    wheel, content = own_wheel()
    program = f"program/{wheel}.base64"
    calls = _calls(service, profiling, wanted, wheel)
    context = {
        **root_context(
            service.name,
            service.tags,
            profiling.places,
            calls,
            {
                # not the name of what `render` makes: networks are global on Google Cloud
                "name": f"{service_name(service.name)}-profiling",
                "model": service.model,
                "folder": shlex.quote(f"profiles/{service.model}"),
            },
        ),
        "serving": False,
        "sized": False,
        "remote": [],
        "service": service.name,
        "model": service.model,
        "machines": [_readme_machine(machine, profiling) for machine in profiling.machines],
        "max_minutes": f"{profiling.max_minutes:g}",
        "limit_minutes": profiling.limit_minutes,
        "usd_at_most": round(profiling.usd_at_most, 2),
        "usd": f"{profiling.usd_at_most:,.2f}",
        "as_of": profiling.as_of or "unknown date",
        "extras_as_of": extras_book().as_of,
        "left_out": ", ".join(code(gpu) for gpu in profiling.left_out),
        "unknown": ", ".join(code(gpu) for gpu in profiling.unknown),
        "aws_regions": " and ".join(p.region for p in profiling.places if p.provider == "aws"),
        "profiles": {
            machine.profile: _call_of(machine).output("profile") for machine in profiling.machines
        },
        "fetch": {
            place.provider: Expression(
                '"' + _FETCH[place.provider] % f"module.{_results_name(place)}.bucket.results" + '"'
            )
            for place in profiling.places
            if place.home
        },
    }
    files = {
        name: templates().get_template(f"{folder}/{name}.j2").render(context)
        for name, folder in ROOT_FILES.items()
    }
    files[program] = base64.encodebytes(content).decode()
    return dict(sorted((files | module_files(calls)).items()))


def _calls(service: Service, profiling: Profiling, wanted: Wanted, wheel: str) -> list[Call]:
    found = [_results(place, wheel) for place in profiling.places if place.home]
    for place in profiling.places:
        here = [m for m in profiling.machines if _place_of(m) == (place.provider, place.region)]
        types = (machine.offer.instance_type for machine in here)
        found.append(network(place, types, {"nat": False, **tags(place)}))
        found += [_profiler(service, profiling, wanted, m, place, wheel) for m in here]
    return found


def _results(place: Place, wheel: str) -> Call:
    """The bucket of a cloud, in its home region."""
    arguments = {
        **(location(place) if place.provider == "gcp" else {}),
        "name": Expression("local.name"),
        "program": Expression(_program(wheel)),
        **tags(place),
    }
    return Call(_results_name(place), f"{place.provider}-results", arguments)


def _program(wheel: str) -> str:
    """The wheel's file in the folder, in HCL."""
    return f'"${{path.module}}/program/{wheel}.base64"'


def _profiler(
    service: Service,
    profiling: Profiling,
    wanted: Wanted,
    machine: Machine,
    place: Place,
    wheel: str,
) -> Call:
    net = network(place, ())
    key, offer, made = hcl(place.region), machine.offer, _call_of(machine)
    arguments: dict[str, object] = {
        **(location(place) if place.provider == "gcp" else {}),
        "name": pool_name(service.name, f"profile {machine.profile}", offer.instance_type),
        "instance_type" if place.provider == "aws" else "machine_type": offer.instance_type,
        "limit_minutes": profiling.limit_minutes,
        "model": Expression("local.model"),
        "tensor_parallel": machine.tensor_parallel,
        "max_model_len": service.max_model_len
        or min(wanted.longest, fitting_len(service.model, *_replica(machine)) or wanted.longest),
        "vllm_image": Expression("local.vllm_image"),
        "vllm_args": Expression("var.vllm_args"),
        "volume_gib": volume_gib(service.model),
        "load_seconds": load_seconds(service.model),
        "profile_name": machine.profile,
        "profile_arguments": wanted.arguments(machine, profiling),
        "bucket": Expression(f"module.{_results_name(place)}.bucket"),
        "wheel": wheel,
        "program_sha256": Expression(f"filesha256({_program(wheel)})"),
        "hf_token_secret": Expression(f"var.{place.provider}_hf_token_secret"),
    }
    if place.provider == "gcp":
        arguments["zone"] = Expression(f'lookup(var.gcp_zones, {hcl(machine.profile)}, "")')
    # the network that is made has no NAT, which would still cost after the machines have ended
    arguments["public_address"] = Expression(f"!can(var.{place.provider}_networks[{key}])")
    if place.provider == "aws":
        private, public = net.output("private_subnet_ids"), net.output("public_subnet_ids")
        arguments |= {
            "vpc_id": net.output("vpc_id"),
            "subnet_ids": Expression(f"can(var.aws_networks[{key}]) ? {private} : {public}"),
            "ami": Expression(f'lookup(var.aws_ami, {key}, "")'),
        }
    else:
        arguments |= {"network": net.output("network"), "subnetwork": net.output("subnetwork")}
    return Call(made.name, made.module, arguments | tags(place), alias(place))


def _call_of(machine: Machine) -> Call:
    """A machine's call by name alone, to refer to its outputs."""
    provider = machine.offer.provider
    return Call(identifier("profiler", machine.profile), f"{provider}-profiler", {})


def _replica(machine: Machine) -> tuple[str, int]:
    return machine.offer.gpu, machine.tensor_parallel


def _results_name(place: Place) -> str:
    return identifier("results", place.provider, "all")


def _place_of(machine: Machine) -> tuple[str, str]:
    return machine.offer.provider, machine.offer.region


def _readme_machine(machine: Machine, profiling: Profiling) -> dict[str, object]:
    offer = machine.offer
    return {
        "profile": machine.profile,
        "instance_type": offer.instance_type,
        "place": f"{offer.provider}/{offer.region}",
        "usd": f"{machine.usd_per_hour:,.4f}",
        "at_most": f"{profiling.usd_at_most_of(machine):,.2f}",
    }
