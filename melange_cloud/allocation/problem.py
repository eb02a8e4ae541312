"""The allocation problem in plain numbers: rates, throughputs, and what can be bought.

It knows no cloud, no YAML and no Terraform. Terms and symbols are those of docs/formulation.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

SAME_COST = 1e-6
"""USD/h within which two fleets cost the same (a cent in a year)."""


@dataclass(frozen=True)
class Column:
    """One choice of the programme: instances of an offer that all run one configuration."""

    offer: str
    """Name of the offer; unique together with ``configuration``."""
    configuration: int
    """Index into ``Problem.throughputs``."""
    replicas: int
    """Model replicas that one instance runs: k(o, c) >= 1."""
    usd_per_hour: float
    """Price of one instance."""
    region: str = ""
    """Provider and region as one name; columns with the same name are in one region."""
    gpu: str = ""
    """GPU type, by which single-type baselines choose columns."""


@dataclass(frozen=True)
class Cap:
    """A quota or limit: the weighted number of instances over some columns is at most ``limit``."""

    name: str
    """How messages name it."""
    limit: float
    """In the unit of the weights: instances, GPUs, vCPUs."""
    weights: Mapping[int, float]
    """Index of a column -> how much one of its instances counts; other columns count nothing."""


@dataclass(frozen=True)
class Problem:
    """What the solver sees: B buckets, C configurations, and the columns that can be bought.

    It checks nothing: rates and replicas must be above 0, and every index must exist.
    """

    rates: tuple[float, ...]
    """Requests/s in each of the B buckets, all above 0."""
    throughputs: tuple[tuple[float, ...], ...]
    """C rows of B numbers, [configuration][bucket]: requests/s that one replica sustains within
    the SLO; 0 where it cannot."""
    columns: tuple[Column, ...]
    """What can be bought. Of equally good fleets, those with earlier columns are preferred."""
    caps: tuple[Cap, ...] = ()
    """Limits on the instances bought, all of which hold."""
    max_regions: int = 1
    """Most regions that a fleet may be spread over."""
    survive: int = 0
    """Instances that may be lost while everything is still served: 0 or 1."""

    running: tuple[int, ...] = ()
    """Instances of each column that run now and may be kept; empty when nothing is to be kept."""

    slices: int | None = field(default=None, compare=False)
    """Cut each bucket into this many slices, each served by one configuration (the paper's form);
    None lets shares be continuous."""

    def load(self, configuration: int, bucket: int) -> float:
        """Replicas of a configuration that the whole of a bucket takes; inf if it cannot serve."""
        throughput = self.throughputs[configuration][bucket]
        return self.rates[bucket] / throughput if throughput > 0 else math.inf

    @cached_property
    def offered(self) -> tuple[int, ...]:
        """Configurations that some column can run."""
        return tuple(sorted({column.configuration for column in self.columns}))

    @cached_property
    def servers(self) -> tuple[tuple[int, ...], ...]:
        """For each bucket, the offered configurations that can serve it."""
        return tuple(
            tuple(c for c in self.offered if self.throughputs[c][b] > 0)
            for b in range(len(self.rates))
        )

    @cached_property
    def unservable(self) -> tuple[int, ...]:
        """Buckets that no offered configuration can serve."""
        return tuple(b for b, servers in enumerate(self.servers) if not servers)

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Regions of the columns, in their order."""
        return tuple(dict.fromkeys(column.region for column in self.columns))

    @cached_property
    def largest_counts(self) -> tuple[int, ...]:
        """For each column, a count that no cheapest fleet exceeds (M of the kinds).

        Enough for all that the configuration can serve, plus, where a loss must be survived, its
        largest instance. Where instances run that may be kept, at least as many as run.
        """
        spare = {
            c: max(column.replicas for column in self.columns if column.configuration == c)
            for c in self.offered
        }
        return tuple(
            max(
                1,
                self.running[j] if self.running else 0,
                math.ceil(
                    (self._most_load(column.configuration)
                     + (spare[column.configuration] if self.survive else 0))
                    / column.replicas
                ),
            )
            for j, column in enumerate(self.columns)
        )  # fmt: skip

    def restricted(self, keep: list[int]) -> Problem:
        """The same problem with only the columns of these indices."""
        position = {old: new for new, old in enumerate(keep)}
        caps = tuple(
            replace(
                cap,
                weights={position[j]: w for j, w in cap.weights.items() if j in position},
            )
            for cap in self.caps
        )
        return replace(
            self,
            columns=tuple(self.columns[j] for j in keep),
            running=tuple(self.running[j] for j in keep if self.running),
            caps=tuple(cap for cap in caps if cap.weights),
        )

    def _most_load(self, configuration: int) -> float:
        loads = (self.load(configuration, b) for b in range(len(self.rates)))
        return sum(load for load in loads if load < math.inf)
