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
    """Names the offer; unique together with ``configuration``."""
    configuration: int
    """Index into ``Problem.throughputs``."""
    replicas: int
    """Model replicas that one instance runs: k(o, c) >= 1."""
    usd_per_hour: float
    region: str = ""
    """Where it is; a (provider, region) pair spelt as one name."""
    gpu: str = ""
    """GPU type, for single-type baselines."""


@dataclass(frozen=True)
class Cap:
    """A quota or limit: the weighted number of instances over some columns is at most ``limit``."""

    name: str
    limit: float
    weights: Mapping[int, float]
    """Index of the column -> what one of its instances counts."""


@dataclass(frozen=True)
class Problem:
    """What the solver sees. Columns stand in the order that breaks ties."""

    rates: tuple[float, ...]
    """Requests/s in each bucket, all above 0."""
    throughputs: tuple[tuple[float, ...], ...]
    """[configuration][bucket]: requests/s one replica sustains; 0 where the SLO cannot hold."""
    columns: tuple[Column, ...]
    caps: tuple[Cap, ...] = ()
    max_regions: int = 1
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

        All that a configuration can serve, plus, where a loss must be survived, the largest
        instance that may be lost. A fleet that is kept to exceeds neither that nor what runs.
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
