"""Which contents of a store somebody means, by the posts that show them: what is held, what may come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import ObjectState
from postkeep.store import bulk
from postkeep.store.archive_objects import KNOWN, KnownObject, object_from
from postkeep.store.spelling import fold, folded


@dataclass(frozen=True, slots=True)
class OfPosts:
    """Which posts' media are meant: those for which all of this holds; with nothing said, all media there are.

    `author` is a username in whatever case.
    """

    post_id: str | None = None
    author: str | None = None
    platform: str | None = None
    posted_since: datetime | None = None

    def condition(self, tx: Connection) -> tuple[str, tuple[Any, ...]]:
        """A condition on media_files `f` that begins with AND, and its parameters; empty for all media."""
        told = (
            ("p.post_id = ?", self.post_id),
            (f"{folded(tx, 'p.author_username')} = ?", None if self.author is None else fold(self.author)),
            ("p.platform = ?", self.platform),
            ("p.posted_at >= ?", self.posted_since),
        )
        asked = [(condition, value) for condition, value in told if value is not None]
        if not asked:
            return "", ()
        conditions = " AND ".join(condition for condition, _ in asked)
        return (
            " AND EXISTS (SELECT 1 FROM post_media m JOIN posts p ON p.post_id = m.post_id"  # noqa: S608
            f" WHERE m.file_id = f.file_id AND {conditions})",
            tuple(value for _, value in asked),
        )


def held(tx: Connection, place: str, after: str, *, limit: int, of: OfPosts) -> list[str]:
    """Contents (file ids) that are said to be in the cache and are proven to be in this store, by file id."""
    only, parameters = of.condition(tx)
    rows = bulk.execute(
        tx,
        "SELECT a.file_id FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"  # noqa: S608
        f" WHERE a.file_id > ? AND a.store = ? AND a.state = ? AND f.cached_at IS NOT NULL{only}"
        " ORDER BY a.file_id LIMIT ?",
        after,
        place,
        str(ObjectState.PROVEN),
        *parameters,
        limit,
    )
    return [file_id for (file_id,) in rows]


def restorable(tx: Connection, place: str, after: str, *, limit: int, of: OfPosts) -> list[KnownObject]:
    """Contents that are not in the cache and proven to be in this store, by file id."""
    only, parameters = of.condition(tx)
    rows = bulk.execute(
        tx,
        f"SELECT {KNOWN} WHERE a.file_id > ? AND a.store = ? AND a.state = ?"
        f" AND f.cached_at IS NULL{only} ORDER BY a.file_id LIMIT ?",
        after,
        place,
        str(ObjectState.PROVEN),
        *parameters,
        limit,
    ).all()
    return [object_from(row) for row in rows]


def restorable_count(tx: Connection, place: str, *, of: OfPosts) -> int:
    """How many contents are not in the cache and proven to be in this store."""
    only, parameters = of.condition(tx)
    statement = (
        "SELECT count(*) FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"  # noqa: S608
        f" WHERE a.store = ? AND a.state = ? AND f.cached_at IS NULL{only}"
    )
    return int(bulk.execute(tx, statement, place, str(ObjectState.PROVEN), *parameters).scalar())


@dataclass(frozen=True, slots=True)
class Said:
    """A content that is not in the cache and whose row names an object that nothing proved; `sha256` None: its
    bytes were never read."""

    file_id: str
    url: str
    md5: str
    sha256: str | None
    path: str


# By the first characters: how a database compares text is its own affair.
_SAID = (
    "FROM media_files f WHERE f.cached_at IS NULL AND substr(f.archive_url, 1, ?) = ? AND f.file_id > ?"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id AND a.store = ?"
    f" AND a.state = '{ObjectState.PROVEN}')"
)


def _said_parameters(place: str, after: str) -> tuple[Any, ...]:
    start = f"{place}/"
    return (len(start), start, after, place)


def said(tx: Connection, place: str, after: str, *, limit: int, of: OfPosts) -> list[Said]:
    """Contents that are not here and said, without a proof, to be in this store, by file id."""
    only, parameters = of.condition(tx)
    rows = bulk.execute(
        tx,
        f"SELECT f.file_id, f.archive_url, f.md5_sum, f.sha256, f.local_file_path {_SAID}{only}"
        " ORDER BY f.file_id LIMIT ?",
        *_said_parameters(place, after),
        *parameters,
        limit,
    ).all()
    return [Said(*row) for row in rows]


def said_count(tx: Connection, place: str, *, of: OfPosts) -> int:
    """How many there are of these."""
    only, parameters = of.condition(tx)
    return int(
        bulk.execute(tx, f"SELECT count(*) {_SAID}{only}", *_said_parameters(place, ""), *parameters).scalar()
    )
