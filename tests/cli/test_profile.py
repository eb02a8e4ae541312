"""`melange-cloud profile`, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEVEN_B = "meta-llama/Llama-2-7b-hf"


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "melange_cloud", "profile", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PATH": ""},
    )


def test_list_says_what_there_is_and_why_a_gpu_has_none() -> None:
    result = run("list", "--model", "meta-llama/Llama-2-70b-hf")
    assert result.returncode == 0
    assert result.stdout == (ROOT / "tests" / "cli" / "golden_profile_list.txt").read_text()


def test_list_as_json_holds_every_bundled_profile() -> None:
    listing = json.loads(run("list", "--format", "json").stdout)
    assert len(listing["profiles"]) == 18
    assert {profile["source"] for profile in listing["profiles"]} == {"estimated"}
    assert all(gap["why"] for gap in listing["without"])


def test_show_as_a_table_for_people() -> None:
    result = run("show", SEVEN_B, "L4", "--tpot-ms", "120", "--ttft-ms", "2000")
    assert result.returncode == 0
    assert result.stdout == (ROOT / "tests" / "cli" / "golden_profile_show.txt").read_text()


def test_show_as_json_is_the_document() -> None:
    result = run("show", SEVEN_B, "L4", "--format", "json")
    assert result.stdout == (ROOT / "profiles" / SEVEN_B / "L4.json").read_text()


def test_estimate_puts_a_profile_where_plans_find_it(tmp_path: Path) -> None:
    estimate = ("estimate", "--model", SEVEN_B, "--gpu", "l40s", "--size", "1000x250")
    made = run(*estimate, "--out", str(tmp_path), "--format", "json")
    path = tmp_path / SEVEN_B / "L40S.json"
    assert made.returncode == 0
    assert made.stdout == path.read_text()
    assert made.stderr == f"wrote {path}\n"
    shown = run("show", SEVEN_B, "L40S", "--profiles", str(tmp_path))
    assert f"{SEVEN_B} on L40S: requests/s at saturation, no SLO" in shown.stdout
    assert "constants fitted" in shown.stdout
    assert "for A10G, taken over for L40S" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "meta-llama/Llama-2-7b-hg", "L4"), f'did you mean "{SEVEN_B}"?'),
        (("show", SEVEN_B, "H10"), 'unknown GPU "H10"; did you mean "H100"?'),
        (("show", SEVEN_B, "L4", "--percentile", "99"), "has no tpot_ms_p99"),
        (("show", SEVEN_B, "L4", "--tpot-ms", "-1"), "--tpot-ms"),
        (("show", SEVEN_B, "L4", "--tpot-ms", "0"), "tpot_ms must be above 0"),
        (("show", SEVEN_B, "L4", "--tensor-parallel", "2"), "it has one at 1"),
        (("show", SEVEN_B, "L4", "--profiles", "absent"), "no such folder of profiles"),
        (("estimate", "--model", SEVEN_B, "--gpu", "B201"), 'did you mean "B200"?'),
        (("estimate", "--model", SEVEN_B, "--gpu", "B300"), "no profile on B300 can be estimated"),
        (
            ("estimate", "--model", "meta-llama/Llama-2-70b-hf", "--gpu", "L4"),
            "138.0 GB, and 20.4 GB are usable",
        ),
        (("estimate", "--model", SEVEN_B, "--gpu", "L4", "--size", "big"), 'not a size: "big"'),
    ],
)
def test_wrong_usage_exits_2_with_one_message(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_bad_profile_exits_2_and_names_the_file(tmp_path: Path) -> None:
    folder = tmp_path / SEVEN_B
    folder.mkdir(parents=True)
    text = (ROOT / "profiles" / SEVEN_B / "L4.json").read_text()
    (folder / "L4.json").write_text(text.replace("[25, 25, 1, ", "[25, -25, 1, "))
    result = run("show", SEVEN_B, "L4", "--profiles", str(tmp_path))
    assert result.returncode == 2
    assert "L4.json is not a valid profile" in result.stderr
    assert "[0].output_tokens must be a whole number above 0, is -25" in result.stderr


def test_a_place_that_cannot_be_written_exits_4(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "L4.json")
    result = run("estimate", "--model", SEVEN_B, "--gpu", "L4", "--out", out)
    assert result.returncode == 4
    assert "cannot be written" in result.stderr
    assert result.stdout == ""
