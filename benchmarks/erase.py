"""How long it takes to erase one profile with a thousand posts, and one post, out of a million posts.

`python -m benchmarks.erase [--posts 1000000] [--database DSN|postgresql] [--json]`
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, event

from benchmarks.grown import analyse, grow
from postkeep.config import Config
from postkeep.library import Library, open_library
from postkeep.stages.ingest.candidate import compress
from postkeep.store import Store, bulk, migrate, schema
from postkeep.views import Progress
from postkeep.views.erasing import Erasure

_PAGE = 5000
_WANTED = 1000


@dataclass(slots=True)
class Measured:
    """Seconds of an erasure, what it counted, and the longest time it kept other writers out."""

    name: str
    seconds: float
    posts: int
    records: int
    cut: int
    dropped: int
    longest_write: float
    writes: int
    steps: dict[str, float] = field(default_factory=dict)


def with_bodies(store: Store) -> None:
    """Give every record a body of a real size that names its post and author: grown ones have none."""
    chance = random.Random(7)
    last = ""
    while True:
        with store.reading() as tx:
            rows = bulk.execute(
                tx,
                "SELECT d.download_id, d.record_sha256, p.native_id, p.author_username, p.text_content"
                " FROM data_downloads d JOIN posts p ON p.post_id = d.post_id WHERE d.download_id > ?"
                " ORDER BY d.download_id LIMIT ?",
                last,
                _PAGE,
            ).all()
        if not rows:
            return
        last = rows[-1][0]
        with store.writing() as tx:
            _update(tx, [(compress(_body(chance, *row[2:])), row[1]) for row in rows])


def _update(tx: Connection, rows: list[tuple[bytes, str]]) -> None:
    bulk.update(tx, schema.raw_records, ("body",), rows, key=("sha256",))


def _body(chance: random.Random, native: str, username: str, text: str) -> bytes:
    media = [
        {
            "url": f"https://media.licdn.com/dms/image/v2/D4E22AQ{chance.getrandbits(60):x}/feedshare-shrink_{width}/0/1"
            f"?e=4000000000&v=beta&t={chance.getrandbits(200):x}",
            "width": width,
            "height": width,
        }
        for width in (480, 800, 1280)
    ]
    return orjson.dumps(
        {
            "urn": f"urn:li:activity:{native}",
            "url": f"https://www.linkedin.com/posts/{username}_post-activity-{native}-AbCd?utm_source=a%3Ab",
            "text": text + "\n" + " ".join(f"{chance.getrandbits(32):x}" for _ in range(60)) + " ✨",
            "author": {
                "username": username,
                "profile_url": f"https://www.linkedin.com/in/{username}?miniProfileUrn=urn%3Ali%3A{native}",
                "headline": f"Words of {username} and of others",
            },
            "stats": {"total_reactions": chance.randrange(900), "comments": chance.randrange(90)},
            "media": {"type": "images", "items": media},
            "comments": [
                {"author": {"username": f"reader-{chance.randrange(10**6)}"}, "text": "So true, who would think"}
                for _ in range(4)
            ],
        }
    )


@contextmanager
def watched(store: Store) -> Iterator[list[float]]:
    """The seconds of every write transaction in the block."""
    begun, spans = threading.local(), list[float]()

    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("begin") == "IMMEDIATE"
        begun.at = time.monotonic() if writing else None

    def end(_: Connection) -> None:
        if getattr(begun, "at", None) is not None:
            spans.append(time.monotonic() - begun.at)
            begun.at = None

    event.listen(store.engine, "begin", begin)
    event.listen(store.engine, "commit", end)
    try:
        yield spans
    finally:
        event.remove(store.engine, "begin", begin)
        event.remove(store.engine, "commit", end)


def measure(library: Library, name: str, erase: Callable[[Callable[[Progress], None]], Erasure]) -> Measured:
    """Erase once, and see which of its steps took how long."""
    steps: defaultdict[str, float] = defaultdict(float)
    start = last = time.monotonic()

    def progress(step: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        steps[step.doing] += now - last
        last = now

    with watched(library._store) as spans:
        done = erase(progress)
    end = time.monotonic()
    steps["the rest"] = end - last
    going, staying = done.going, done.staying
    counts = (going.posts, going.records, staying.cut, staying.dropped)
    return Measured(name, end - start, *counts, max(spans, default=0.0), len(spans), dict(steps))


def subjects(store: Store) -> tuple[str, str]:
    """A profile with about a thousand posts, and a post of somebody else."""
    with store.reading() as tx:
        [profile] = bulk.execute(
            tx,
            "SELECT author_profile_id FROM posts WHERE platform = 'linkedin' GROUP BY author_profile_id"
            " HAVING count(*) <= ? ORDER BY count(*) DESC LIMIT 1",
            _WANTED,
        ).one()
        [post] = bulk.execute(
            tx,
            "SELECT post_id FROM posts p WHERE platform = 'linkedin' AND author_profile_id <> ?"
            " AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.subject = p.post_id) ORDER BY post_id DESC LIMIT 1",
            profile,
        ).one()
    return profile, post


def run(database: str, home: Path, posts: int) -> list[Measured]:
    config = Config(home, database)
    config.cache_root.joinpath("media").mkdir(parents=True, exist_ok=True)
    with open_library(config) as library:
        profile, post = subjects(library._store)
        with library._store.writing() as tx:
            bulk.execute(tx, "DELETE FROM holds")
        erasing = library.erasing
        ways: list[tuple[str, Callable[[Any], Erasure]]] = [
            ("a post, dry run", lambda p: erasing.posts([post], reason="measured", dry_run=True, progress=p)),
            ("a post", lambda p: erasing.posts([post], reason="measured", progress=p)),
            (
                "a profile, dry run",
                lambda p: erasing.profile(profile, reason="measured", dry_run=True, progress=p),
            ),
            ("a profile", lambda p: erasing.profile(profile, reason="measured", progress=p)),
        ]
        made = []
        for name, way in ways:
            made.append(measure(library, name, way))
            print(made[-1], file=sys.stderr, flush=True)
        return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--database", help="an empty or grown database; `postgresql` starts a server of its own")
    parser.add_argument("--grown", action="store_true", help="it is grown already")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.database == "postgresql":
            from tests.servers.postgres import postgres_server

            with postgres_server() as server:
                made = _grown_and_run(server.url, Path(folder), asked)
        else:
            made = _grown_and_run(asked.database or f"sqlite:///{folder}/grown.db", Path(folder), asked)
    if asked.json:
        print(json.dumps([asdict(each) for each in made]))
        return
    for each in made:
        print(
            f"{each.name:20} {each.seconds:8.1f} s  {each.posts:5} posts  {each.records:5} records"
            f"  longest write {each.longest_write * 1000:6.0f} ms of {each.writes}"
        )
        for step, seconds in each.steps.items():
            print(f"    {step:20} {seconds:8.1f} s")


def _grown_and_run(database: str, folder: Path, asked: argparse.Namespace) -> list[Measured]:
    if not asked.grown:
        store = Store(database)
        try:
            migrate.upgrade(store)
            grow(store, asked.posts)
            with_bodies(store)
            analyse(store)
        finally:
            store.close()
    return run(database, folder, asked.posts)


if __name__ == "__main__":
    main()
