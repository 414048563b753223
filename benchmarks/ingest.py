"""How fast and in how much memory postkeep imports, against a bare loop over the same files.

`python -m benchmarks.ingest [--posts 100000] [--runs 1] [--json] [--database URL] [--memory [SIZE ...]]`
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import Cost, measured
from benchmarks.corpus import write_corpus
from benchmarks.once import SQLITE
from benchmarks.servers import database, server, settings, settle
from benchmarks.tables import TABLES, create_tables
from postkeep.store import Store, bulk, migrate

IMPORT_GOALS = {"sqlite": 3.0, "postgresql": 2.0}
AGAIN_GOALS = {"sqlite": 0.5, "postgresql": 0.25}
MEMORY_GOAL = 1.3
SEED = 20251125

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One alternation: the bare loop, the first import, the same import again, and the load of the machine."""

    bare: Cost
    first: Cost
    again: Cost
    load: float

    @property
    def import_ratio(self) -> float:
        return self.first.wall / self.bare.wall

    @property
    def again_ratio(self) -> float:
        return self.again.wall / self.first.wall


def measure_speed(scratch: Path, posts: int, *, runs: int, url: str | None) -> Figures:
    """Import the same posts in turns; `url` is a PostgreSQL server's, without it SQLite files are made.

    Raises RuntimeError when the rows are not those of the bare loop.
    """
    corpus = write_corpus(scratch / "corpus", posts, seed=SEED)
    kind = "sqlite" if url is None else "postgresql"
    rounds: list[Round] = []
    rows: dict[str, int] = {}
    for number in range(runs):
        home = scratch / f"run-{number}"
        home.mkdir()
        one, rows = _round(scratch / "corpus", home, url)
        rounds.append(one)
        _print_round(one, posts)
        shutil.rmtree(home)
    print(f"rows: {', '.join(f'{count:,} {name}' for name, count in rows.items())}")
    import_ratio = median(each.import_ratio for each in rounds)
    again_ratio = median(each.again_ratio for each in rounds)
    _print_ratio("first import / bare loop", import_ratio, IMPORT_GOALS[kind])
    _print_ratio("again / first import", again_ratio, AGAIN_GOALS[kind])
    return {
        "posts": posts,
        "media": corpus.media,
        "source_bytes": corpus.size,
        "database": kind,
        "settings": {} if url is None else settings(url),
        "rounds": [_figures(each, posts) for each in rounds],
        "rows": rows,
        "import_ratio": import_ratio,
        "import_goal": IMPORT_GOALS[kind],
        "again_ratio": again_ratio,
        "again_goal": AGAIN_GOALS[kind],
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


def _round(folder: Path, home: Path, server_url: str | None) -> tuple[Round, dict[str, int]]:
    with _targets(home, server_url) as (bare_url, url):
        create_tables(bare_url)
        bare = _cost(server_url, "bare", str(folder), bare_url)
        wanted = _rows(bare_url)
        first = _cost(server_url, "postkeep", str(folder), str(home), url)
        rows = _rows(url)
        again = _cost(server_url, "postkeep", str(folder), str(home), url)
        for found in (rows, _rows(url)):
            different = [
                f"{name}: {found[name]} not {count}" for name, count in wanted.items() if found[name] != count
            ]
            if different:
                raise RuntimeError(f"not the rows of the same posts: {'; '.join(different)}")
    return Round(bare, first, again, os.getloadavg()[0]), rows


@contextmanager
def _targets(home: Path, server_url: str | None) -> Iterator[tuple[str, str]]:
    """The URLs of two new databases: the bare loop's and ours."""
    if server_url is None:
        yield f"{SQLITE}{home / 'bare.db'}", f"{SQLITE}{home / 'postkeep.db'}"
        return
    with database(server_url, "bare") as bare_url, database(server_url, "ours") as url:
        # Making 40 tables on a server takes a second, whatever is imported then.
        store = Store(url)
        try:
            migrate.upgrade(store)
        finally:
            store.close()
        yield bare_url, url


def _cost(server_url: str | None, *arguments: str) -> Cost:
    if server_url is not None:
        settle(server_url)
    return measured("benchmarks.once", *arguments)


def _rows(url: str) -> dict[str, int]:
    store = Store(url)
    try:
        with store.reading() as tx:
            return {name: int(bulk.execute(tx, f"SELECT count(*) FROM {name}").scalar()) for name in TABLES}
    finally:
        store.close()


# --- what is shown ------------------------------------------------------------------------------------


def _print_round(one: Round, posts: int) -> None:
    print(f"{'':14}{'wall s':>9}{'CPU s':>9}{'posts/s':>10}{'peak MB':>9}")
    for name, cost in (("bare loop", one.bare), ("first import", one.first), ("again", one.again)):
        print(f"{name:14}{cost.wall:9.2f}{cost.cpu:9.2f}{posts / cost.wall:10,.0f}{_megabytes(cost.peak):>9}")
    print(f"load of the machine: {one.load:.1f} on {os.cpu_count()} cores")


def _print_ratio(name: str, ratio: float, goal: float) -> None:
    print(f"{name}: {ratio:.2f} (goal: at most {goal})")


def _figures(one: Round, posts: int) -> Figures:
    costs = {"bare": one.bare, "first": one.first, "again": one.again}
    shown: Figures = {
        name: {**cost.shown(), "posts_per_second": posts / cost.wall} for name, cost in costs.items()
    }
    return {**shown, "load": one.load}


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
    parser.add_argument(
        "--database",
        metavar="URL",
        help="a PostgreSQL server on which databases may be created, in place of SQLite;"
        " `postgresql` starts one for the time being",
    )
    parser.add_argument("--memory", nargs="*", type=int, metavar="SIZE", help="compare memory at two sizes")
    parser.add_argument("--scratch", type=Path, help="where the files are made (default: the temporary folder)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.scratch) as scratch:
        if given.memory is None:
            with server(given.database) if given.database else nullcontext() as url:
                figures = measure_speed(Path(scratch), given.posts, runs=given.runs, url=url)
        else:
            sizes = sorted(given.memory) if len(given.memory) > 1 else [given.posts, 10 * given.posts]
            figures = measure_memory(Path(scratch), sizes)
    if given.json:
        print(json.dumps({**figures, "machine": _machine()}))


if __name__ == "__main__":
    main(sys.argv[1:])
