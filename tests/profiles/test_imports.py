"""Foreign results become the points they are, traps included."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from melange_cloud.errors import InvalidDocument, InvalidInput, MelangeError
from melange_cloud.profiles.document import Profile, load_profile
from melange_cloud.profiles.imports.aibrix import to_aibrix
from melange_cloud.profiles.imports.load import import_profiles
from melange_cloud.profiles.imports.point import Given, Point, percentile, pooled
from melange_cloud.profiles.throughput import Slo, Throughputs
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES

SAMPLES = Path(__file__).parent / "samples"
REAL = Path(__file__).parents[3] / "shared" / "data" / "vllm"
L4 = Given(gpu="L4")
NAMED = Given(model="example/model-7b", gpu="L4")

real = pytest.mark.skipif(not REAL.is_dir(), reason="the real results are not beside the checkout")

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """``save(sample, change, name)``: a changed copy of a sample, as a file."""

    def write(sample: str, name: str = "changed.json", **changes: Any) -> Path:
        data = json.loads((SAMPLES / sample).read_text())
        data = {k: v for k, v in {**data, **changes}.items() if v is not ...}
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))
        return path

    return write


def row(profile: Profile, number: int = 0) -> dict[str, Any]:
    return dict(zip(profile.columns, profile.points[number], strict=True))


def test_a_plain_result_is_one_point() -> None:
    result = import_profiles([SAMPLES / "vllm_bench_plain.json"], L4)
    data = json.loads((SAMPLES / "vllm_bench_plain.json").read_text())
    point = row(result.profile)
    assert result.profile.model == "example/model-7b"
    assert (result.profile.engine.name, result.profile.source) == ("vllm", "measured")
    assert (point["input_tokens"], point["output_tokens"]) == (100, 8)
    assert point["request_rate"] == pytest.approx(data["request_throughput"], rel=1e-5)
    assert point["tpot_ms_mean"] == pytest.approx(data["mean_tpot_ms"], rel=1e-5)
    assert point["concurrency"] == pytest.approx(4, rel=0.03)  # --max-concurrency 4
    assert (point["requests"], point["errors"], point["arrivals"]) == (200, 0, "closed")
    assert result.warnings == []


def test_a_detailed_result_is_computed_from_its_lists(save: Save) -> None:
    whole = json.loads((SAMPLES / "vllm_bench_detailed.json").read_text())
    point = row(import_profiles([SAMPLES / "vllm_bench_detailed.json"], L4).profile)
    tpots = [
        (end - first) / (n - 1) * 1e3
        for end, first, n in zip(
            whole["latencies"], whole["ttfts"], whole["output_lens"], strict=True
        )
    ]
    assert point["tpot_ms_mean"] == pytest.approx(sum(tpots) / len(tpots), rel=1e-5)
    assert point["tpot_ms_p99"] <= max(tpots)
    assert 0 < point["tpot_ms_ci95"] < 0.1 * point["tpot_ms_mean"]
    assert point["arrivals"] == "poisson"
    older = save("vllm_bench_detailed.json", latencies=...)  # before vLLM 0.30: no latencies
    assert row(import_profiles([older], L4).profile) == pytest.approx(point)


def test_failed_requests_are_counted_and_left_out_of_the_means() -> None:
    point = row(import_profiles([SAMPLES / "vllm_bench_some_failed.json"], L4).profile)
    assert (point["requests"], point["errors"]) == (54, 6)
    assert 27 < point["tpot_ms_mean"] < 33
    assert point["ttft_ms_mean"] > 40  # the zeros of the failed are no TTFTs


def test_when_all_failed_the_tpot_of_0_is_not_believed() -> None:
    path = SAMPLES / "vllm_bench_all_failed.json"
    assert json.loads(path.read_text())["mean_tpot_ms"] == 0
    with pytest.raises(InvalidInput, match="all 12 requests failed"):
        import_profiles([path], L4)
    both = import_profiles([path, SAMPLES / "vllm_bench_plain.json"], L4)
    assert len(both.profile.points) == 1
    assert any("TPOT of 0 means nothing" in line for line in both.warnings)
    known = import_profiles([path], Given(gpu="L4", size=(100, 8)))
    assert row(known.profile)["request_rate"] == 0
    assert row(known.profile)["tpot_ms_mean"] is None
    assert row(known.profile)["errors"] == 12
    assert Throughputs(known.profile, Slo(math.inf)).at_size(100, 8) == (0, "failed")


def test_completed_without_a_token_is_a_failure_too(save: Save) -> None:
    path = save("vllm_bench_plain.json", total_output_tokens=0, mean_tpot_ms=0.0)
    with pytest.raises(InvalidInput, match="requests failed"):
        import_profiles([path], L4)


def test_a_short_run_is_kept_and_said(save: Save) -> None:
    data = json.loads((SAMPLES / "vllm_bench_plain.json").read_text())
    short = save(
        "vllm_bench_plain.json", duration=0.3, completed=5, num_prompts=5, failed=0,
        total_input_tokens=500, total_output_tokens=40, request_throughput=5 / 0.3,
    )  # fmt: skip
    result = import_profiles([short], L4)
    assert row(result.profile)["request_rate"] == pytest.approx(5 / 0.3, rel=1e-5)
    assert any("times as long as one request" in line for line in result.warnings)
    assert data["duration"] > 10 * 0.24


def test_a_short_detailed_run_tells_the_rate_between_filling_and_draining(save: Save) -> None:
    data = json.loads((SAMPLES / "vllm_bench_detailed.json").read_text())
    slow = {key: [20 * value for value in data[key]] for key in ("ttfts", "latencies")}
    ends = [a + b for a, b in zip(data["start_times"], slow["latencies"], strict=True)]
    duration = max(ends) - min(data["start_times"])
    path = save(
        "vllm_bench_detailed.json", **slow, itls=..., duration=duration,
        request_throughput=60 / duration, mean_tpot_ms=20 * data["mean_tpot_ms"],
        mean_ttft_ms=20 * data["mean_ttft_ms"],
    )  # fmt: skip
    result = import_profiles([path], L4)
    assert row(result.profile)["request_rate"] == pytest.approx(60 / duration, rel=1e-5)
    said = next(line for line in result.warnings if "times as long as one request" in line)
    between = float(said.split("between them it was ")[1].split(")")[0])
    assert 60 / duration < 1.9 < between < 2.1  # 2 requests/s were sent


def test_requests_of_one_token_have_no_tpot(save: Save) -> None:
    path = save("vllm_bench_plain.json", total_output_tokens=200, mean_tpot_ms=0.0)
    with pytest.raises(InvalidInput, match="no point has a time per output token"):
        import_profiles([path], L4)


def test_mixed_lengths_are_refused_unless_a_size_is_said(save: Save) -> None:
    lengths = [10 + 9 * k for k in range(60)]
    path = save("vllm_bench_detailed.json", input_lens=lengths)
    with pytest.raises(InvalidInput, match="10 to 541 input tokens"):
        import_profiles([path], L4)
    profile = import_profiles([path], Given(gpu="L4", size=(250, 10))).profile
    assert profile.sizes == [(250, 10)]


def test_a_plain_result_of_mixed_lengths_is_told_by_its_totals(save: Save) -> None:
    path = save("vllm_bench_plain.json", total_input_tokens=20007)
    assert any("not all of one size" in line for line in import_profiles([path], L4).warnings)


def test_guidellm_calls_the_tpot_inter_token_latency() -> None:
    result = import_profiles([SAMPLES / "guidellm.json"], L4)
    data = json.loads((SAMPLES / "guidellm.json").read_text())
    for number, benchmark in enumerate(data["benchmarks"]):
        metrics, point = benchmark["metrics"], row(result.profile, number)
        with_first = metrics["time_per_output_token_ms"]["successful"]["mean"]
        assert point["tpot_ms_mean"] == metrics["inter_token_latency_ms"]["successful"]["mean"]
        assert point["tpot_ms_mean"] < with_first
    assert [row(result.profile, n)["concurrency"] for n in (0, 1)] == [1.9, 7.8]
    assert [row(result.profile, n)["errors"] for n in (0, 1)] == [0, 2]


def test_aibrix_has_outputs_down_and_inputs_across() -> None:
    profile = import_profiles([SAMPLES / "aibrix.json"], NAMED).profile
    by_size = {tuple(p[:2]): row(profile, n) for n, p in enumerate(profile.points)}
    assert set(profile.sizes) == {(i, o) for i in (128, 512, 2048) for o in (64, 256)}
    assert by_size[512, 64]["request_rate"] == 6.0  # tputs[0][1]: 64 out, 512 in
    assert by_size[128, 256]["request_rate"] == 4.0  # tputs[1][0]
    assert by_size[2048, 256]["request_rate"] == 0
    assert by_size[512, 64]["tpot_ms_mean"] == pytest.approx((1.2 - 0.2) / 63 * 1e3, rel=1e-5)
    assert by_size[512, 64]["ttft_ms_mean"] == 200  # seconds in the file
    assert by_size[512, 64]["concurrency"] == pytest.approx(6.0 * 1.2)


def test_an_aibrix_matrix_the_wrong_way_round_is_refused(save: Save) -> None:
    path = save("aibrix.json", indexes=[[128, 512, 2048], [64, 256]])
    with pytest.raises(InvalidDocument, match="tputs: must have a row for each of the 3 output"):
        import_profiles([path], NAMED)


def test_aibrix_without_latencies_needs_an_slo(save: Save) -> None:
    path = save("aibrix.json", e2e=..., ttft=..., slos=...)
    with pytest.raises(InvalidInput, match="--tpot-ms"):
        import_profiles([path], NAMED)
    slo = Given(model="m", gpu="L4", tpot_ms=80)
    assert row(import_profiles([path], slo).profile)["tpot_ms_mean"] == 80


def test_aibrix_out_and_in_again_gives_the_same_throughput(tmp_path: Path) -> None:
    before = import_profiles([SAMPLES / "melange.json"], Given("m", "A10G", tpot_ms=80)).profile
    text = to_aibrix(before, Slo(80), deployment="x", usd_per_hour=1.0, created=1.0)
    assert json.loads(text)["indexes"] == [list(OUTPUT_EDGES), list(INPUT_EDGES)]
    path = tmp_path / "aibrix.json"
    path.write_text(text)
    after = import_profiles([path], Given("m", "A10G")).profile
    one, other = Throughputs(before, Slo(80)), Throughputs(after, Slo(80))
    for size in before.sizes:
        assert other.at_size(*size).rate == pytest.approx(one.at_size(*size).rate, rel=1e-5)


def test_a_melange_config_is_rows_of_inputs_at_an_slo_to_be_told() -> None:
    path = SAMPLES / "melange.json"
    with pytest.raises(InvalidInput, match="--gpu"):
        import_profiles([path], Given(model="m", tpot_ms=80))
    with pytest.raises(InvalidInput, match="--tpot-ms"):
        import_profiles([path], Given("m", "L4"))
    profile = import_profiles([path], Given("m", "a10g", tpot_ms=80)).profile
    tputs = json.loads(path.read_text())["gpu_info"]["A10G"]["tputs"]
    served = Throughputs(profile, Slo(80), 20000)
    for i, inputs in enumerate(INPUT_EDGES):
        for o, outputs in enumerate(OUTPUT_EDGES):
            assert served.at_size(inputs, outputs).rate == pytest.approx(tputs[i][o], rel=1e-5)
    assert Throughputs(profile, Slo(79)).at_size(25, 25).rate == 0  # not known to hold less


def test_an_ambiguous_name_in_a_melange_config_is_told_apart_by_the_user(tmp_path: Path) -> None:
    config = json.loads((SAMPLES / "melange.json").read_text())
    config["gpu_info"] = {"A100": config["gpu_info"]["A10G"]}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    sized = import_profiles([path], Given("m", "A100-80GB", tpot_ms=80)).profile
    assert sized.gpu == "A100-80GB"
    for gpu in (None, "A100"):
        with pytest.raises(InvalidInput, match="it may mean A100-40GB or A100-80GB"):
            import_profiles([path], Given("m", gpu, tpot_ms=80))


def test_several_files_are_one_profile_and_repeats_are_pooled(save: Save) -> None:
    again = save("vllm_bench_plain.json", "again.json", mean_tpot_ms=27.0, completed=100,
                 total_input_tokens=10000, total_output_tokens=800, duration=7.0, num_prompts=100,
                 request_throughput=100 / 7)  # fmt: skip
    files = [SAMPLES / name for name in ("vllm_bench_plain.json", "vllm_bench_detailed.json")]
    profile = import_profiles([*files, again, SAMPLES / "guidellm.json"], L4).profile
    assert len(profile.points) == 4  # the plain one and its repeat are one load
    closed = next(row(profile, n) for n in range(4) if row(profile, n)["requests"] == 300)
    first = json.loads(files[0].read_text())["mean_tpot_ms"]
    assert closed["tpot_ms_mean"] == pytest.approx((200 * first + 100 * 27) / 300, rel=1e-5)
    with pytest.raises(InvalidInput, match="given twice"):
        import_profiles([files[0], files[0]], L4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_id": "other"}, "not of one model"),
        ({"gpu": "H100"}, "not of one GPU"),
        ({"backend": "tgi"}, "not of one engine"),
        ({"tensor_parallel_size": "4"}, "not of one tensor parallel degree"),
    ],
)
def test_a_disagreement_is_refused(save: Save, changes: dict[str, str], message: str) -> None:
    one = {"gpu": "L4", "backend": "vllm", "tensor_parallel_size": "1"}
    first = save("vllm_bench_plain.json", "first.json", **one)
    second = save("vllm_bench_detailed.json", "second.json", **{**one, **changes})
    with pytest.raises(InvalidInput, match=message) as refused:
        import_profiles([first, second], L4)
    assert "first.json" in str(refused.value)
    assert "second.json" in str(refused.value)


def test_a_profile_of_ours_merges_but_not_with_another_gpu(tmp_path: Path) -> None:
    profile = import_profiles([SAMPLES / "vllm_bench_plain.json"], L4).profile
    path = tmp_path / "L4.json"
    path.write_text(profile.to_json())
    merged = import_profiles([path, SAMPLES / "vllm_bench_detailed.json"], Given())
    assert (merged.profile.gpu, len(merged.profile.points)) == ("L4", 2)
    with pytest.raises(InvalidInput, match="of L4, not of H100"):
        import_profiles([path], Given(gpu="H100"))


def test_a_label_is_believed_less_than_the_user(save: Save) -> None:
    path = save("vllm_bench_plain.json", gpu="nvidia-mystery")
    assert import_profiles([path], Given()).profile.gpu == "MYSTERY"
    result = import_profiles([path], L4)
    assert result.profile.gpu == "L4"
    assert any("labelled gpu=MYSTERY" in line for line in result.warnings)


def test_what_the_files_leave_out_must_be_said() -> None:
    with pytest.raises(InvalidInput, match="--gpu"):
        import_profiles([SAMPLES / "vllm_bench_plain.json"], Given())
    with pytest.raises(InvalidInput, match="--model"):
        import_profiles([SAMPLES / "aibrix.json"], L4)


def test_a_sweep_folder_is_its_runs_without_warm_ups_and_summaries(
    save: Save, tmp_path: Path
) -> None:
    at = "sweep/SERVE--max_num_seqs=64-BENCH--max_concurrency="
    for streams in (4, 8):
        save("vllm_bench_plain.json", f"{at}{streams}/run=0.json", max_concurrency=streams,
             mean_tpot_ms=20.0 + streams, run_number=0)  # fmt: skip
    save("vllm_bench_all_failed.json", f"{at}16/run=0.json", max_concurrency=16,
         **{"random-input-len": 100, "random-output-len": 8})  # fmt: skip
    save("vllm_bench_plain.json", f"{at}4/warmup.json", model_id="ignored")
    (tmp_path / f"{at}4" / "summary.json").write_text("[]")
    result = import_profiles([tmp_path / "sweep"], L4)
    assert [row(result.profile, n)["tpot_ms_mean"] for n in range(3)] == [24.0, 28.0, None]
    assert row(result.profile, 2)["request_rate"] == 0
    assert result.profile.engine.args == ["sweep:-max_num_seqs=64"]
    save("vllm_bench_plain.json", "sweep/SERVE--max_num_seqs=8-BENCH--x=1/run=0.json")
    with pytest.raises(InvalidInput, match="2 settings of the server"):
        import_profiles([tmp_path / "sweep"], L4)


def test_appended_results_stand_one_a_line(tmp_path: Path) -> None:
    names = ("vllm_bench_plain.json", "vllm_bench_detailed.json")
    lines = [json.dumps(json.loads((SAMPLES / name).read_text())) for name in names]
    path = tmp_path / "results.json"
    path.write_text("\n".join(lines))
    assert len(import_profiles([path], L4).profile.points) == 2


def test_what_is_no_known_format_is_said_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for text in ('{"a": 1}', "[]", "3", '"x"', "null", "[[1]]"):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="guidellm"):
            import_profiles([path], L4)


ALL = sorted(path.name for path in SAMPLES.glob("*.json"))


@pytest.mark.parametrize("sample", ALL)
def test_damaged_copies_end_in_one_clear_error(sample: str, tmp_path: Path) -> None:
    """Cut off, another type, nothing, NaN, far too much: an error of ours that names the file."""
    text = (SAMPLES / sample).read_text()
    data = json.loads(text)
    path = tmp_path / sample
    copies = [text[: len(text) // 2], text[:-2], text.replace(": 8", ": NaN", 1) + "x", ""]
    for key in data:
        copies += [
            json.dumps({**data, key: wrong})
            for wrong in ("text", -1, [], {}, [[]], None, True, 1e300, 10**30, [1e300], {"a": []})
        ]
        copies.append(json.dumps({k: v for k, v in data.items() if k != key}))
    given = Given("example/model-7b", "L4", tpot_ms=80)
    refused = []
    for copy in copies:
        path.write_text(copy)
        try:
            result = import_profiles([path], given)
        except MelangeError as error:
            refused.append((error.exit_code, sample in str(error), copy[:200]))
        else:  # what was changed is not read, or may be so
            assert load_profile(_saved(result.profile, tmp_path)).points
    assert len(refused) >= 4
    assert [case for case in refused if case[:2] != (2, True)] == []


def _saved(profile: Profile, folder: Path) -> Path:
    path = folder / "profile.json"
    path.write_text(profile.to_json())
    return path


def test_damage_within_the_lists_is_found(save: Save) -> None:
    whole = json.loads((SAMPLES / "vllm_bench_detailed.json").read_text())
    for key in ("ttfts", "itls", "input_lens", "output_lens", "latencies", "errors"):
        with pytest.raises(InvalidDocument, match="differ in length"):
            import_profiles([save("vllm_bench_detailed.json", **{key: whole[key][:30]})], L4)
    with pytest.raises(InvalidDocument, match="its lists give"):
        import_profiles([save("vllm_bench_detailed.json", mean_tpot_ms=2.0)], L4)
    with pytest.raises(InvalidDocument, match="request_throughput"):
        import_profiles([save("vllm_bench_detailed.json", request_throughput=9.0)], L4)
    negative = [-1.0, *whole["ttfts"][1:]]
    with pytest.raises(InvalidDocument, match=r"ttfts\[0\]"):
        import_profiles([save("vllm_bench_detailed.json", ttfts=negative)], L4)


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)  # sparse: no disk is used
    with pytest.raises(InvalidInput, match="315 MB"):
        import_profiles([path], L4)


def test_percentile_is_linear_between_values() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.5
    assert percentile([5.0], 99) == 5.0
    assert percentile([float(k) for k in range(101)], 99) == 99.0


def test_pooling_weighs_by_requests_and_narrows_the_interval() -> None:
    one = Point(1, 2, 1.0, 1.0, tpot_ms_mean=10, tpot_ms_ci95=1.0, requests=100, load="x")
    two = Point(1, 2, 1.0, 1.2, tpot_ms_mean=16, tpot_ms_ci95=1.0, requests=200, load="x")
    both = pooled([one, two])
    assert both.tpot_ms_mean == pytest.approx(14)
    assert both.request_rate == pytest.approx(1.1)
    assert both.requests == 300
    assert both.tpot_ms_ci95 == pytest.approx(math.hypot(100, 200) / 300)


@real
def test_the_real_results_of_vllm_and_guidellm_are_one_profile() -> None:
    result = import_profiles(sorted(REAL.glob("*.json")), Given())
    profile = result.profile
    assert (profile.model, profile.gpu, profile.sizes) == ("tiny", "CPU", [(64, 32)])
    assert len(profile.points) == 5
    closed = [row(profile, n) for n in range(5) if row(profile, n)["arrivals"] == "closed"]
    assert [round(point["tpot_ms_mean"], 2) for point in closed] == [15.66, 14.48, 28.5]
    poisson = next(row(profile, n) for n in range(5) if row(profile, n)["arrivals"] == "poisson")
    assert poisson["request_rate"] == pytest.approx(3.83355, rel=1e-4)
    assert poisson["tpot_ms_mean"] == pytest.approx(14.5241, rel=1e-4)  # as vLLM printed
    assert poisson["tpot_ms_p99"] == pytest.approx(21.2794, rel=1e-4)
    assert any("rrinf.json: the run took 1.2 times" in line for line in result.warnings)


@real
@pytest.mark.parametrize("name", ["bench_serve_64x32_rr4.json", "bench_serve_64x32_rrinf.json"])
def test_a_real_result_without_its_lists_gives_nearly_the_same(name: str, tmp_path: Path) -> None:
    whole = json.loads((REAL / name).read_text())
    lists = ("input_lens", "output_lens", "ttfts", "itls", "latencies", "start_times", "errors")
    path = tmp_path / name
    path.write_text(json.dumps({k: v for k, v in whole.items() if k not in lists}))
    plain, detailed = (
        row(import_profiles([file], Given()).profile) for file in (path, REAL / name)
    )
    for column, value in detailed.items():
        if isinstance(value, float):
            assert plain[column] == pytest.approx(value, rel=0.02), column


@real
@pytest.mark.parametrize("name", sorted(path.name for path in REAL.glob("*.json")))
def test_real_results_cut_off_or_spoilt(name: str, tmp_path: Path) -> None:
    text = (REAL / name).read_text()
    path = tmp_path / name
    for copy in (text[: len(text) // 3], text.replace(": 0.0", ": NaN", 1), text[:-1]):
        path.write_text(copy)
        with pytest.raises(InvalidInput, match=r"not valid JSON|NaN is not a JSON number"):
            import_profiles([path], Given())
