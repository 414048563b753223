"""Where media are shown: the tables of places and their common states, whoever fills them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.model import MediaState
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment

PLACES = {"med": ("post_media", "post_id"), "pfm": ("profile_media", "profile_id")}
"""The table and owner column of a media id's prefix."""

# Word for word the condition of the indexes: SQLite takes them for no other.
LOST = "download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')"
"""What is true of the few places whose bytes are not to be had."""

UNREAD_PLATFORM = "no_parser"
"""The error kind of media whose platform no part of postkeep reads: nothing queues them."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a media row's bytes are to be had."""

    media_id: str
    url: str
    expires_at: datetime | None


def in_state(tx: Connection, prefix: str, state: MediaState, *, after: str, limit: int) -> list[Link]:
    """Media of one kind of place (a key of PLACES) that are LOST in this state, by id, after the given one."""
    table, _ = PLACES[prefix]
    rows = bulk.execute(
        tx,
        f"SELECT media_id, media_url, expires_at FROM {table} WHERE {LOST}"  # noqa: S608
        " AND download_state = ? AND media_id > ? ORDER BY media_id LIMIT ?",
        str(state),
        after,
        limit,
    ).all()
    return [Link(media_id, url, moment(expires)) for media_id, url, expires in rows]


def start_again(tx: Connection, media_ids: Sequence[str], now: datetime) -> None:
    """Put media back to `pending` and forget their errors; the caller queues their work."""
    for prefix, (table, _) in PLACES.items():
        bulk.update(
            tx,
            schema.metadata.tables[table],
            ("download_state", "error_kind", "error_message", "error_at", "updated_at"),
            [(MediaState.PENDING, None, None, None, now, each) for each in media_ids if each.startswith(prefix)],
            key=["media_id"],
        )
