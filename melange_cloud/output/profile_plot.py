"""Profiles as pictures (PNG or SVG), drawn with matplotlib where it is installed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from melange_cloud.documents import write_bytes
from melange_cloud.errors import InvalidInput
from melange_cloud.output.profile_compare import advantage, slo_words
from melange_cloud.output.profile_table import title
from melange_cloud.profiles.compare import Comparison, Tile
from melange_cloud.profiles.distance import served
from melange_cloud.profiles.document import Profile
from melange_cloud.profiles.sizes import Size
from melange_cloud.profiles.throughput import Slo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
"""Okabe and Ito's, told apart also by people who do not see all colours."""

FULL = 1.0
"""Advantage at which a tile has its full colour."""


def check_plot_path(path: Path) -> None:
    """InvalidInput, before any work, for a name that is no picture or without matplotlib."""
    if path.suffix.lower() not in FORMATS:
        raise InvalidInput(f"{path} cannot be drawn: pictures are {' or '.join(FORMATS)} files")
    _figure_class()


def plot_curves(path: Path, profile: Profile, sizes: Sequence[Size], slo: Slo) -> None:
    """Requests/s and TPOT against requests in flight: a column of pictures for each output
    length, a line for each input length; open marks are loads beyond the SLO on mean TPOT."""
    points = [point for point in served(profile) if point.size in set(sizes)]
    if not points:
        raise InvalidInput("there is no point to draw: none served a request at these sizes")
    outputs = sorted({point.size[1] for point in points})
    inputs = sorted({point.size[0] for point in points})
    width = 4.0 + 3 * len(outputs)
    figure = _figure_class()(figsize=(width, 7), layout="constrained")
    axes = figure.subplots(2, len(outputs), squeeze=False, sharex=True, sharey="row")
    for column, output in enumerate(outputs):
        for number, length in enumerate(inputs):
            curve = [point for point in points if point.size == (length, output)]
            if not curve:
                continue
            x = [point.concurrency for point in curve]
            colour = COLOURS[number % len(COLOURS)]
            faces = [colour if point.tpot_ms <= slo.tpot_ms else "white" for point in curve]
            for row, y in ((0, [p.request_rate for p in curve]), (1, [p.tpot_ms for p in curve])):
                axis = axes[row][column]
                line = "-" if number < len(COLOURS) else "--"
                axis.plot(x, y, line, color=colour, linewidth=1, label=str(length))
                axis.scatter(x, y, s=14, c=faces, edgecolors=colour, linewidths=1, zorder=3)
        top, bottom = axes[0][column], axes[1][column]
        top.set_title(f"{output} output tokens", fontsize=10)
        bottom.set_xlabel("requests in flight")
        if slo.tpot_ms != float("inf"):
            bottom.axhline(slo.tpot_ms, color="black", linewidth=0.8, linestyle=":")
        for axis in (top, bottom):
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            for one in (axis.xaxis, axis.yaxis):
                one.set_major_formatter(_plain)
                one.set_minor_formatter(_plain if one is axis.yaxis and _few(axis) else "")
            axis.grid(visible=True, alpha=0.3)
    axes[0][0].set_ylabel("requests/s")
    axes[1][0].set_ylabel("TPOT, ms")
    handles = {
        text: line
        for column in range(len(outputs))
        for line, text in zip(*axes[0][column].get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        [handles[str(length)] for length in inputs],
        [str(length) for length in inputs],
        title="input tokens",
        loc="outside right center",
    )
    text = f"{title(profile, slo, 'load by load')} ({profile.source})"
    figure.suptitle(fill(text, int(11 * width)), fontsize=11)
    _save(figure, path)


def plot_comparison(path: Path, comparison: Comparison) -> None:
    """A heat map for each SLO as the paper's Figures 3, 5 and 7: who wins, and by how much."""
    count = len(comparison.slos)
    sizes = [(tile.input_tokens, tile.output_tokens) for tile in comparison.tiles[0]]
    inputs, outputs = sorted({i for i, _ in sizes}), sorted({o for _, o in sizes})
    figure = _figure_class()(
        figsize=(1.5 + 0.95 * len(inputs), count * (1.2 + 0.62 * len(outputs))),
        layout="constrained",
    )
    axes = figure.subplots(count, 1, squeeze=False)
    names = [contender.name for contender in comparison.contenders]
    for row, (slo, tiles) in enumerate(zip(comparison.slos, comparison.tiles, strict=True)):
        axis = axes[row][0]
        _heat_map(axis, tiles, inputs, outputs, names)
        axis.set_title(slo_words(slo), fontsize=10)
    axes[-1][0].set_xlabel("input tokens")
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(
                color=COLOURS[number % len(COLOURS)],
                label=f"{c.name} (${c.usd_per_hour:.4g}/h, {c.profile.source})",
            )
            for number, c in enumerate(comparison.contenders)
        ],
        loc="outside lower center",
        ncols=min(4, len(names)),
        fontsize=8,
    )
    more = ", over the worst" if len(names) > 2 else ""
    figure.suptitle(
        f"{comparison.contenders[0].profile.model}: most tokens per dollar\n"
        f"advantage over the second best{more}",
        fontsize=11,
    )
    _save(figure, path)


def _heat_map(
    axis: Axes,
    tiles: Sequence[Tile],
    inputs: Sequence[int],
    outputs: Sequence[int],
    names: Sequence[str],
) -> None:
    from matplotlib.colors import to_rgb

    white = [[(1.0, 1.0, 1.0)] * len(inputs) for _ in outputs]
    for tile in tiles:
        x, y = inputs.index(tile.input_tokens), outputs.index(tile.output_tokens)
        if tile.best is None:
            axis.text(x, y, "none", ha="center", va="center", fontsize=7, color="grey")
            continue
        strength = 0.25 + 0.6 * min(1.0, (FULL if tile.over_second is None else tile.over_second))
        colour = to_rgb(COLOURS[names.index(tile.best) % len(COLOURS)])
        white[y][x] = tuple(1 - strength * (1 - part) for part in colour)  # type: ignore[assignment]
        second = advantage(tile.over_second) or "only"
        lines = [tile.best, second]
        if len(names) > 2 and tile.over_worst is not None:
            lines.append(advantage(tile.over_worst))
        axis.text(x, y, "\n".join(lines), ha="center", va="center", fontsize=7)
    axis.imshow(white, origin="lower", aspect="auto")
    axis.set_xticks(range(len(inputs)), [str(length) for length in inputs])
    axis.set_yticks(range(len(outputs)), [str(length) for length in outputs])
    axis.set_ylabel("output tokens")


def _plain(value: float, _place: object) -> str:
    """A tick's number as people write it."""
    return f"{value:g}"


def _few(axis: Axes) -> bool:
    """Whether an axis spans so little that its powers of ten alone would leave it bare."""
    low, high = axis.get_ylim()
    return high / low < 10


def _figure_class() -> type[Figure]:
    """matplotlib's, drawn without a screen; InvalidInput where it is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InvalidInput(
            "drawing pictures needs the package matplotlib",
            hint="install it with `pip install 'melange-cloud[plots]'`",
        ) from None
    return Figure


def _save(figure: Figure, path: Path) -> None:
    """The same figure, the same bytes: no date, and no random ids in SVG."""
    import matplotlib as mpl

    data = io.BytesIO()
    kind = path.suffix.lower().lstrip(".")
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "melange-cloud", "svg.fonttype": "none"}):
        figure.savefig(data, format=kind, dpi=150, metadata=metadata)
    write_bytes(path, data.getvalue())
