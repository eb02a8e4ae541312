"""Plans that the gateway's tests route by."""

from __future__ import annotations

from gateway_rig import plan_of

from melange_cloud.plan import Plan

INPUTS = ((0, 100), (100, 500), (500, 2000), (2000, 8000))
OUTPUTS = ((0, 100), (100, 400), (400, 1000))
POOLS = ("aws-l4", "aws-a10g", "gcp-a100")


def three_pools() -> Plan:
    """12 buckets over 3 pools: all to one, even, lopsided; a share of 0.3%."""
    shares = iter(
        [
            (1, 0, 0), (0.6, 0.4, 0), (0.25, 0.25, 0.5),
            (0.333, 0.333, 0.334), (0.997, 0.003, 0), (0.1, 0.2, 0.7),
            (0, 0.5, 0.5), (0.05, 0.9, 0.05), (0.123, 0.456, 0.421),
            (0, 0.01, 0.99), (0.42, 0.17, 0.41), (0, 0, 1),
        ]
    )  # fmt: skip
    return plan_of(
        {
            (*inputs, *outputs): {
                pool: share for pool, share in zip(POOLS, next(shares), strict=True) if share
            }
            for inputs in INPUTS
            for outputs in OUTPUTS
        }
    )


def swapped(plan: Plan) -> Plan:
    """The same pools with the shares of the first and the last exchanged."""
    document = plan.model_dump(mode="json")
    first, *_, last = (pool["id"] for pool in document["pools"])
    names = {first: last, last: first}
    for entry in document["assignment"]:
        entry["shares"] = {names.get(pool, pool): s for pool, s in entry["shares"].items()}
    return Plan.model_validate(document)
