"""From a service, profiles and offers to the numbers of a problem."""

from __future__ import annotations

import pytest
from small_services import OFFERS, PROFILES, bundled, inputs, offer, profile, service

from melange_cloud.errors import InvalidInput
from melange_cloud.planning.compose import compose
from melange_cloud.prices.quota import Quota


def columns(**fields: object) -> list[tuple[str, int, int, float]]:
    found = compose(inputs(service(**fields))).problem.columns
    return [(c.offer.split("/", 1)[1], c.configuration, c.replicas, c.usd_per_hour) for c in found]


def test_rates_are_the_total_by_share_with_headroom() -> None:
    assert compose(inputs()).problem.rates == (6.0, 2.0)
    with_headroom = compose(inputs(service(headroom=0.5))).problem.rates
    assert with_headroom == pytest.approx((9.0, 3.0))


def test_a_bucket_without_requests_is_no_part_of_the_problem() -> None:
    sizes = {"input_tokens": [100, 1000], "output_tokens": [100], "shares": [[0.0], [1.0]]}
    composition = compose(inputs(service(workload={"rate": 8, "sizes": sizes})))
    assert composition.problem.rates == (8.0,)
    assert [bucket.input_tokens for bucket in composition.buckets] == [(100, 1000)]


def test_throughputs_are_by_profile_and_bucket() -> None:
    composition = compose(inputs())
    assert composition.problem.throughputs == ((2.0, 0.0), (9.0, 4.0), (20.0, 8.0))
    assert composition.throughputs[0][1].why == "slo"


def test_every_offer_runs_every_profile_of_its_gpu_that_fits() -> None:
    assert columns() == [
        ("us-east-1/g5.12xlarge/on-demand", 0, 4, 4.5),
        ("us-east-1/g5.12xlarge/on-demand", 1, 1, 4.5),  # 4 GPUs a replica
        ("us-east-1/g5.xlarge/on-demand", 0, 1, 1.0),
        ("us-east-1/p4d.24xlarge/on-demand", 2, 2, 20.0),
        ("us-west-2/g5.xlarge/on-demand", 0, 1, 0.9),
    ]


def test_gpus_left_over_run_nothing() -> None:
    three = offer("us-east-1", "odd", "A10G", 7, 3.0)
    [column] = compose(inputs(offers=(three,), profiles=PROFILES[1:2])).problem.columns
    assert column.replicas == 1


def test_the_order_is_that_of_ties_whatever_the_order_given() -> None:
    assert compose(inputs(offers=OFFERS[::-1])).problem.columns == compose(inputs()).problem.columns


def test_regions_are_pairs_of_provider_and_region() -> None:
    gcp = OFFERS[0].model_copy(update={"provider": "gcp"})
    problem = compose(inputs(offers=(*OFFERS, gcp))).problem
    assert problem.regions == ("aws/us-east-1", "aws/us-west-2", "gcp/us-east-1")


def test_limits_become_caps_over_all_columns_of_an_offer() -> None:
    limits = {"instances": {"g5.12xlarge": 3, "p5.48xlarge": 1}, "gpus": {"A10G": 9}, "survive": 1}
    problem = compose(inputs(service(limits=limits))).problem
    assert problem.survive == 1
    # p5.48xlarge is not among the offers: its limit binds nothing
    assert [(cap.name, cap.limit, dict(cap.weights)) for cap in problem.caps] == [
        ("limits.instances g5.12xlarge", 3.0, {0: 1.0, 1: 1.0}),
        ("limits.gpus A10G", 9.0, {0: 4.0, 1: 4.0, 2: 1.0, 4: 1.0}),
    ]


def test_quotas_become_caps_in_their_unit_and_region() -> None:
    quota = Quota(
        name="G vCPUs", provider="aws", region="us-east-1", unit="vcpus", limit=40.0,
        instance_types=["g5.xlarge", "g5.12xlarge"],
    )  # fmt: skip
    [cap] = compose(inputs(quotas=(quota,))).problem.caps
    assert cap.limit == 40.0
    assert dict(cap.weights) == {0: 16.0, 1: 16.0, 2: 4.0}
    assert "G vCPUs" in cap.name


def test_profiles_of_gpus_not_on_offer_are_left_out() -> None:
    composition = compose(inputs(profiles=(*PROFILES, profile("H100", 1, 9, 9))))
    assert [p.gpu for p in composition.profiles] == ["A10G", "A10G", "A100-40GB"]


def test_the_99th_percentile_is_not_known_of_an_estimate() -> None:
    with pytest.raises(InvalidInput, match="tpot_ms_p99"):
        compose(bundled(slo={"tpot_ms": 120, "percentile": 99}))


def test_a_tighter_slo_never_raises_a_throughput() -> None:
    loose, tight = (compose(bundled(slo={"tpot_ms": tpot})).problem for tpot in (120, 60))
    pairs = zip(sum(loose.throughputs, ()), sum(tight.throughputs, ()), strict=True)
    assert all(before >= after for before, after in pairs)


def test_tensor_parallel_profiles_fill_instances() -> None:
    composition = compose(bundled(model="meta-llama/Llama-2-70b-hf"))
    for column in composition.problem.columns:
        degree = composition.profiles[column.configuration].tensor_parallel
        assert degree >= 2
    both = {
        (composition.profiles[c.configuration].tensor_parallel, c.replicas)
        for c in composition.problem.columns
        if c.offer == "aws/us-east-1/p4de.24xlarge/on-demand"
    }
    assert both == {(4, 2), (8, 1)}
