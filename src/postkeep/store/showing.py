"""Which content a medium shows, for what is asked of one medium by its id."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.places import PLACES
from postkeep.store.types import storable


def cached_file_of(tx: Connection, media_id: str) -> str | None:
    """The content in the cache that a media row shows."""
    if media_id[:3] not in PLACES:
        return None
    table, _ = PLACES[media_id[:3]]
    found: str | None = bulk.execute(
        tx,
        f"SELECT f.file_id FROM {table} m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
        " WHERE m.media_id = ? AND f.cached_at IS NOT NULL AND f.sha256 IS NOT NULL",
        media_id,
    ).scalar()
    return found


def file_of(tx: Connection, media_id: str) -> str | None:
    """The content a media row shows, in the cache or not."""
    if media_id[:3] not in PLACES:
        return None
    table, _ = PLACES[media_id[:3]]
    found: str | None = bulk.execute(
        tx,
        f"SELECT file_id FROM {table} WHERE media_id = ?",  # noqa: S608
        media_id,
    ).scalar()
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """The content a media row shows, if any, and the rendition it is to have."""

    file_id: str | None
    rendition: str | None
    rendition_rank: int | None


def shown_by(tx: Connection, media_id: str) -> Shown | None:
    """What a media row shows; None for a row nobody knows."""
    if media_id[:3] not in PLACES or not storable(media_id):
        return None
    table, _ = PLACES[media_id[:3]]
    row = bulk.execute(
        tx,
        f"SELECT file_id, rendition, rendition_rank FROM {table} WHERE media_id = ?",  # noqa: S608
        media_id,
    ).first()
    return Shown(*row) if row is not None else None
