"""Which pool serves which sizes: a grid of letters, as small as it can be without saying more than
the plan does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from melange_cloud.output.table import Column, Kind, Table, draw, natural_width
from melange_cloud.output.text import sentence, terminal_width
from melange_cloud.plan import Assignment

WIDTH = 80
"""Columns of a map where no terminal says how many there are."""

MOST_ROWS, MOST_COLUMNS = 16, 12
"""Ranges of lengths that a map has at most; a finer grid is drawn coarser."""

Span = tuple[int, int]
"""Lengths above the first, up to the second, tokens."""


@dataclass(frozen=True)
class SizeMap:
    """Requests/s by input range, output range and pool's letter; ranges rise and do not overlap."""

    inputs: list[Span]
    outputs: list[Span]
    rates: Mapping[tuple[Span, Span], Counter[str]]

    def served(self, inputs: Span, outputs: Span) -> tuple[str, ...]:
        """The letters of the pools that serve requests of these sizes, the largest part first."""
        rates: Mapping[str, float] = self.rates.get((inputs, outputs), {})
        return tuple(sorted(rates, key=lambda letter: (-round(rates[letter], 9), letter)))

    def turned(self) -> SizeMap:
        """Inputs and outputs exchanged."""
        rates = {(o, i): found for (i, o), found in self.rates.items()}
        return SizeMap(self.outputs, self.inputs, rates)


def letter(number: int) -> str:
    """A, B, … Z, AA, AB, … from 0."""
    more, last = divmod(number, 26)
    return (letter(more - 1) if more else "") + chr(ord("A") + last)


def size_map(assignment: Sequence[Assignment], letters: Mapping[str, str]) -> str:
    """The map as text; ``letters`` has the letter of each pool id. A sentence for one pool."""
    used = {pool for line in assignment for pool in line.shares}
    if len(used) < 2:
        names = "".join(letters[pool] for pool in used)
        return sentence(f"Pool {names} serves all requests") + "\n"
    exact = merged(_map_of(assignment, letters))
    coarse = coarsened(exact, MOST_ROWS, MOST_COLUMNS)
    width = min(terminal_width() or WIDTH, WIDTH)
    table = _table(coarse, percentages=True)
    without_shares = natural_width(table) > width
    if without_shares:
        table = _table(coarse, percentages=False)
    title = sentence("Which pool serves which sizes (input tokens down, output tokens across)")
    legend = []
    if any(len(coarse.served(i, o)) > 1 for i in coarse.inputs for o in coarse.outputs):
        legend.append("several letters: these pools share the requests, the largest part first")
        if without_shares:
            legend.append("how they share them does not fit here; plan.json has it")
    if coarse != exact:
        legend.append("sizes next to each other are taken together; plan.json has each")
    text = "\n".join(map(sentence, legend)) + "\n" if legend else ""
    return f"{title}\n\n{draw(table, width)}{text}"


def merged(found: SizeMap) -> SizeMap:
    """Ranges next to each other taken together where the same pools serve them in the same order.

    Two ranges with a gap between them stay apart: nothing is known of the sizes in it.
    """
    return _rows_merged(_rows_merged(found).turned()).turned()


def coarsened(found: SizeMap, rows: int, columns: int) -> SizeMap:
    """At most so many ranges: those most alike are taken together first.

    A range then shows every pool that serves any of its sizes. More ranges are left where gaps
    keep them apart.
    """
    return _rows_coarsened(_rows_coarsened(found, rows).turned(), columns).turned()


def _map_of(assignment: Sequence[Assignment], letters: Mapping[str, str]) -> SizeMap:
    rates: dict[tuple[Span, Span], Counter[str]] = {}
    for line in assignment:
        at = (_span(line.input_tokens), _span(line.output_tokens))
        found = rates.setdefault(at, Counter())
        for pool, share in line.shares.items():
            found[letters[pool]] += line.rate * share  # type: ignore[assignment]
    return SizeMap(sorted({i for i, _ in rates}), sorted({o for _, o in rates}), rates)


def _span(edges: Sequence[int]) -> Span:
    low, high = edges
    return low, high


def _rows_merged(found: SizeMap) -> SizeMap:
    groups: list[list[Span]] = []
    for row in found.inputs:
        if groups and groups[-1][-1][1] == row[0] and _alike(found, groups[-1][-1], row):
            groups[-1].append(row)
        else:
            groups.append([row])
    return _grouped(found, groups)


def _alike(found: SizeMap, row: Span, other: Span) -> bool:
    return all(found.served(row, o) == found.served(other, o) for o in found.outputs)


def _rows_coarsened(found: SizeMap, most: int) -> SizeMap:
    while len(found.inputs) > most:
        pairs = [
            (row, other)
            for row, other in zip(found.inputs, found.inputs[1:], strict=False)
            if row[1] == other[0]
        ]
        if not pairs:
            break
        row, other = min(pairs, key=lambda pair: (_unlike(found, *pair), pair))
        groups = [[span] for span in found.inputs if span != other]
        next(group for group in groups if group[0] == row).append(other)
        found = _grouped(found, groups)
    return found


def _unlike(found: SizeMap, row: Span, other: Span) -> int:
    """Letters by which two rows differ."""
    return sum(len(set(found.served(row, o)) ^ set(found.served(other, o))) for o in found.outputs)


def _grouped(found: SizeMap, groups: Sequence[Sequence[Span]]) -> SizeMap:
    rates: dict[tuple[Span, Span], Counter[str]] = {}
    spans = [(group[0][0], group[-1][1]) for group in groups]
    for span, group in zip(spans, groups, strict=True):
        for outputs in found.outputs:
            parts = [found.rates[row, outputs] for row in group if (row, outputs) in found.rates]
            if parts:
                rates[span, outputs] = sum(parts, Counter())
    return SizeMap(spans, found.outputs, rates)


def _table(found: SizeMap, *, percentages: bool) -> Table:
    heads = [Column("input \\ output", Kind.name)]
    heads += [Column(_words(outputs), Kind.name) for outputs in found.outputs]
    table = Table(heads, keyed=True)
    for inputs in found.inputs:
        row = [" ".join(_cell(found, (inputs, o), percentages)) for o in found.outputs]
        table.add_row(_words(inputs), *row)
    return table


def _words(span: Span) -> str:
    return f"{span[0]}-{span[1]}"


def _cell(found: SizeMap, at: tuple[Span, Span], percentages: bool) -> Iterator[str]:
    served = found.served(*at)
    if len(served) < 2 or not percentages:
        yield from served
        return
    rates = found.rates[at]
    for name in served:
        share = rates[name] / rates.total()
        whole = f"{share:.0%}" if 0.01 <= share <= 0.99 else "<1%" if share < 0.5 else ">99%"
        yield f"{name} {whole}"
