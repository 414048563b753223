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
class By:
    """Whose posts are wanted: all that is given must fit. `author_id` wrote them, in `community_id` they stand."""

    platform: str | None = None
    username: str | None = None
    author_id: str | None = None
    community_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A post some of whose media only we could not get; `since` is when that was tried last."""

    post_id: str
    media: int
    since: datetime | None


def lines(tx: Connection, post_ids: Iterable[str], by: By) -> dict[str, Line]:
    """These posts, but for those of others."""
    conditions = {
        "platform = ?": by.platform,
        f"{folded(tx, 'author_username')} = ?": fold(by.username) if by.username is not None else None,
        "author_profile_id = ?": by.author_id,
        "community_profile_id = ?": by.community_id,
    }
    wanted = {condition: value for condition, value in conditions.items() if value is not None}
    rows = bulk.among(
        tx,
        "SELECT post_id, platform, native_id, author_username, posted_at, text_content FROM posts"  # noqa: S608
        f" WHERE {' AND '.join(['post_id {in}', *wanted])}",
        post_ids,
        *wanted.values(),
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
