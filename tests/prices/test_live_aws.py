"""Live AWS prices over the real SDK clients: EC2 from moto's server, the rest from fakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import Answer, Fake, aws_error, ec2_api, ec2_error
from samples import instance_type, product

from melange_cloud.prices.aws_fetch import Aws
from melange_cloud.prices.clouds import CloudError
from melange_cloud.prices.live import load_live
from melange_cloud.prices.wanted import Wanted

TODAY = "2026-11-22"
REGION = "us-east-1"
GPUS = {"g6.xlarge": "0.8048", "g5.12xlarge": "5.672", "p4d.24xlarge": "21.957642"}
PRODUCTS = [product(name, price) for name, price in GPUS.items()]
QUOTAS = {"L-DB2E81BA": 64.0, "L-417A185B": 96.0}
TYPES = [instance_type("g6.xlarge", "L4", 1, 22888, 4, 16)]

Start = Callable[..., tuple[Aws, Fake, Fake]]


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fake]:
    """A fake of EC2 that can fail, for what moto's server does not do."""

    def start(fake: Fake) -> Fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", fake.url)
        return fake

    return start


def test_a_region_over_the_wire(aws: Start) -> None:
    cloud, _, _ = aws(PRODUCTS, QUOTAS)
    composed = cloud.fetch(REGION, TODAY)
    priced = {
        listing.instance_type: listing
        for listing in composed.listings
        if listing.usd_per_hour is not None
    }
    assert {name: listing.usd_per_hour for name, listing in priced.items()} == {
        name: float(price) for name, price in GPUS.items()
    }
    p4d = priced["p4d.24xlarge"]
    assert (p4d.gpu, p4d.gpu_count, p4d.vcpus, p4d.memory_gib) == ("A100-40GB", 8, 96, 1152)
    assert p4d.as_of == TODAY
    assert p4d.zones
    assert all(zone.startswith("us-east-1") for zone in p4d.zones)
    assert {quota.limit for quota in composed.quotas} == {64.0, 96.0}
    assert any(listing.usd_per_hour is None for listing in composed.listings)


def test_regions_and_those_not_enabled(aws: Start) -> None:
    cloud, _, _ = aws([])
    states = {state.name: state.enabled for state in cloud.regions()}
    assert states["us-east-1"]
    assert not states["ap-east-1"]


def test_prices_come_in_pages(aws: Start) -> None:
    cloud, prices, _ = aws(PRODUCTS, page_size=1)
    found = [item for item in cloud.fetch(REGION, TODAY).listings if item.usd_per_hour]
    assert len(found) == 3
    assert len(prices.seen) == 3


def test_a_quota_that_does_not_exist_limits_nothing(aws: Start) -> None:
    cloud, _, _ = aws(PRODUCTS, {"L-DB2E81BA": 64.0})
    (quota,) = cloud.fetch(REGION, TODAY).quotas
    assert "L-DB2E81BA" in quota.name
    assert "g6.xlarge" in quota.instance_types


def test_a_region_that_is_not_enabled_is_skipped_and_said(aws: Start, tmp_path: Path) -> None:
    cloud, _, _ = aws(PRODUCTS)
    said: list[str] = []
    wanted = Wanted(regions=[REGION, "ap-east-1"], folder=tmp_path, say=said.append)
    book = load_live(wanted, {"aws": lambda: cloud})
    assert {offer.region for offer in book.offers} == {REGION}
    assert said == ["skipped, because they are not enabled in this aws account: ap-east-1"]


