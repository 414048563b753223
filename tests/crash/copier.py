"""A copy as a process of its own, which dies at a point."""

from __future__ import annotations

import argparse
import os
import signal
import warnings
from collections import Counter
from pathlib import Path

from sqlalchemy import Engine, event

from postkeep import points
from postkeep.config import Config
from postkeep.library import open_library
from postkeep.store import walking


def main() -> None:
    parser = argparse.ArgumentParser(description="Copy a database, in batches of a few rows.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--kill-at", metavar="POINT:N", required=True)
    given = parser.parse_args()
    warnings.simplefilter("error")
    walking.MOST_ROWS = 7
    point, _, number = given.kill_at.partition(":")
    counts: Counter[str] = Counter()

    def passed(name: str) -> None:
        counts[name] += 1
        if (name, counts[name]) == (point, int(number)):
            os.kill(os.getpid(), signal.SIGKILL)

    with open_library(Config(given.home, given.database)) as library:
        points.watch(passed)
        event.listen(Engine, "commit", lambda _: passed("commit"))
        library.copy_to(given.to)


if __name__ == "__main__":
    main()
