"""Which machines are rented for measuring."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_services import offer, profile, service

from melange_cloud.errors import InvalidInput
from melange_cloud.planning.compose import Inputs
from melange_cloud.planning.machines import load_seconds
from melange_cloud.planning.profiling import plan_profiling
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.offer import Offer
from melange_cloud.workload.document import Histogram

PROFILES = (profile("L4", 1, 2, 1), profile("H100", 2, 9, 4), profile("H100", 4, 20, 9))


def inputs(*offers: Offer) -> Inputs:
    asked = service()
    assert isinstance(asked.workload.sizes, Histogram)
    book = PriceBook.model_validate(
        {"schema": "melange-cloud/prices/v1", "sources": {}, "offers": []}
    )
    return Inputs(asked, asked.workload.sizes, PROFILES, book, offers)


L4 = offer("us-east-1", "g6.xlarge", "L4", 1, 1.0)
H100 = offer("us-west-2", "p5.24xlarge", "H100", 4, 20.0)


def test_one_machine_of_each_gpu_type_at_the_lowest_degree() -> None:
    found = plan_profiling(inputs(L4, H100), 60)
    assert [(m.offer.instance_type, m.profile) for m in found.machines] == [
        ("p5.24xlarge", "H100-tp2"), ("g6.xlarge", "L4"),
    ]  # fmt: skip
    assert [(place.name, place.home) for place in found.places] == [
        ("aws/us-east-1", True), ("aws/us-west-2", False),
    ]  # fmt: skip


def test_what_it_costs_at_most_is_every_machine_to_its_limit() -> None:
    found = plan_profiling(inputs(L4, H100), 60)
    loading = math.ceil(load_seconds(found.model) / 60)
    assert found.limit_minutes == 60 + loading + 10
    assert found.usd_at_most == pytest.approx(
        sum(m.usd_per_hour for m in found.machines) * found.limit_minutes / 60
    )
    # disk and address are paid as well
    for machine in found.machines:
        assert 0 < machine.usd_per_hour - machine.offer.usd_per_hour < 0.1


def test_a_machine_too_small_for_the_lowest_degree_is_no_machine() -> None:
    single = offer("us-east-1", "p5.4xlarge", "H100", 1, 5.0)
    found = plan_profiling(inputs(L4, single, H100), 60)
    assert "p5.4xlarge" not in {m.offer.instance_type for m in found.machines}


def test_regions_are_few_where_that_costs_little() -> None:
    near = offer("us-west-2", "g6.xlarge", "L4", 1, 1.05)
    assert [p.region for p in plan_profiling(inputs(L4, near, H100), 60).places] == ["us-west-2"]
    dear = offer("us-west-2", "g6.xlarge", "L4", 1, 1.2)
    assert len(plan_profiling(inputs(L4, dear, H100), 60).places) == 2


def test_what_terraform_cannot_make_is_left_out_and_said() -> None:
    elsewhere = H100.model_copy(update={"provider": "lambda"})
    spot = H100.model_copy(update={"purchase": "spot"})
    found = plan_profiling(inputs(L4, elsewhere, spot), 60)
    assert [m.profile for m in found.machines] == ["L4"]
    assert found.left_out == ("H100",)
    with pytest.raises(InvalidInput, match="no machine on offer can measure"):
        plan_profiling(inputs(elsewhere, spot), 60)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["us-east-1", "us-west-2", "eu-west-1"]),
            st.sampled_from(["L4", "H100"]),
            st.floats(0.5, 50),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda item: item[:2],
    )
)
def test_each_gpu_type_once_and_at_most_a_tenth_dearer(items) -> None:
    offers = [offer(region, f"{gpu.lower()}.x", gpu, 4, price) for region, gpu, price in items]
    found = plan_profiling(inputs(*offers), 30)
    assert [m.offer.gpu for m in found.machines] == sorted({gpu for _, gpu, _ in items})
    for machine in found.machines:
        least = min(o.usd_per_hour for o in offers if o.gpu == machine.offer.gpu)
        assert machine.offer.usd_per_hour <= 1.1 * least
    places = {(m.offer.provider, m.offer.region) for m in found.machines}
    assert {(p.provider, p.region) for p in found.places} == places
