"""`melange-cloud prices`, as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

SMALL = """\
provider,region,instance_type,gpu,gpu_count,usd_per_hour,purchase,vcpus,memory_gib,as_of
gcp,us-central1,a2-highgpu-1g,A100-40GB,1,3.673385,on-demand,12,85,2026-08-03
aws,us-east-1,p5.48xlarge,H100-80GB,8,55.04,on-demand,192,2048,2026-11-20
aws,us-east-1,p5.48xlarge,H100-80GB,8,26,spot,,,
aws,us-east-1,g6.xlarge,L4,1,0,on-demand,4,16,
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "p.csv"
    path.write_text(SMALL)
    return path


def test_list_as_a_table_for_people(
    melange: Run, small: Path, golden: Callable[[str, str], None]
) -> None:
    result = melange("prices", "list", "--prices", small)
    assert result.code == 0
    golden("prices/list.txt", result.out)
    assert "left out 1 offer (aws g6.xlarge): its price is zero" in result.err


def test_list_as_json_with_filters(melange: Run, small: Path) -> None:
    options = ("--prices", small, "--format", "json")
    result = melange("prices", "list", *options, "--gpu", "h100-80gb", "--purchase", "spot")
    assert json.loads(result.out) == {
        "schema": "melange-cloud/prices/v1",
        "offers": [
            {
                "provider": "aws",
                "region": "us-east-1",
                "instance_type": "p5.48xlarge",
                "gpu": "H100",
                "gpu_count": 8,
                "usd_per_hour": 26.0,
                "purchase": "spot",
                "as_of": None,
            }
        ],
    }


def test_list_writes_a_book_that_can_be_listed(melange: Run, small: Path) -> None:
    out = small.with_name("mine.json")
    melange("prices", "list", "--prices", small, "--out", out)
    again = melange("prices", "list", "--prices", out, "--format", "json")
    assert again.out == melange("prices", "list", "--prices", small, "--format", "json").out


def test_unknown_filter_values_name_the_nearest(melange: Run) -> None:
    words = ("--region", "us-centrl1", "--gpu", "H1000", "--provider", "awss")
    result = melange("prices", "list", *words)
    assert result.code == 2
    assert result.out == ""
    assert 'unknown provider "awss"; did you mean "aws"?' in result.err
    assert 'unknown region "us-centrl1"; did you mean "us-central1"?' in result.err
    assert 'unknown GPU "H1000"; did you mean "H100"?' in result.err


def test_bundled_prices_warn_of_their_age_on_stderr(melange: Run) -> None:
    words = ("--provider", "aws", "--region", "us-east-1", "--gpu", "H100")
    result = melange("prices", "list", *words)
    assert result.code == 0
    assert "p5.48xlarge" in result.out
    assert "the oldest price used is of 2026-02-09" in result.err


def test_diff_of_two_files(melange: Run, small: Path) -> None:
    other = small.with_name("other.csv")
    other.write_text(SMALL.replace("55.04", "60"))
    result = melange("prices", "diff", small, other, "--format", "json")
    (change,) = json.loads(result.out)["changes"]
    assert (change["old_usd_per_hour"], change["new_usd_per_hour"]) == (55.04, 60.0)
