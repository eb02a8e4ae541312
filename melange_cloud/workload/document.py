"""The Workload document: what share of requests falls into each bucket of a size grid."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from melange_cloud.documents import Document
from melange_cloud.workload.grid import Bucket, buckets

SHARES_TOLERANCE = 1e-6

Edge = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0)]


class Histogram(Document):
    """Shares over a grid. Rows of ``shares`` are input ranges, columns output ranges."""

    input_tokens: list[Edge] = Field(min_length=1, description="upper edges of input length")
    output_tokens: list[Edge] = Field(min_length=1, description="upper edges of output length")
    shares: list[list[Share]] = Field(description="share of requests; rows input, columns output")

    @model_validator(mode="after")
    def _is_a_distribution(self) -> Histogram:
        for name, edges in (
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
        ):
            if any(a >= b for a, b in pairwise(edges)):
                raise ValueError(f"{name} must rise from edge to edge, is {edges}")
        rows, columns = len(self.input_tokens), len(self.output_tokens)
        if len(self.shares) != rows or any(len(row) != columns for row in self.shares):
            found = f"{len(self.shares)} rows of {sorted({len(row) for row in self.shares})}"
            raise ValueError(f"shares must be {rows} rows of {columns} numbers, is {found}")
        total = sum(map(sum, self.shares))
        if abs(total - 1) > SHARES_TOLERANCE:
            raise ValueError(f"shares must sum to 1, sum to {total:.6g}")
        return self

    def rates(self, total_rate: float) -> dict[Bucket, float]:
        """Requests/s in each bucket that has any, at ``total_rate`` requests/s altogether."""
        cells = buckets(self.input_tokens, self.output_tokens)
        flat = [share for row in self.shares for share in row]
        whole = sum(flat)
        return {
            cell: total_rate * share / whole
            for cell, share in zip(cells, flat, strict=True)
            if share > 0
        }


class Origin(Document):
    """The name of a histogram, and where it comes from."""

    schema_: Literal["melange-cloud/workload/v1"] = Field(
        "melange-cloud/workload/v1", alias="schema"
    )
    name: str = Field(min_length=1)
    source: Literal["measured", "synthetic"]
    provenance: str = Field(description="where the numbers come from, with licence")
    rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="mean requests/s of the trace, where it has times"
    )
    requests: Annotated[int, Field(gt=0)] | None = Field(None, description="requests counted")
    notes: list[str] = Field(default_factory=list, description="what was clipped or extended")


class Workload(Histogram, Origin):
    """A named histogram with its origin, as bundled or made from a trace."""
