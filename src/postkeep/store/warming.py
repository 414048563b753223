"""Posts that people look at and whose media are not in the cache, the first to be looked at first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk, people
from postkeep.store.bulk import moment
from postkeep.store.spelling import is_one_of
from postkeep.store.types import storable
from postkeep.views import WarmBy, WarmPost

_TRIED = " LEFT JOIN work w ON w.stage = 'fetch' AND w.subject = m.media_id"
_TRIABLE = (
    "m.absent_since IS NULL AND (m.expires_at IS NULL OR m.expires_at > ?) AND (w.due_at IS NULL OR w.due_at <= ?)"
)
_WAITING = "m.download_state IN ('pending', 'retry')"
# A file that was here and whose last try was final has no work, and is left alone.
_LEFT = (
    "m.download_state = 'fetched' AND f.cached_at IS NULL"
    " AND coalesce(f.evicted_because, '') NOT LIKE 'retention%'"
    " AND (m.error_kind IS NULL OR m.error_kind = 'changed' OR w.subject IS NOT NULL)"
)
# What a try may bring now, as two lists: each is as long as there is something missing, where one condition with
# OR would go through all media.
_MISSING = (
    f"SELECT m.post_id FROM post_media m{_TRIED} WHERE {_WAITING} AND {_TRIABLE}"  # noqa: S608
    f" UNION ALL SELECT m.post_id FROM media_files f JOIN post_media m ON m.file_id = f.file_id{_TRIED}"
    f" WHERE {_LEFT} AND {_TRIABLE}"
)
# Views are another thing than being moved to act, and numbers of a reposted original are not the post's own.
_ENGAGEMENT = (
    "CASE WHEN d.download_id IS NULL OR d.of_original"
    " OR (d.total_reactions IS NULL AND d.comments IS NULL AND d.reposts IS NULL) THEN -1"
    " ELSE CAST(coalesce(d.total_reactions, 0) AS BIGINT) + coalesce(d.comments, 0) + coalesce(d.reposts, 0) END"
)
_ORDERS = {
    WarmBy.ENGAGEMENT: "engagement DESC, p.posted_at_timestamp DESC, p.post_id DESC",
    WarmBy.RECENCY: "p.posted_at_timestamp DESC, p.post_id DESC",
}


def posts(tx: Connection, now: datetime, *, by: WarmBy, author: str | None, limit: int) -> list[WarmPost]:
    """The first posts with media that are not in the cache and can be had; `items` counts those media.

    Engagement is reactions, comments and reposts of the latest observation; posts without known numbers are last.
    """
    if not storable(author or ""):
        return []
    names = [] if author is None else people.spellings(tx, author)
    rows = bulk.execute(
        tx,
        f"SELECT p.post_id, p.post_type, p.posted_at, {_ENGAGEMENT} AS engagement, missing.items FROM"  # noqa: S608
        f" (SELECT post_id, count(*) AS items FROM ({_MISSING}) places GROUP BY post_id) missing"
        " JOIN posts p ON p.post_id = missing.post_id"
        " LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
        f"{' WHERE ' + is_one_of('p.author_username', names) if names else ''} ORDER BY {_ORDERS[by]} LIMIT ?",
        *(now,) * 4,
        *names,
        limit,
    ).all()
    return [
        WarmPost(
            post_id=post_id,
            kind=kind or "",
            items=int(items),
            posted_at=moment(at),  # type: ignore[arg-type]
            engagement=None if engagement < 0 else int(engagement),
        )
        for post_id, kind, at, engagement, items in rows
    ]


def media(tx: Connection, post_ids: Iterable[str], now: datetime) -> list[tuple[str, str]]:
    """The media of these posts that are not in the cache and can be had: (media_id, url)."""
    rows = bulk.among(
        tx,
        "SELECT m.media_id, m.media_url FROM post_media m LEFT JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
        f"{_TRIED} WHERE m.post_id {{in}} AND {_TRIABLE} AND ({_WAITING} OR {_LEFT})",
        post_ids,
        now,
        now,
    )
    return [(media_id, url) for media_id, url in rows]


def author_known(tx: Connection, username: str) -> bool:
    """Whether any post is by this username, in whatever case."""
    if not storable(username):
        return False
    names = people.spellings(tx, username)
    statement = f"SELECT 1 FROM posts WHERE {is_one_of('author_username', names)} LIMIT 1"  # noqa: S608
    return bulk.execute(tx, statement, *names).first() is not None
