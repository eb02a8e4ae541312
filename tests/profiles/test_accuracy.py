"""docs/accuracy.md holds what its script finds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_on_accuracy_is_what_its_script_writes() -> None:
    script = ROOT / "scripts" / "check_accuracy.py"
    ended = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_licence_of_the_data_is_beside_it() -> None:
    data = ROOT / "scripts" / "data"
    assert "CDLA-Permissive-2.0" in (data / "llm_pilot.json").read_text()
    assert "Permissive - Version 2.0" in (data / "CDLA-Permissive-2.0.md").read_text()
