"""Live AWS prices, over the SDK: what the APIs return, for `aws.compose_aws`.

Credentials, profile and endpoints are as the SDK finds them (``AWS_PROFILE``,
``AWS_ENDPOINT_URL_EC2``); retries are the SDK's, with backoff (``AWS_MAX_ATTEMPTS``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

from melange_cloud.prices.aws import QUOTAS, AwsRegion, compose_aws
from melange_cloud.prices.aws_errors import explained
from melange_cloud.prices.clouds import RegionState
from melange_cloud.prices.listing import Composed

PRICE_LIST_REGION = "us-east-1"
"""The Price List Query API has endpoints in us-east-1, eu-central-1 and ap-south-1 only; each
serves the prices of all regions."""

GPU_FAMILIES = ("g*", "p*")
"""Names of instance types with NVIDIA GPUs; what has no GPU after all is left out later."""

MAX_FILTER_VALUES = 200
"""EC2's limit on the values of one filter."""


class Aws:
    """The AWS account of the environment."""

    name = "aws"

    def __init__(self, session: Any, account: str) -> None:
        self.account = account
        self.sources = {
            "aws-price-list": "AWS Price List Query API (GetProducts) and EC2 DescribeInstanceTypes"
        }
        self._session = session
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls) -> Aws:
        """Raises CloudError without credentials, and for a profile that does not exist."""
        import boto3
        from botocore.exceptions import NoCredentialsError

        with explained("a login"):
            session = boto3.session.Session()
            if session.get_credentials() is None:
                raise NoCredentialsError
        return cls(session, account_key())

    def regions(self) -> list[RegionState]:
        with explained("ec2:DescribeRegions"):
            found = self._client("ec2", PRICE_LIST_REGION).describe_regions(AllRegions=True)
        return [
            RegionState(region["RegionName"], region.get("OptInStatus") != "not-opted-in")
            for region in found["Regions"]
        ]

    def fetch(self, region: str, as_of: str) -> Composed:
        types = self._instance_types(region)
        names = [described["InstanceType"] for described in types]
        data = AwsRegion(
            region=region,
            price_list=self._price_list(region) if names else [],
            instance_types=types,
            offerings=self._offerings(region, names),
            quotas=self._quotas(region) if names else {},
        )
        with explained("pricing:GetProducts", region):
            return compose_aws(data, as_of)

    def _price_list(self, region: str) -> list[str]:
        filters = {
            "regionCode": region,
            "instanceFamily": "GPU instance",
            "operatingSystem": "Linux",
            "tenancy": "Shared",
            "capacitystatus": "Used",
            "preInstalledSw": "NA",
            "marketoption": "OnDemand",
        }
        with explained("pricing:GetProducts", region):
            pages = self._pages(
                "pricing",
                PRICE_LIST_REGION,
                "get_products",
                ServiceCode="AmazonEC2",
                Filters=[
                    {"Type": "TERM_MATCH", "Field": field, "Value": value}
                    for field, value in filters.items()
                ],
            )
            return [element for page in pages for element in page["PriceList"]]

    def _instance_types(self, region: str) -> list[dict[str, Any]]:
        with explained("ec2:DescribeInstanceTypes", region):
            pages = self._pages(
                "ec2",
                region,
                "describe_instance_types",
                Filters=[{"Name": "instance-type", "Values": list(GPU_FAMILIES)}],
            )
            found = [described for page in pages for described in page["InstanceTypes"]]
        return [described for described in found if "GpuInfo" in described]

    def _offerings(self, region: str, names: list[str]) -> list[dict[str, Any]]:
        found = []
        for start in range(0, len(names), MAX_FILTER_VALUES):
            with explained("ec2:DescribeInstanceTypeOfferings", region):
                values = names[start : start + MAX_FILTER_VALUES]
                pages = self._pages(
                    "ec2",
                    region,
                    "describe_instance_type_offerings",
                    LocationType="availability-zone",
                    Filters=[{"Name": "instance-type", "Values": values}],
                )
                found += [offering for page in pages for offering in page["InstanceTypeOfferings"]]
        return found

    def _quotas(self, region: str) -> dict[str, float]:
        """vCPUs by quota code; a quota that the region does not know limits nothing."""
        client = self._client("service-quotas", region)
        values = {}
        for code in QUOTAS:
            with explained("servicequotas:GetServiceQuota", region):
                try:
                    answer = client.get_service_quota(ServiceCode="ec2", QuotaCode=code)
                except client.exceptions.NoSuchResourceException:
                    continue
                values[code] = float(answer["Quota"]["Value"])
        return values

    def _pages(self, service: str, region: str, call: str, **arguments: Any) -> Iterator[Any]:
        paginator = self._client(service, region).get_paginator(call)
        yield from paginator.paginate(**arguments)

    def _client(self, service: str, region: str) -> Any:
        """One client a service and region: clients are safe to share, a session is not."""
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._session.client(service, region, config=_config())
            return self._clients[key]


def account_key() -> str:
    """What tells accounts apart without asking AWS: the profile, or the access key given."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return "key-" + os.environ["AWS_ACCESS_KEY_ID"][-8:]
    return "profile-" + os.environ.get("AWS_PROFILE", "default")


def _config() -> Any:
    from botocore.config import Config

    retries: dict[str, Any] = {"mode": "standard"}
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        retries["total_max_attempts"] = 6
    return Config(
        retries=retries,
        connect_timeout=10,
        read_timeout=30,
        max_pool_connections=32,
    )
