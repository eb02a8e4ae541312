"""How fast `workload from-trace` counts ten million requests, and how much memory it takes.

    python scripts/bench_from_trace.py [--rows 10000000]

The trace is generated in a temporary folder. The command runs in its own process, so that time and
peak memory include everything. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_ROWS_PER_SECOND = 1_000_000
TARGET_MEGABYTES = 500

COPY = """\
COPY (
  SELECT {columns}
  FROM (
    SELECT
      i,
      CAST(hash(i) % 16000 + 1 AS BIGINT) AS input,
      CAST(hash(i + 1) % 2000 + 1 AS BIGINT) AS output
    FROM range({rows}) AS numbers(i)
  )
) TO '{path}' ({format})
"""
CSV_COLUMNS = """\
TIMESTAMP '2023-11-16 18:15:46' + to_microseconds(CAST(i * 360 AS BIGINT)) AS "TIMESTAMP",
    input AS "ContextTokens", output AS "GeneratedTokens\""""
JSON_COLUMNS = "i * 0.36 AS timestamp_ms, input AS input_tokens, output AS output_tokens"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="melange-cloud-bench-") as folder:
        csv, jsonl = Path(folder) / "trace.csv", Path(folder) / "trace.jsonl"
        _generate(rows, csv, CSV_COLUMNS, "FORMAT csv, HEADER")
        met = _measure(rows, csv)
        csv.unlink()
        _generate(rows, jsonl, JSON_COLUMNS, "FORMAT json")
        return 0 if _measure(rows, jsonl) and met else 1


def _generate(rows: int, path: Path, columns: str, format_: str) -> None:
    import duckdb

    duckdb.sql(COPY.format(columns=columns, rows=rows, path=path, format=format_))


def _measure(rows: int, trace: Path) -> bool:
    """Run the command once and print its figures; whether both targets were met."""
    command = [sys.executable, "-m", "melange_cloud", "workload", "from-trace", str(trace)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--format", "json"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"`workload from-trace` failed with exit code {process.returncode}")
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    megabytes = kilobytes * 1024 / 1e6
    met = rows / seconds >= TARGET_ROWS_PER_SECOND and megabytes <= TARGET_MEGABYTES
    print(
        f"from-trace {trace.name}: {rows:,} rows, {trace.stat().st_size / 1e6:,.0f} MB in "
        f"{seconds:.2f} s: {rows / seconds / 1e6:.2f} million rows/s (target "
        f"{TARGET_ROWS_PER_SECOND / 1e6:g}), peak {megabytes:.0f} MB (target {TARGET_MEGABYTES}): "
        + ("ok" if met else "MISSED")
    )
    return met


if __name__ == "__main__":
    sys.exit(main())
