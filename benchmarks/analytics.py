"""How long the figures of all creators take, in times of a script written for these figures alone.

`python -m benchmarks.analytics [--creators 1000] [--posts 1000] [--runs 3] [--memory] [--json] [--scratch DIR]`
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import Cost, measured
from benchmarks.creators_corpus import fill
from benchmarks.fetch_goals import Goal, print_goals
from postkeep.store import Store, migrate

GOAL = 3.0
MEMORY_GOAL = 1.3


def database(path: Path, creators: int, posts: int) -> Path:
    """A new database of so many creators with so many posts each."""
    store = Store(f"sqlite:///{path}")
    try:
        migrate.upgrade(store)
        fill(store, creators, posts)
    finally:
        store.close()
    return path


def ours(made: Path, scratch: Path) -> tuple[Cost, dict[str, Any]]:
    """`creators update` over a copy of the database: what it took, and the figures it stored by creator."""
    home = scratch / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copyfile(made, home / "postkeep.db")
    cost = measured("benchmarks.once", "creators", str(home))
    with closing(sqlite3.connect(home / "postkeep.db")) as kept:
        rows = kept.execute("SELECT profile_id, details FROM creator_analytics").fetchall()
    return cost, {profile_id: json.loads(details)["analytics"] for profile_id, details in rows}


def bare(made: Path, scratch: Path, now: datetime) -> tuple[Cost, dict[str, Any]]:
    """The script written by hand over the same file."""
    result = scratch / "bare.json"
    cost = measured("benchmarks.analytics_bare", str(made), now.isoformat(), str(result))
    return cost, json.loads(result.read_bytes())


def must_be_the_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> int:
    """How many figures both tell; raises RuntimeError for one they tell otherwise, but for what depends on now."""
    compared = 0
    for creator, figures in expected.items():
        for name, value in figures.items():
            if name in found[creator] and name != "last_post_days_ago":
                compared += 1
                if not _same(found[creator][name], value):
                    raise RuntimeError(f"{creator}: {name} is {found[creator][name]}, and {value} by hand")
    if found.keys() != expected.keys() or not compared:
        raise RuntimeError("not every creator was computed")
    return compared


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def measure(made: Path, scratch: Path, *, runs: int) -> dict[str, Any]:
    """Let both take turns; the ratios are the medians of the rounds."""
    rounds, compared = [], 0
    for _ in range(runs):
        by_us, found = ours(made, scratch)
        now = datetime.fromisoformat(next(iter(found.values()))["calculated_at"])
        by_hand, expected = bare(made, scratch, now)
        compared = must_be_the_same(found, expected)
        rounds.append({"ours": by_us.shown(), "bare": by_hand.shown()})
        print(
            f"ours {by_us.wall:7.2f} s, {by_us.cpu:6.2f} CPU s, {by_us.peak / 1e6:5.0f} MB;"
            f" by hand {by_hand.wall:7.2f} s, {by_hand.cpu:6.2f} CPU s, {by_hand.peak / 1e6:5.0f} MB",
            flush=True,
        )
    ratios = {
        name: median(each["ours"][name] / each["bare"][name] for each in rounds)
        for name in ("wall", "cpu", "peak")
    }
    return {"rounds": rounds, "ratios": ratios, "figures_compared": compared}


def measure_memory(scratch: Path, creators: int, posts: int) -> dict[str, Any]:
    """The most memory our process takes for these creators and for a tenth of them."""
    peaks = {}
    for number in (max(1, creators // 10), creators):
        made = database(scratch / f"{number}.db", number, posts)
        peaks[number] = ours(made, scratch)[0].peak
        print(f"{number:,} creators: {peaks[number] / 1e6:.0f} MB at the most", flush=True)
    few, many = sorted(peaks)
    return {"peaks": {str(each): peaks[each] for each in peaks}, "ratio": peaks[many] / peaks[few]}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analytics", description=__doc__)
    parser.add_argument("--creators", type=int, default=1000)
    parser.add_argument("--posts", type=int, default=1000, help="of each creator")
    parser.add_argument("--runs", type=int, default=3, help="how often both take turns")
    parser.add_argument(
        "--memory", action="store_true", help="measure memory alone, with a tenth of the creators too"
    )
    parser.add_argument("--scratch", type=Path, help="where the database is made (2 GB for a million posts)")
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.scratch) as folder:
        scratch = Path(folder)
        if given.memory:
            figures = measure_memory(scratch, given.creators, given.posts)
            goals = [Goal("memory for ten times as many creators", figures["ratio"], MEMORY_GOAL, at_least=False)]
        else:
            made = database(scratch / "made.db", given.creators, given.posts)
            print(f"{given.creators:,} creators, {given.creators * given.posts:,} posts", flush=True)
            figures = measure(made, scratch, runs=given.runs)
            goals = [Goal("time for all figures / by hand", figures["ratios"]["wall"], GOAL, at_least=False)]
    print_goals(goals)
    if given.json:
        figures |= {"creators": given.creators, "posts": given.creators * given.posts, "goal": GOAL}
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
