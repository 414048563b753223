"""Which places of posts and profiles, named as the platform names them, still want their bytes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from postkeep.store import bulk

Key = tuple[str, str, str, int]
"""The owner's id on its platform, the role, the media key and the occurrence."""

_PLACES = (("post_media", "posts", "post_id"), ("profile_media", "profiles", "profile_id"))


def wanting(tx: Connection, platform: str, native_ids: Iterable[str]) -> dict[Key, str]:
    """The media rows (their ids) of these posts and profiles whose bytes never came, or are queued to come again.

    What made room is not among them: nobody asked for it.
    """
    wanted = set(native_ids)
    found: dict[Key, str] = {}
    for table, parent, owner in _PLACES:
        for native_id, role, key, occurrence, media_id in bulk.among(
            tx,
            "SELECT o.native_id, m.role, m.media_key, m.occurrence, m.media_id"  # noqa: S608
            f" FROM {parent} o JOIN {table} m ON m.{owner} = o.{owner}"
            " LEFT JOIN media_files f ON f.file_id = m.file_id"
            " LEFT JOIN work w ON w.stage = 'fetch' AND w.subject = m.media_id"
            " WHERE o.native_id {in} AND o.platform = ?"
            " AND (m.file_id IS NULL OR (f.cached_at IS NULL AND w.subject IS NOT NULL))",
            wanted,
            platform,
        ):
            found[native_id, role, key, occurrence] = media_id
    return found
