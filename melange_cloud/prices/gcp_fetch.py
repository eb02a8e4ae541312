"""Live GCP prices, over the SDKs' REST transports: what the APIs return, for `gcp.compose_gcp`.

Credentials and project are Application Default Credentials' and GOOGLE_CLOUD_PROJECT's. Private
endpoints are taken from gcloud's own variables, CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE and
CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDBILLING.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from melange_cloud.prices.clouds import CloudError, Once, RegionState
from melange_cloud.prices.gcp import GcpRegion, all_regions_quota, compose_gcp
from melange_cloud.prices.gcp_errors import explained
from melange_cloud.prices.gcp_skus import is_relevant
from melange_cloud.prices.listing import Composed

COMPUTE_ENGINE = "services/6F81-5844-456A"
"""Compute Engine in the Cloud Billing catalogue."""

GPU_MACHINES = 'name eq "[ag][0-9].*"'
"""Filter (RE2, whole name): the A and G series hold all machine types with GPUs of their own."""

SKUS_PER_PAGE = 5000
MACHINES_PER_PAGE = 500
"""The APIs' largest pages."""


@dataclass(frozen=True)
class Endpoints:
    """Where the APIs are; None is Google's own place."""

    compute: str | None = None
    billing: str | None = None

    @classmethod
    def from_environment(cls) -> Endpoints:
        prefix = "CLOUDSDK_API_ENDPOINT_OVERRIDES_"
        return cls(
            compute=_host(os.environ.get(prefix + "COMPUTE")),
            billing=_host(os.environ.get(prefix + "CLOUDBILLING")),
        )


class Gcp:
    """One project, with the credentials of the environment."""

    name = "gcp"

    def __init__(
        self,
        project: str,
        credentials: Any,
        endpoints: Endpoints | None = None,
        retry_seconds: float = 60.0,
    ) -> None:
        self.account = project
        self.sources = {
            "gcp-billing-catalogue": "composed from Cloud Billing SKUs (service 6F81-5844-456A) "
            "and Compute Engine machine types"
        }
        self._project = project
        self._credentials = credentials
        self._endpoints = endpoints or Endpoints()
        self._retry_seconds = retry_seconds
        self._shared_regions = Once(self._list_regions)
        self._shared_skus = Once(self._list_skus)
        self._shared_project_quotas = Once(self._get_project_quotas)

    @classmethod
    def from_environment(cls) -> Gcp:
        """Raises CloudError without credentials or a project."""
        import google.auth

        with explained("a login"):
            credentials, project = google.auth.default(
                scopes=["https://www.googleapis.com/auth/cloud-platform"]
            )
        project = os.environ.get("GOOGLE_CLOUD_PROJECT") or project
        if not project:
            raise CloudError(
                "Google Cloud: no project is set",
                hint="name one in GOOGLE_CLOUD_PROJECT; quotas and zones are a project's own",
            )
        return cls(project, credentials, Endpoints.from_environment())

    def regions(self) -> list[RegionState]:
        return [RegionState(name) for name in self._shared_regions()]

    def fetch(self, region: str, as_of: str) -> Composed:
        described = self._shared_regions()[region]
        zones = [url.rsplit("/", 1)[-1] for url in described.get("zones", ())]
        machines = [machine for zone in zones for machine in self._machine_types(zone)]
        with_gpus = [machine for machine in machines if machine.get("accelerators")]
        quotas = described.get("quotas", ())
        # regions without GPUs are many: they need no look at the catalogue
        skus = self._shared_skus() if with_gpus else []
        with explained("compute.machineTypes.list"):
            composed = compose_gcp(GcpRegion(region, with_gpus, skus, quotas), as_of)
        names = [listing.instance_type for listing in composed.listings]
        composed.quotas.extend(all_regions_quota(self._shared_project_quotas(), names))
        return composed

    def _machine_types(self, zone: str) -> Iterable[Mapping[str, Any]]:
        from google.cloud import compute_v1

        with explained("compute.machineTypes.list"):
            request = compute_v1.ListMachineTypesRequest(
                project=self._project,
                zone=zone,
                filter=GPU_MACHINES,
                max_results=MACHINES_PER_PAGE,
            )
            found = self._machine_types_client.list(request, retry=self._retry, timeout=30)
            return [_as_json(machine) for machine in found]

    def _list_regions(self) -> Mapping[str, Mapping[str, Any]]:
        from google.cloud import compute_v1

        with explained("compute.regions.list"):
            client = compute_v1.RegionsClient(**self._options(self._endpoints.compute))
            request = compute_v1.ListRegionsRequest(project=self._project)
            found = client.list(request, retry=self._retry, timeout=30)
            return {region.name: _as_json(region) for region in found}

    def _get_project_quotas(self) -> list[Mapping[str, Any]]:
        from google.cloud import compute_v1

        with explained("compute.projects.get"):
            client = compute_v1.ProjectsClient(**self._options(self._endpoints.compute))
            request = compute_v1.GetProjectRequest(project=self._project)
            project = _as_json(client.get(request, retry=self._retry, timeout=30))
            return list(project.get("quotas", ()))

    def _list_skus(self) -> list[Mapping[str, Any]]:
        """The catalogue's SKUs that can price a GPU machine, of all regions."""
        from google.cloud import billing_v1

        with explained("cloudbilling.googleapis.com"):
            client = billing_v1.CloudCatalogClient(
                transport="rest", **self._options(self._endpoints.billing)
            )
            request = billing_v1.ListSkusRequest(
                parent=COMPUTE_ENGINE, currency_code="USD", page_size=SKUS_PER_PAGE
            )
            pages = client.list_skus(request, retry=self._retry, timeout=60).pages
            skus: list[Mapping[str, Any]] = [
                _as_json(sku)
                for page in pages
                for sku in type(page).pb(page).skus
                if is_relevant(sku.description, sku.category.usage_type)
            ]
        if not skus:
            raise CloudError("Google Cloud: the billing catalogue has no SKU of a GPU machine")
        return skus

    @cached_property
    def _machine_types_client(self) -> Any:
        from google.cloud import compute_v1

        return compute_v1.MachineTypesClient(**self._options(self._endpoints.compute))

    def _options(self, endpoint: str | None) -> dict[str, Any]:
        options = {"api_endpoint": endpoint} if endpoint else None
        return {"credentials": self._credentials, "client_options": options}

    @cached_property
    def _retry(self) -> Any:
        """The SDK's own retry, also for what its defaults leave out: throttling and all of 5xx."""
        from google.api_core import exceptions, retry

        return retry.Retry(
            predicate=retry.if_exception_type(
                exceptions.TooManyRequests, exceptions.ServerError, ConnectionError
            ),
            initial=0.5,
            maximum=10.0,
            timeout=self._retry_seconds,
        )


def _as_json(message: Any) -> dict[str, Any]:
    """A message as the API's JSON: camelCase, 64-bit whole numbers as text."""
    from google.protobuf.json_format import MessageToDict

    raw = message if hasattr(message, "DESCRIPTOR") else type(message).pb(message)
    data: dict[str, Any] = MessageToDict(raw)
    return data


def _host(url: str | None) -> str | None:
    """``https://compute.internal/compute/v1/`` -> what client_options expects."""
    if not url:
        return None
    scheme, _, rest = url.rpartition("://")
    host = rest.split("/", 1)[0]
    return f"{scheme}://{host}" if scheme else host
