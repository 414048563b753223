"""Bytes that no row stands for any more and that are still there: files of the cache, objects of archives."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.model import Stage
from postkeep.store import bulk, work

CACHE = "cache"
"""The host of work whose subject is a path in the cache; that of an object is its store."""
NAMED = "named"
"""The host of work whose subject is the stable name of an object, as a row said it to be there."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A file or object that is to be removed; `subject` is its path, its key behind its store, or its name."""

    subject: str
    host: str

    @property
    def key(self) -> str:
        """The key of an object whose store is known."""
        return self.subject.removeprefix(f"{self.host}/")


def queue_files(tx: Connection, paths: Iterable[str], now: datetime) -> None:
    work.add(tx, Stage.REMOVE, [(path, CACHE) for path in paths], now)


def queue_objects(tx: Connection, objects: Iterable[tuple[str, str]], now: datetime) -> None:
    """Queue objects (store, key)."""
    work.add(tx, Stage.REMOVE, [(f"{store}/{key}", store) for store, key in objects], now)


def queue_named(tx: Connection, names: Collection[str], now: datetime) -> None:
    """Queue objects by their stable names, but for those that rows still name."""
    left = set(names) - named(tx, names)
    work.add(tx, Stage.REMOVE, [(name, NAMED) for name in sorted(left)], now)


def page(tx: Connection, host: str, *, after: str = "", limit: int) -> list[Removal]:
    """What is to be removed of a host, by subject, after the given one."""
    rows = bulk.execute(
        tx,
        "SELECT subject, host FROM work WHERE stage = ? AND host = ? AND subject > ? ORDER BY subject LIMIT ?",
        str(Stage.REMOVE),
        host,
        after,
        limit,
    ).all()
    return [Removal(subject, host) for subject, host in rows]


def waiting(tx: Connection) -> tuple[int, int]:
    """How much is still to be removed: (files, objects)."""
    rows = bulk.execute(
        tx,
        "SELECT CASE WHEN host = ? THEN 1 ELSE 0 END, count(*) FROM work WHERE stage = ? GROUP BY 1",
        CACHE,
        str(Stage.REMOVE),
    ).all()
    found = {bool(of_cache): int(number) for of_cache, number in rows}
    return found.get(True, 0), found.get(False, 0)


def done(tx: Connection, removals: Iterable[Removal]) -> None:
    work.done(tx, Stage.REMOVE, [each.subject for each in removals])


def named(tx: Connection, names: Collection[str]) -> set[str]:
    """Which of these stable names of objects rows tell."""
    found = set()
    for table in ("post_media", "profile_media", "media_files"):
        rows = bulk.among(
            tx,
            f"SELECT DISTINCT archive_url FROM {table} WHERE archive_url IS NOT NULL AND archive_url {{in}}",  # noqa: S608
            names,
        )
        found |= {name for (name,) in rows}
    return found
