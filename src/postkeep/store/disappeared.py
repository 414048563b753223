"""Posts that are gone in one way or another, as people read them, and those whose media only we could not get."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.spelling import fold, folded


@dataclass(frozen=True, slots=True)
class Line:
    post_id: str
    platform: str
    native_id: str
    author: str | None
    posted_at: datetime
    text: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A post some of whose media only we could not get; `since` is when that was tried last."""

    post_id: str
    media: int
    since: datetime | None


def lines(tx: Connection, post_ids: Iterable[str], *, platform: str | None, author: str | None) -> dict[str, Line]:
    """These posts, but for those of other platforms and authors (usernames) where they are given."""
    by = folded(tx, "author_username")
    rows = bulk.among(
        tx,
        "SELECT post_id, platform, native_id, author_username, posted_at, text_content FROM posts"  # noqa: S608
        f" WHERE post_id {{in}} AND (? = '' OR platform = ?) AND (? = '' OR {by} = ?)",
        post_ids,
        platform or "",
        platform or "",
        author or "",
        fold(author or ""),
    )
    return {
        row[0]: Line(row[0], row[1], row[2], row[3], moment(row[4]), row[5])  # type: ignore[arg-type]
        for row in rows
    }


def failed(tx: Connection, *, limit: int, after: str = "") -> list[Failed]:
    """Posts by id, after the given one, with how many of their media we failed to get."""
    rows = bulk.execute(
        tx,
        "SELECT post_id, count(*), max(error_at) FROM post_media WHERE"
        " download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')"
        " AND download_state IN ('retry', 'failed', 'refused', 'unsupported') AND absent_since IS NULL"
        " AND post_id > ? GROUP BY post_id ORDER BY post_id LIMIT ?",
        after,
        limit,
    ).all()
    return [Failed(post_id, int(media), moment(since)) for post_id, media, since in rows]
