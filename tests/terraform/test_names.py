"""Names and tags stay within what the clouds admit, whatever a service file says."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from melange_cloud.terraform.names import (
    aws_tags,
    gcp_labels,
    identifier,
    pool_name,
    service_name,
)


@given(st.text(), st.text(), st.text())
def test_names_are_admitted_by_both_clouds(service: str, pool: str, kind: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,15}[a-z0-9]", service_name(service))
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,26}[a-z0-9]", pool_name(service, pool, kind))


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_identifiers_are_hcl(parts: list[str]) -> None:
    assert re.fullmatch(r"[a-z0-9_]+", identifier("pool", *parts))


@given(st.text(), st.text())
def test_other_services_and_pools_have_other_names(one: str, other: str) -> None:
    assert (service_name(one) == service_name(other)) == (one == other)
    assert (identifier("pool", one) == identifier("pool", other)) == (one == other)


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=5))
def test_tags_and_labels_are_admitted(service: str, tags: dict[str, str]) -> None:
    for key, value in aws_tags(service, tags).items():
        assert re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]{1,128}", key)
        assert not key.lower().startswith("aws:")
        assert re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]{0,256}", value)
    for key, value in gcp_labels(service, tags).items():
        assert re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key)
        assert re.fullmatch(r"[a-z0-9_-]{0,63}", value)


def test_plain_tags_stay_as_they_are() -> None:
    tags = {"team": "search", "environment": "production"}
    for found in (aws_tags("chat", tags), gcp_labels("chat", tags)):
        assert found == {**tags, "melange-service": "chat"}


def test_plain_names_read_well() -> None:
    assert service_name("chat").startswith("chat-")
    assert pool_name("chat", "p", "g5.xlarge").startswith("chat-g5-xlarge-")
    assert identifier("pool", "aws-us-east-1-g5-xlarge-tp1") == "pool_aws_us_east_1_g5_xlarge_tp1"
