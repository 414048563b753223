"""Holds: what must stay in the cache whoever wants room, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.types import storable


@dataclass(frozen=True, slots=True)
class Hold:
    """A row of holds. `kind` says what `subject` is: an id of a file, media, post or profile, or a platform."""

    hold_id: str
    kind: str
    subject: str
    reason: str
    held_by: str
    since: datetime
    until: datetime | None
    released_at: datetime | None = None


_COLUMNS = ("hold_id", "subject_kind", "subject", "reason", "held_by", "since", "until", "released_at")


def put(tx: Connection, hold: Hold) -> None:
    bulk.insert(
        tx,
        schema.holds,
        _COLUMNS,
        [
            (
                hold.hold_id,
                hold.kind,
                hold.subject,
                hold.reason,
                hold.held_by,
                hold.since,
                hold.until,
                hold.released_at,
            )
        ],
    )


def get(tx: Connection, hold_id: str) -> Hold | None:
    if not storable(hold_id):
        return None
    row = bulk.execute(tx, f"SELECT {', '.join(_COLUMNS)} FROM holds WHERE hold_id = ?", hold_id).first()  # noqa: S608
    return _hold(row) if row else None


def all_of(tx: Connection, now: datetime, *, ended: bool) -> list[Hold]:
    """Holds, oldest first; those that ended or were released only with `ended`."""
    where, parameters = "", ()
    if not ended:
        where, parameters = " WHERE released_at IS NULL AND (until IS NULL OR until > ?)", (now,)  # type: ignore[assignment]
    rows = bulk.execute(
        tx,
        f"SELECT {', '.join(_COLUMNS)} FROM holds{where} ORDER BY since, hold_id",  # noqa: S608
        *parameters,
    ).all()
    return [_hold(row) for row in rows]


def release(tx: Connection, hold_id: str, now: datetime) -> None:
    """End a hold; one that was released before keeps its time."""
    bulk.execute(tx, "UPDATE holds SET released_at = ? WHERE hold_id = ? AND released_at IS NULL", now, hold_id)


def names_of(tx: Connection, table: str, key: str, value: str) -> list[str]:
    """The keys of the rows that have this value: of one column, by its index."""
    if not storable(value):
        return []
    rows = bulk.execute(tx, _LOOKUPS[table, key], value).all()
    return [found for (found,) in rows]


_LOOKUPS = {
    ("media_files", "file_id"): "SELECT file_id FROM media_files WHERE file_id = ?",
    ("media_files", "md5_sum"): "SELECT file_id FROM media_files WHERE md5_sum = ? ORDER BY file_id",
    ("media_files", "sha256"): "SELECT file_id FROM media_files WHERE sha256 = ?",
    ("post_media", "media_id"): "SELECT media_id FROM post_media WHERE media_id = ?",
    ("profile_media", "media_id"): "SELECT media_id FROM profile_media WHERE media_id = ?",
    ("profiles", "profile_id"): "SELECT profile_id FROM profiles WHERE profile_id = ?",
}


def cached_under(tx: Connection, hold: Hold) -> tuple[int, int]:
    """How many contents in the cache a hold keeps: (files, bytes)."""
    shown = _SHOWN[hold.kind]
    row: Sequence[Any] = bulk.execute(
        tx,
        "SELECT count(*), coalesce(sum(f.file_size), 0) FROM media_files f WHERE f.cached_at IS NOT NULL"  # noqa: S608
        f" AND f.file_id IN ({shown})",
        *(hold.subject for _ in range(shown.count("?"))),
    ).one()
    return int(row[0]), int(row[1])


_POSTS_OF = "SELECT m.file_id FROM post_media m JOIN posts p ON p.post_id = m.post_id WHERE"
_AVATARS_OF = "SELECT m.file_id FROM profile_media m JOIN profiles o ON o.profile_id = m.profile_id WHERE"
_SHOWN = {
    "file": "?",
    "media": "SELECT file_id FROM post_media WHERE media_id = ?"
    " UNION SELECT file_id FROM profile_media WHERE media_id = ?",
    "post": "SELECT file_id FROM post_media WHERE post_id = ?",
    "profile": f"{_POSTS_OF} p.author_profile_id = ? UNION {_AVATARS_OF} o.profile_id = ?",
    "platform": f"{_POSTS_OF} p.platform = ? UNION {_AVATARS_OF} o.platform = ?",
}


def _hold(row: Sequence[Any]) -> Hold:
    since = moment(row[5])
    if since is None:
        raise AssertionError("a hold has a beginning")
    return Hold(row[0], row[1], row[2], row[3], row[4], since, moment(row[6]), moment(row[7]))
