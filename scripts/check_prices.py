"""Check prices before they are trusted, for a maintainer.

    python scripts/check_prices.py [SOURCE]

SOURCE is a price source as for --prices: live (the default), bundled, gpuhunt or a file. Prints
every problem that the checks of melange_cloud.prices.integrity find; exits with 1 when there are
any, with 0 otherwise. This checks the data, not the code: run it after a live refresh.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from melange_cloud.errors import MelangeError
from melange_cloud.prices.integrity import integrity_problems
from melange_cloud.prices.sources import load_prices
from melange_cloud.prices.wanted import Wanted


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="live")
    arguments = parser.parse_args()
    try:
        book = load_prices(arguments.source, Path(), Wanted(say=print))
    except MelangeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    problems = integrity_problems(book)
    for problem in problems:
        print(problem)
    print(f"{len(book.offers)} offers of the source {book.source} have {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
