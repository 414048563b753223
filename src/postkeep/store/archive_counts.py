"""How much of what is known a store was proven to hold, for whoever asks before or after archiving."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.model import ObjectState
from postkeep.store import bulk
from postkeep.store.places import PLACES
from postkeep.store.renditions import DERIVED


@dataclass(frozen=True, slots=True)
class Wanting:
    """Contents of the cache: how many a store was not proven to hold, their bytes, and how many it was."""

    files: int
    bytes: int
    proven: int


def wanting(tx: Connection, place: str, *, post_id: str | None, media_id: str | None) -> Wanting:
    """What of the cache, of a post or of one medium a store was not proven to hold."""
    only = ""
    parameters: tuple[str, ...] = ()
    if post_id is not None:
        only = " AND EXISTS (SELECT 1 FROM post_media m WHERE m.file_id = f.file_id AND m.post_id = ?)"
        parameters = (post_id,)
    if media_id is not None:
        table, _ = PLACES[media_id[:3]]
        only += f" AND f.file_id = (SELECT m.file_id FROM {table} m WHERE m.media_id = ?)"  # noqa: S608
        parameters = (*parameters, media_id)
    files, size, proven = bulk.execute(
        tx,
        "SELECT coalesce(sum(CASE WHEN there THEN 0 ELSE 1 END), 0),"  # noqa: S608
        " coalesce(sum(CASE WHEN there THEN 0 ELSE file_size END), 0),"
        " coalesce(sum(CASE WHEN there THEN 1 ELSE 0 END), 0) FROM ("
        "SELECT f.file_size, EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id AND a.store = ?"
        f" AND a.state = '{ObjectState.PROVEN}') AS there FROM media_files f"
        " WHERE f.cached_at IS NOT NULL AND f.sha256 IS NOT NULL AND f.quarantined_at IS NULL"
        f" AND NOT {DERIVED}{only}) q",
        place,
        *parameters,
    ).one()
    return Wanting(int(files), int(size), int(proven))


@dataclass(frozen=True, slots=True)
class Shares:
    """What of one kind of media is proven in a store, of what the database knows."""

    media_type: str
    files: int
    bytes: int
    archived: int
    archived_bytes: int
    cached_only: int
    failed: int


def shares(tx: Connection, place: str) -> list[Shares]:
    """Known, archived and failed contents by type; `cached_only` are here and not there."""
    rows = bulk.execute(
        tx,
        "SELECT f.media_type, count(*), sum(f.file_size),"  # noqa: S608
        " sum(CASE WHEN a.state = 'proven' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN a.state = 'proven' THEN f.file_size ELSE 0 END),"
        " sum(CASE WHEN f.cached_at IS NOT NULL AND coalesce(a.state, '') <> 'proven' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN a.error_at IS NOT NULL AND a.state <> 'proven' THEN 1 ELSE 0 END)"
        " FROM media_files f LEFT JOIN archive_objects a ON a.file_id = f.file_id AND a.store = ?"
        f" WHERE NOT {DERIVED} GROUP BY f.media_type ORDER BY f.media_type",
        place,
    ).all()
    return [Shares(row[0], *(int(each or 0) for each in row[1:])) for row in rows]
