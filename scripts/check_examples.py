"""Check every example against its committed plan, so that a change to the solver, the profiles or
the prices that changes a bill is seen in review.

    python scripts/check_examples.py             fails when an example's cost is not its plan's
    python scripts/check_examples.py --update    writes the plans again; review their diff

Further options, such as --format markdown, are passed to `melange-cloud check`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

from melange_cloud.cli.main import main as melange

ROOT = Path(__file__).parents[1]
PLANS = Path("examples/plans")


def plan_of(example: Path) -> Path:
    """Where the plan of an example is committed: examples/paper/arena.yaml -> paper-arena.json."""
    return PLANS / ("-".join(example.relative_to("examples").with_suffix("").parts) + ".json")


def check(example: Path, options: list[str]) -> int:
    """Run `melange-cloud check` on one example and return its exit code, or 1 when the cost fell,
    which must be seen as well. Its remarks are shown when it fails."""
    remarks = io.StringIO()
    code = 0
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(remarks):
        found = Path(folder) / "check.json"
        words = ["--baseline", str(plan_of(example)), "--out", str(found), *options]
        try:
            melange(["check", str(example), *words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        if not code and "--update" not in options:
            code = int(json.loads(found.read_text())["change"]["usd_per_hour"] != 0)
    if code:
        print(remarks.getvalue(), end="", file=sys.stderr)
    return code


def main(options: list[str]) -> int:
    """Check all; the worst exit code."""
    os.chdir(ROOT)  # plans name their files relative to it
    PLANS.mkdir(exist_ok=True)
    examples = sorted(Path("examples").rglob("*.yaml"))
    codes = [check(example, options) for example in examples]
    orphans = sorted(set(PLANS.glob("*.json")) - {plan_of(example) for example in examples})
    for orphan in orphans:
        print(f"{orphan} belongs to no example; delete it", file=sys.stderr)
    worst = max([*codes, 2 if orphans else 0])
    if worst:
        print("renew the plans with `python scripts/check_examples.py --update`", file=sys.stderr)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
