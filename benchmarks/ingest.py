"""How fast and in how much memory postkeep imports, against a bare loop over the same files.

`python -m benchmarks.ingest [--posts 100000] [--runs 1] [--json] [--database URL] [--memory [SIZE ...]]`
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import Cost, measured
from benchmarks.corpus import Corpus, write_corpus
from benchmarks.once import BARE_NAME
from benchmarks.tables import TABLES, create_tables
from postkeep.store import Store, bulk

IMPORT_GOAL = 3.0
AGAIN_GOAL = 0.5
MEMORY_GOAL = 1.3
SEED = 20251125

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One alternation: the bare loop (on SQLite), the first import, the same import again."""

    bare: Cost | None
    first: Cost
    again: Cost

    @property
    def import_ratio(self) -> float | None:
        return self.first.wall / self.bare.wall if self.bare else None

    @property
    def again_ratio(self) -> float:
        return self.again.wall / self.first.wall


def measure_speed(scratch: Path, posts: int, *, runs: int, url: str | None) -> Figures:
    """Import the same posts in turns; raises RuntimeError when the rows are not those of the bare loop."""
    corpus = write_corpus(scratch / "corpus", posts, seed=SEED)
    if url is not None:
        _must_be_empty(url)
    rounds: list[Round] = []
    rows: dict[str, int] = {}
    for number in range(runs):
        home = scratch / f"run-{number}"
        home.mkdir()
        one, rows = _round(corpus, scratch / "corpus", home, url)
        rounds.append(one)
        _print_round(one, posts)
        shutil.rmtree(home)
    print(f"rows: {', '.join(f'{count:,} {name}' for name, count in rows.items())}")
    import_ratio = None if url is not None else median(each.import_ratio or 0.0 for each in rounds)
    again_ratio = median(each.again_ratio for each in rounds)
    if import_ratio is not None:
        _print_ratio("first import / bare loop", import_ratio, IMPORT_GOAL)
    _print_ratio("again / first import", again_ratio, AGAIN_GOAL)
    return {
        "posts": posts,
        "media": corpus.media,
        "source_bytes": corpus.size,
        "database": "sqlite" if url is None else "postgresql",
        "rounds": [_figures(each, posts) for each in rounds],
        "rows": rows,
        "import_ratio": import_ratio,
        "import_goal": IMPORT_GOAL,
        "again_ratio": again_ratio,
        "again_goal": AGAIN_GOAL,
    }


def measure_memory(scratch: Path, sizes: list[int]) -> Figures:
    """Import corpora of these sizes, each into a new database, and compare what they took at the most."""
    peaks = {}
    for size in sizes:
        folder, home = scratch / f"corpus-{size}", scratch / f"home-{size}"
        home.mkdir()
        write_corpus(folder, size, seed=SEED)
        cost = measured("benchmarks.once", "postkeep", str(folder), str(home))
        peaks[size] = cost.peak
        print(f"{size:>9,} posts: {_megabytes(cost.peak)} MB at the most, {cost.wall:.1f} s")
        shutil.rmtree(folder)
        shutil.rmtree(home)
    ratio = peaks[sizes[-1]] / peaks[sizes[0]]
    _print_ratio(f"memory for {sizes[-1]:,} / {sizes[0]:,} posts", ratio, MEMORY_GOAL)
    return {"peaks": peaks, "memory_ratio": ratio, "memory_goal": MEMORY_GOAL}


# --- one alternation ----------------------------------------------------------------------------------


def _round(corpus: Corpus, folder: Path, home: Path, url: str | None) -> tuple[Round, dict[str, int]]:
    bare = None
    target = url or f"sqlite:///{home / 'postkeep.db'}"
    wanted = {"posts": corpus.posts, "post_media": corpus.media}
    if url is None:
        create_tables(home / BARE_NAME)
        bare = measured("benchmarks.once", "bare", str(folder), str(home))
        wanted = _rows(f"sqlite:///{home / BARE_NAME}")
    first = measured("benchmarks.once", "postkeep", str(folder), str(home), target)
    rows = _rows(target)
    again = measured("benchmarks.once", "postkeep", str(folder), str(home), target)
    for found in (rows, _rows(target)):
        different = [
            f"{name}: {found[name]} not {count}" for name, count in wanted.items() if found[name] != count
        ]
        if different:
            raise RuntimeError(f"not the rows of the same posts: {'; '.join(different)}")
    return Round(bare, first, again), rows


def _rows(url: str) -> dict[str, int]:
    store = Store(url)
    try:
        with store.reading() as tx:
            return {name: int(bulk.execute(tx, f"SELECT count(*) FROM {name}").scalar()) for name in TABLES}
    finally:
        store.close()


def _must_be_empty(url: str) -> None:
    store = Store(url)
    try:
        with store.reading() as tx:
            there = bulk.execute(tx, "SELECT to_regclass('posts') IS NOT NULL").scalar()
            if there and bulk.execute(tx, "SELECT count(*) FROM posts").scalar():
                raise SystemExit("that database has posts already; give one that is empty")
    finally:
        store.close()


# --- what is shown ------------------------------------------------------------------------------------


def _print_round(one: Round, posts: int) -> None:
    print(f"{'':14}{'wall s':>9}{'CPU s':>9}{'posts/s':>10}{'peak MB':>9}")
    for name, cost in (("bare loop", one.bare), ("first import", one.first), ("again", one.again)):
        if cost is not None:
            print(f"{name:14}{cost.wall:9.2f}{cost.cpu:9.2f}{posts / cost.wall:10,.0f}{_megabytes(cost.peak):>9}")


def _print_ratio(name: str, ratio: float, goal: float) -> None:
    print(f"{name}: {ratio:.2f} (goal: at most {goal})")


def _figures(one: Round, posts: int) -> Figures:
    costs = {"bare": one.bare, "first": one.first, "again": one.again}
    return {
        name: None if cost is None else {**cost.shown(), "posts_per_second": posts / cost.wall}
        for name, cost in costs.items()
    }


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f}"


def _machine() -> Figures:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1, help="how often the three take turns")
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    parser.add_argument("--database", metavar="URL", help="an empty PostgreSQL database in place of SQLite")
    parser.add_argument("--memory", nargs="*", type=int, metavar="SIZE", help="compare memory at two sizes")
    parser.add_argument("--scratch", type=Path, help="where the files are made (default: the temporary folder)")
    given = parser.parse_args(arguments)
    if given.database and given.runs > 1:
        parser.error("a database is new only once: leave out --runs")
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.scratch) as scratch:
        if given.memory is None:
            figures = measure_speed(Path(scratch), given.posts, runs=given.runs, url=given.database)
        else:
            sizes = sorted(given.memory) if len(given.memory) > 1 else [given.posts, 10 * given.posts]
            figures = measure_memory(Path(scratch), sizes)
    if given.json:
        print(json.dumps({**figures, "machine": _machine()}))


if __name__ == "__main__":
    main(sys.argv[1:])
