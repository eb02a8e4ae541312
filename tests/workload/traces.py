"""Where the real traces lie, when they do: beside the checkout, never inside it."""

from __future__ import annotations

from pathlib import Path

import pytest

TRACES = Path(__file__).parents[3] / "shared" / "data" / "workloads"

needs_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="the public traces are not here")
