"""What the calls of collectors ask and write beside the ingest: whose posts, follower counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import PostFormat
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.creator_posts import FollowerCount

_CREATOR = "SELECT profile_id, platform, kind, native_id, username FROM profiles"


@dataclass(frozen=True, slots=True)
class Creator:
    """What names a profile."""

    profile_id: str
    platform: str
    kind: str
    native_id: str | None
    username: str | None


def creator(tx: Connection, profile_id: str) -> Creator | None:
    row = bulk.execute(tx, f"{_CREATOR} WHERE profile_id = ?", profile_id).first()
    return None if row is None else Creator(*row)


def creator_of_number(tx: Connection, platform: str, native_id: str) -> Creator | None:
    row = bulk.execute(tx, f"{_CREATOR} WHERE native_id = ? AND platform = ?", native_id, platform).first()
    return None if row is None else Creator(*row)


def outcomes(tx: Connection, run_id: str) -> dict[str, int]:
    """How many posts a run saw, by what became of them."""
    rows = bulk.execute(tx, "SELECT outcome, count(*) FROM run_posts WHERE run_id = ? GROUP BY outcome", run_id)
    return {outcome: int(count) for outcome, count in rows.all()}


def content_counts(tx: Connection, profile_id: str) -> tuple[int, int]:
    """How many reels and how many other posts are stored that are a profile's own or stood in its lists."""
    reels, posts = bulk.execute(
        tx,
        "SELECT coalesce(sum(CASE WHEN p.post_format = ? THEN 1 ELSE 0 END), 0), count(*) FROM ("
        "SELECT post_id FROM posts WHERE author_profile_id = ?"
        " UNION SELECT post_id FROM post_seen_via WHERE profile_id = ?"
        ") own JOIN posts p ON p.post_id = own.post_id",
        str(PostFormat.REEL),
        profile_id,
        profile_id,
    ).one()
    return int(reels), int(posts) - int(reels)


# --- follower counts ------------------------------------------------------------------------------------------

_COUNTED = "SELECT observed_at, followers_count, following_count, media_count FROM follower_history"


def counts_since(tx: Connection, profile_id: str, since: datetime) -> list[FollowerCount]:
    """The known follower counts of a profile since then, oldest first."""
    rows = bulk.execute(
        tx,
        f"{_COUNTED} WHERE profile_id = ? AND observed_at >= ? AND followers_count IS NOT NULL"
        " ORDER BY observed_at",
        profile_id,
        since,
    )
    return [_counted(row) for row in rows.all()]


def newest_count(
    tx: Connection, profile_id: str, *, until: datetime | None = None, other_than: int = -1
) -> FollowerCount | None:
    """The newest known follower count, or the newest observed until then, or the newest that was another one."""
    limit, more = ("", ()) if until is None else (" AND observed_at <= ?", (until,))
    row = bulk.execute(
        tx,
        f"{_COUNTED} WHERE profile_id = ? AND followers_count <> ?{limit} ORDER BY observed_at DESC LIMIT 1",
        profile_id,
        other_than,
        *more,
    ).first()
    return None if row is None else _counted(row)


def keep_count(
    tx: Connection,
    profile_id: str,
    count: FollowerCount,
    *,
    hour: datetime,
    end: datetime,
    history_id: str,
    now: datetime,
) -> None:
    """Write a count that no record tells, one row in the hour from `hour` to `end`.

    The hour's row is brought up to date, what it alone knows stays; one that a record tells stays as it is. The
    caller has locked the profile.
    """
    rows = bulk.execute(
        tx,
        "SELECT history_id, observed_at, record_sha256 FROM follower_history"
        " WHERE profile_id = ? AND observed_at >= ? AND observed_at < ? ORDER BY observed_at DESC",
        profile_id,
        hour,
        end,
    ).all()
    counts = (count.followers, count.following, count.posts)
    if not rows:
        bulk.insert(
            tx,
            schema.follower_history,
            (
                *("history_id", "profile_id", "observed_at", "observed_source"),
                *("followers_count", "following_count", "media_count", "created_at"),
            ),
            [(history_id, profile_id, count.observed_at, "collector", *counts, now)],
        )
    elif all(sha256 is None for _, _, sha256 in rows) and moment(rows[0][1]) <= count.observed_at:  # type: ignore[operator]
        bulk.execute(
            tx,
            "UPDATE follower_history SET observed_at = ?, followers_count = ?,"
            " following_count = coalesce(?, following_count), media_count = coalesce(?, media_count)"
            " WHERE history_id = ?",
            count.observed_at,
            *counts,
            rows[0][0],
        )


def _counted(row: Any) -> FollowerCount:
    at, *counts = row
    return FollowerCount(moment(at), *counts)  # type: ignore[arg-type]
