"""The lists posts stood in: what a later one lacks that should stand there, and the newest of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import known_moment, moment


@dataclass(frozen=True, slots=True)
class Missing:
    """A post that a list lacks though its time says it should stand there.

    `listed_at` is when it stood in a list of this kind last, `missed_at` when one lacked it first.
    """

    post_id: str
    kind: str
    listed_at: datetime
    missed_at: datetime


@dataclass(frozen=True, slots=True)
class Gone:
    """A post of which the platform itself says that it is deleted, removed or private."""

    post_id: str
    presence: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Stood:
    """A post's place in a list."""

    position: int
    post_id: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest list of a kind with its posts, in order.

    It reaches from `oldest_posted_at` to `newest_posted_at`, pinned posts aside.
    """

    listing_id: str
    kind: str
    observed_at: datetime
    complete: bool
    oldest_posted_at: datetime | None
    newest_posted_at: datetime | None
    posts: tuple[Stood, ...]


# The first page reaches up to its own time, the last one down to the very first post.
_SPANS = (
    "n.in_time_order AND (n.complete OR n.oldest_posted_at <= p.posted_at)"
    " AND p.posted_at <= CASE WHEN n.page = 0 THEN n.observed_at ELSE n.newest_posted_at END"
)

_MISSING = f"""
    SELECT s.post_id, s.kind, s.listed_at, min(n.observed_at)
    FROM (
        SELECT t.post_id, l.kind, max(l.observed_at) AS listed_at
        FROM listings l JOIN listing_posts t ON t.listing_id = l.listing_id
        WHERE l.profile_id = ? AND (t.post_id, l.kind) > (?, ?) GROUP BY t.post_id, l.kind
    ) s
    JOIN posts p ON p.post_id = s.post_id
    JOIN listings n ON n.profile_id = ? AND n.kind = s.kind AND n.observed_at > s.listed_at
    WHERE p.presence = 'there' AND p.observed_at < n.observed_at AND n.oldest_posted_at IS NOT NULL AND {_SPANS}
    GROUP BY s.post_id, s.kind, s.listed_at ORDER BY s.post_id, s.kind LIMIT ?"""  # noqa: S608


def missing(tx: Connection, profile_id: str, *, limit: int, after: tuple[str, str] = ("", "")) -> list[Missing]:
    """Posts that stood in a list of this profile and that a later one of the same kind spans and lacks.

    By post_id and kind, after the given ones: a post may be missing from lists of several kinds. One that was
    observed since in any way is not missing, nor one that the platform says is gone.
    """
    found = bulk.execute(tx, _MISSING, profile_id, *after, profile_id, limit).all()
    return [
        Missing(post_id, kind, known_moment(listed), known_moment(missed))
        for post_id, kind, listed, missed in found
    ]


def gone(tx: Connection, *, limit: int, after: str = "") -> list[Gone]:
    """Posts of which the platform says that they are not there, by post_id, after the given one."""
    found = bulk.execute(
        tx,
        "SELECT post_id, presence, presence_at FROM posts WHERE presence <> 'there' AND post_id > ?"
        " ORDER BY post_id LIMIT ?",
        after,
        limit,
    ).all()
    return [Gone(post_id, presence, known_moment(at)) for post_id, presence, at in found]


def owners(tx: Connection, *, limit: int, after: str = "") -> list[str]:
    """The profiles that have lists, by profile_id, after the given one."""
    found = bulk.execute(
        tx,
        "SELECT DISTINCT profile_id FROM listings WHERE profile_id > ? ORDER BY profile_id LIMIT ?",
        after,
        limit,
    ).all()
    return [profile_id for (profile_id,) in found]


def newest(tx: Connection, profile_id: str) -> list[Newest]:
    """The newest list of each kind of a profile; of those observed at one time all, as pages are."""
    rows = bulk.execute(
        tx,
        "SELECT l.listing_id, l.kind, l.observed_at, l.complete, l.oldest_posted_at, l.newest_posted_at"
        " FROM (SELECT kind, max(observed_at) AS observed_at FROM listings WHERE profile_id = ? GROUP BY kind) n"
        " JOIN listings l ON l.profile_id = ? AND l.kind = n.kind AND l.observed_at = n.observed_at"
        " ORDER BY l.kind, l.page, l.listing_id",
        profile_id,
        profile_id,
    ).all()
    stood: dict[str, list[Stood]] = {listing_id: [] for listing_id, *_ in rows}
    for listing_id, position, post_id, pinned in bulk.among(
        tx,
        "SELECT listing_id, position, post_id, pinned FROM listing_posts WHERE listing_id {in}"
        " ORDER BY listing_id, position",
        stood,
    ):
        stood[listing_id].append(Stood(position, post_id, bool(pinned)))
    return [
        Newest(each, kind, known_moment(at), bool(complete), moment(oldest), moment(newest), tuple(stood[each]))
        for each, kind, at, complete, oldest, newest in rows
    ]
