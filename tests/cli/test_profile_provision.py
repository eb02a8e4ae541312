"""`profile provision`, as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest

CHAT = Path(__file__).parents[2] / "examples" / "chat.yaml"


def test_it_says_what_measures_and_what_that_costs_at_most(melange, tmp_path: Path) -> None:
    words = ("profile", "provision", CHAT, "--out", tmp_path / "m", "--gpu", "L4", "--gpu", "B200")
    ended = melange(*words, "--provider", "aws", "--max-minutes", "30", "--size", "250x50")
    assert ended.code == 0, ended.err
    assert "L4        aws/us-east-1   g6.xlarge" in ended.out
    assert "measures for 30 minutes and is ended after 58" in ended.out
    assert "not measured, as no profile says whether" in ended.err
    assert "B200" in ended.err
    main = (tmp_path / "m" / "main.tf").read_text()
    assert '"--size=250x50"' in main
    assert "max_model_len     = 300" in main
    again = melange(*words, "--provider", "aws", "--max-minutes", "30", "--size", "250x50")
    assert "nothing to change" in again.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-minutes", "inf"], "--max-minutes must be between"),
        (["--max-minutes", "nan"], "--max-minutes must be between"),
        (["--tpot-ms", "0"], '--tpot-ms: "0" is not a number above 0'),
        (["--size", "1000x1"], "no time per output token"),
        (["--size", "large"], "large"),
        (["--provider", "lambda"], "lambda"),
    ],
)
def test_what_would_fail_on_a_rented_machine_is_refused_here(
    words: list[str], message: str, melange, tmp_path: Path
) -> None:
    ended = melange("profile", "provision", CHAT, "--out", tmp_path / "m", *words)
    assert ended.code == 2
    assert message in ended.err
    assert not (tmp_path / "m").exists()
