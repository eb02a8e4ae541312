"""Which GPU wins a size, at given prices and SLO."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import profile

from melange_cloud.errors import InvalidInput
from melange_cloud.profiles.compare import Comparison, compare, comparison_json
from melange_cloud.profiles.pick import pick_profiles
from melange_cloud.profiles.priced import Contender, priced
from melange_cloud.profiles.throughput import Slo

ROOT = Path(__file__).parents[2]
SEVEN_B = "meta-llama/Llama-2-7b-hf"
FIGURES = json.loads((ROOT / "scripts" / "data" / "paper_figures.json").read_text())
GPUS = ("L4", "A10G", "A100-80GB", "H100")


def of(rates: dict[str, float], usd: float = 1.0, tpot: float = 50) -> list[Contender]:
    return [
        Contender(name, profile({(100, 100): [(1, rate, 10, tpot)]}, gpu=name), usd, "given")
        for name, rate in rates.items()
    ]


def test_the_advantage_is_over_the_second_best_and_over_the_worst() -> None:
    tile = compare(of({"A": 1.0, "B": 2.0, "C": 1.6}), [Slo(100)]).tiles[0][0]
    assert (tile.best, tile.over_second, tile.over_worst) == ("B", 0.25, 1.0)
    assert tile.tokens_per_usd["A"] == pytest.approx(1.0 * 200 * 3600)


def test_who_cannot_serve_is_no_second_best() -> None:
    slow, fast = of({"A": 9.0}, tpot=200), of({"B": 1.0})
    tile = compare([*slow, *fast], [Slo(100)]).tiles[0][0]
    assert (tile.best, tile.over_second, tile.tokens_per_usd["A"]) == ("B", None, 0)
    none = compare([*slow, *of({"B": 1.0})], [Slo(10)]).tiles[0][0]
    assert (none.best, none.over_second) == (None, None)


@given(
    st.lists(st.floats(0.1, 100), min_size=2, max_size=5),
    st.lists(st.floats(0.1, 100), min_size=5, max_size=5),
)
def test_the_best_makes_the_most_of_a_dollar(rates: list[float], prices: list[float]) -> None:
    contenders = [
        Contender(c.name, c.profile, usd, "given")
        for c, usd in zip(of({f"G{n}": r for n, r in enumerate(rates)}), prices, strict=False)
    ]
    tile = compare(contenders, [Slo(100)]).tiles[0][0]
    assert tile.best is not None
    assert tile.tokens_per_usd[tile.best] == max(tile.tokens_per_usd.values())
    assert 0 <= tile.over_second <= tile.over_worst  # type: ignore[operator]
    dearer = [Contender(c.name, c.profile, c.usd_per_hour * 3, "given") for c in contenders]
    assert compare(dearer, [Slo(100)]).tiles[0][0].best == tile.best


def paper(gpus: tuple[str, ...]) -> Comparison:
    prices = [f"{gpu}={usd}" for gpu, usd in FIGURES["usd_per_hour"].items() if gpu in gpus]
    contenders = priced(pick_profiles(gpus, SEVEN_B), prices)
    return compare(contenders, [Slo(float("inf"))], max_model_len=20000)


def test_the_bundled_profiles_show_the_papers_figure_5() -> None:
    """As many tiles as the fit names; where A10G and L4 are left out, as in the paper."""
    all_four = {(t.input_tokens, t.output_tokens): t for t in paper(GPUS).tiles[0]}
    two = {(t.input_tokens, t.output_tokens): t for t in paper(GPUS[2:]).tiles[0]}
    right = 0
    for i, o, best, _, _ in FIGURES["figure_5"]["tiles"]:
        tile = (two if i >= 12000 else all_four)[i, o]
        right += tile.best == best
    assert right == 55


def test_figure_3_is_near_the_papers() -> None:
    """Its sign at least where the paper sees 10% or more."""
    tiles = {(t.input_tokens, t.output_tokens): t for t in paper(GPUS[1:3]).tiles[0]}
    for i, o, percent in FIGURES["figure_3"]["tiles"]:
        if abs(percent) >= 10:
            assert tiles[i, o].best == ("A10G" if percent > 0 else "A100-80GB"), (i, o)


def test_a_replica_costs_its_part_of_the_cheapest_instance() -> None:
    profiles = pick_profiles(["H100-tp4", "A100-80GB-tp8"], "meta-llama/Llama-2-70b-hf")
    found = {c.name: c for c in priced(profiles, providers=["aws"])}
    assert "p5.48xlarge" in found["H100-tp4"].price_of
    eight = priced(pick_profiles(["H100-tp8"], "meta-llama/Llama-2-70b-hf"), providers=["aws"])
    assert found["H100-tp4"].usd_per_hour == pytest.approx(eight[0].usd_per_hour / 2)
    given_price = priced(profiles, ["H100=2", "A100-80GB-tp8=9"])
    assert [c.usd_per_hour for c in given_price] == [8.0, 9.0]


@pytest.mark.parametrize("text", ["L4", "L4=", "L4=free", "L4=0", "L4=-1", "L4=nan", "=1"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--usd-per-hour"):
        priced(pick_profiles(["L4"], SEVEN_B), [text])


def test_a_price_of_something_else_is_a_mistake() -> None:
    with pytest.raises(InvalidInput, match="gives a price for H100, but"):
        priced(pick_profiles(["L4"], SEVEN_B), ["H100=2"])


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least two"):
        compare(of({"A": 1.0}), [Slo(100)])
    with pytest.raises(InvalidInput, match="given twice"):
        pick_profiles(["L4", "l4"], SEVEN_B)
    other = tmp_path / "B.json"
    other.write_text(profile({(100, 100): [(1, 1.0, 10, 50)]}).to_json())
    with pytest.raises(InvalidInput, match="several models"):
        pick_profiles([str(other), "L4"], SEVEN_B)
    with pytest.raises(InvalidInput, match="give the model with --model"):
        pick_profiles(["L4"], None)


def test_json_has_every_tile_and_no_infinity() -> None:
    data = json.loads(comparison_json(compare(of({"A": 1, "B": 2}), [Slo(float("inf")), Slo(60)])))
    assert data["schema"] == "melange-cloud/profile-comparison/v1"
    assert [c["slo"]["tpot_ms"] for c in data["comparisons"]] == [None, 60]
    assert data["comparisons"][1]["tiles"][0]["best"] == "B"


def test_pictures_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from melange_cloud.output.profile_plot import check_plot_path, plot_comparison, plot_curves

    comparison = compare(of({"A": 1.0, "B": 2.0, "C": 1.6}), [Slo(100), Slo(10)])
    for name, start in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
        path = tmp_path / name
        check_plot_path(path)
        plot_comparison(path, comparison)
        first = path.read_bytes()
        plot_comparison(path, comparison)
        assert path.read_bytes() == first
        assert first.startswith(start)
    text = (tmp_path / "a.svg").read_text()
    assert "+25%" in text
    assert "none" in text
    curves = tmp_path / "c.svg"
    plot_curves(curves, comparison.contenders[0].profile, [(100, 100)], Slo(100))
    assert "output tokens" in curves.read_text()
    with pytest.raises(InvalidInput, match=r"\.png or \.svg"):
        check_plot_path(tmp_path / "a.pdf")


def test_without_matplotlib_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from melange_cloud.output.profile_plot import check_plot_path

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # as if it were not installed
    with pytest.raises(InvalidInput, match=r"pip install 'melange-cloud\[plots\]'"):
        check_plot_path(tmp_path / "a.png")