@pytest.mark.parametrize(
    "fault", [aws_error("ThrottlingException", 400), aws_error("InternalErrorException", 500)]
)
def test_throttling_and_server_errors_are_tried_again(aws: Start, fault: Answer) -> None:
    cloud, prices, _ = aws(PRODUCTS)
    prices.fail("GetProducts", fault, times=1)
    assert any(item.usd_per_hour for item in cloud.fetch(REGION, TODAY).listings)
    assert len(prices.seen) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (aws_error("ThrottlingException", 400), "AWS throttles pricing:GetProducts even after"),
        (aws_error("InternalErrorException", 500), "AWS failed pricing:GetProducts even after"),
        (aws_error("AccessDeniedException", 400), "lacks the permission pricing:GetProducts"),
        (aws_error("UnrecognizedClientException", 400), "the credentials were refused"),
        (aws_error("ExpiredTokenException", 400), "the login has expired"),
        (aws_error("InvalidParameterException", 400), "AWS refused pricing:GetProducts"),
        (Answer({}, cut=True), "AWS"),
        (Answer("<html>a proxy"), "AWS gave an answer that cannot be read"),
        (Answer({"PriceList": ["not json"]}), "AWS gave an answer that cannot be read"),
        (Answer({"nothing": 1}), "AWS gave an answer that cannot be read"),
    ],
)
def test_what_goes_wrong_with_prices_in_words(aws: Start, fault: Answer, said: str) -> None:
    cloud, prices, _ = aws(PRODUCTS)
    prices.fail("GetProducts", fault)
    with pytest.raises(CloudError) as error:
        cloud.fetch(REGION, TODAY)
    assert said in error.value.message


@pytest.mark.parametrize(
    ("action", "fault", "said"),
    [
        ("DescribeRegions", ec2_error("UnauthorizedOperation", 403), "ec2:DescribeRegions"),
        ("DescribeRegions", ec2_error("AuthFailure", 401), "the credentials were refused"),
        ("DescribeInstanceTypes", ec2_error("UnauthorizedOperation", 403), "InstanceTypes"),
        ("TypeOfferings", ec2_error("UnauthorizedOperation", 403), "TypeOfferings"),
        ("TypeOfferings", ec2_error("RequestLimitExceeded", 503), "throttles"),
        ("TypeOfferings", Answer("<html>a proxy"), "cannot be read"),
    ],
)
def test_what_goes_wrong_with_ec2_in_words(
    aws_fakes: Callable[..., tuple[Fake, Fake]],
    ec2: Callable[..., Fake],
    tmp_path: Path,
    action: str,
    fault: Answer,
    said: str,
) -> None:
    aws_fakes([product("g6.xlarge", "0.8")])
    with Fake(ec2_api([REGION], TYPES)) as fake:
        ec2(fake).fail(action, fault)
        with pytest.raises(CloudError) as error:
            load_live(Wanted(folder=tmp_path), {"aws": Aws.from_environment})
    assert said in error.value.message
    assert [path.name for path in tmp_path.rglob(f"{REGION}.json")] == []


def test_a_missing_permission_is_named_with_where_to_find_the_policy(aws: Start) -> None:
    cloud, _, quotas = aws(PRODUCTS)
    quotas.fail("GetServiceQuota", aws_error("AccessDeniedException", 400))
    with pytest.raises(CloudError, match="servicequotas:GetServiceQuota") as error:
        cloud.fetch(REGION, TODAY)
    assert "docs/prices.md" in (error.value.hint or "")


def test_a_region_that_needs_an_opt_in_after_all_is_skipped(
    aws_fakes: Callable[..., tuple[Fake, Fake]], ec2: Callable[..., Fake], tmp_path: Path
) -> None:
    aws_fakes([product("g6.xlarge", "0.8")])
    said: list[str] = []
    with Fake(ec2_api([REGION], TYPES)) as fake:
        ec2(fake).fail("DescribeInstanceTypes", ec2_error("OptInRequired", 403))
        wanted = Wanted(folder=tmp_path, say=said.append)
        assert load_live(wanted, {"aws": Aws.from_environment}).offers == []
    assert said == ["skipped, because they are not enabled in this aws account: us-east-1"]


def test_no_credentials() -> None:
    with pytest.raises(CloudError, match="AWS: no credentials were found") as error:
        Aws.from_environment()
    assert "aws configure" in (error.value.hint or "")


def test_half_a_login_and_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CloudError, match="nobody"):
        Aws.from_environment()
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(CloudError, match="no usable login"):
        Aws.from_environment()


def test_nobody_there(aws_login: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1")
    with pytest.raises(CloudError, match=r"AWS cannot be reached \(ec2:DescribeRegions\)"):
        Aws.from_environment().regions()


def test_accounts_are_told_apart_without_asking_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    from melange_cloud.prices.aws_fetch import account_key

    assert account_key() == "profile-default"
    monkeypatch.setenv("AWS_PROFILE", "team-a")
    assert account_key() == "profile-team-a"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA0123456789ABCDEF")
    assert account_key() == "key-89ABCDEF"
