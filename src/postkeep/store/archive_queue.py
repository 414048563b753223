"""What archiving by itself asks: which contents are new to a store, and whether somebody archives already."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from postkeep.model import ObjectState
from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.renditions import DERIVED
from postkeep.store.runs import is_gone

_WANTING = (
    "f.cached_at IS NOT NULL AND f.sha256 IS NOT NULL AND f.quarantined_at IS NULL"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id AND a.store = ?"
    f" AND a.state = '{ObjectState.PROVEN}') AND NOT {DERIVED}"
)


def new_files(tx: Connection, place: str, *, limit: int) -> list[str]:
    """Contents of the cache that a store was not proven to hold and that are not queued for it.

    What failed for good stays away until it comes into the cache again; that a store was away is no such reason.
    """
    rows = bulk.execute(
        tx,
        f"SELECT f.file_id FROM media_files f WHERE {_WANTING}"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM work w WHERE w.stage = 'archive' AND w.subject = f.file_id AND w.host = ?)"
        " AND NOT EXISTS (SELECT 1 FROM archive_objects t WHERE t.file_id = f.file_id AND t.store = ?"
        " AND t.error_kind <> 'unavailable' AND t.error_at >= f.cached_at) LIMIT ?",
        place,
        place,
        place,
        limit,
    )
    return [file_id for (file_id,) in rows]


def files_of_run(tx: Connection, place: str, run_id: str) -> list[str]:
    """Contents of the cache that the posts of a run and their authors show, and a store was not proven to hold."""
    rows = bulk.execute(
        tx,
        "WITH shown AS ("  # noqa: S608
        "SELECT m.file_id FROM run_posts r JOIN post_media m ON m.post_id = r.post_id WHERE r.run_id = ?"
        " UNION SELECT m.file_id FROM run_posts r JOIN posts p ON p.post_id = r.post_id"
        " JOIN profile_media m ON m.profile_id = p.author_profile_id WHERE r.run_id = ?)"
        f" SELECT f.file_id FROM shown JOIN media_files f ON f.file_id = shown.file_id WHERE {_WANTING}",
        run_id,
        run_id,
        place,
    )
    return [file_id for (file_id,) in rows]


def holder(tx: Connection, lease: str, now: datetime) -> str | None:
    """Which living process has a lease."""
    row = bulk.execute(tx, "SELECT owner, heartbeat_at FROM leases WHERE name = ?", lease).first()
    if row is None or is_gone(row[0], moment(row[1]), now):
        return None
    owner: str = row[0]
    return owner
