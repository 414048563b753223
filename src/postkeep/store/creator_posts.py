"""What the figures of a profile are made of: its posts with their newest counts, its lists, its followers.

A row holds what analytics asks for and nothing else; who is asked again and again is found by an index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from postkeep.model import Presence
from postkeep.store import bulk
from postkeep.store.bulk import known_moment, moment

PAGE: Final = 5000
"""How many posts are asked for at once."""


@dataclass(frozen=True, slots=True)
class CreatorRow:
    """A profile as its page begins; `followers_at` is when its newest known follower count was observed."""

    profile_id: str
    platform: str
    kind: str
    username: str | None
    name: str
    url: str | None
    is_active: bool
    is_private: bool | None
    followers: int | None
    followers_at: datetime | None
    account_at: datetime | None


@dataclass(frozen=True, slots=True)
class PostCounts:
    """A post and its newest counts, unknown ones None; `own` is False for one the profile only made together.

    Numbers of a bare repost are the original's: they are not here. `detail` is the JSON of all counts by the
    platform's names, `flags` that of what the platform marks a post with.
    """

    post_id: str
    native_id: str
    form: str | None
    posted_at: datetime
    url: str | None
    text: str | None
    tells_text: bool
    observed_at: datetime | None
    reactions: int | None
    comments: int | None
    reposts: int | None
    views: int | None
    likes: int | None
    saves: int | None
    shares: int | None
    hidden: bool
    detail: str | None
    own: bool
    presence: str = str(Presence.THERE)
    flags: str | None = None
    author: str | None = None
    author_id: str | None = None


@dataclass(frozen=True, slots=True)
class ListWindow:
    """The newest list of a kind that stands in time order; `oldest_posted_at` is None for one of pinned posts.

    `posts` are its native ids, `pinned` those of them that stand out of order.
    """

    kind: str
    observed_at: datetime
    complete: bool
    oldest_posted_at: datetime | None
    posts: frozenset[str]
    pinned: frozenset[str]


@dataclass(frozen=True, slots=True)
class FollowerCount:
    """A follower count at one time, with what was counted beside it."""

    observed_at: datetime
    followers: int
    following: int | None
    posts: int | None


_PROFILE = (
    "SELECT profile_id, platform, kind, username, name, profile_url, is_active, is_private, followers_count,"
    " account_observed_at FROM profiles WHERE profile_id = ?"
)
_NEWEST_COUNT = (
    "SELECT observed_at, followers_count FROM follower_history"
    " WHERE profile_id = ? AND followers_count IS NOT NULL ORDER BY observed_at DESC LIMIT 1"
)


def creator(tx: Connection, profile_id: str) -> CreatorRow:
    """A profile that is known to be there, with its newest follower count."""
    row = bulk.execute(tx, _PROFILE, profile_id).one()
    counted = bulk.execute(tx, _NEWEST_COUNT, profile_id).first()
    private = None if row[7] is None else bool(row[7])
    at, followers = (moment(counted[0]), counted[1]) if counted else (None, row[8])
    return CreatorRow(*row[:6], bool(row[6]), private, followers, at, moment(row[9]))  # type: ignore[call-arg]


_COUNTS = "d.total_reactions, d.comments, d.reposts, d.views, d.likes, d.saves, d.shares"
_FIELDS = (
    "p.post_id, p.native_id, p.post_format, p.posted_at, p.url, p.text_content, p.text_last_seen_at,"
    " p.presence, p.flags, p.author_username, p.author_profile_id,"
    f" d.observed_at, d.of_original, d.counts_hidden, d.stats_json, {_COUNTS}"
)
_LATEST = " LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
_OWN = (
    f"SELECT {_FIELDS} FROM posts p{_LATEST}"  # noqa: S608
    " WHERE p.author_profile_id = ? AND p.post_id > ? ORDER BY p.post_id LIMIT ?"
)
_INSIDE = (
    f"SELECT {_FIELDS} FROM posts p{_LATEST}"  # noqa: S608
    " WHERE p.community_profile_id = ? AND p.post_id > ? ORDER BY p.post_id LIMIT ?"
)
_TOGETHER = (
    f"SELECT {_FIELDS} FROM (SELECT DISTINCT post_id FROM post_people"  # noqa: S608
    " WHERE profile_id = ? AND role = 'coauthor' AND post_id > ? ORDER BY post_id LIMIT ?) t"
    f" JOIN posts p ON p.post_id = t.post_id{_LATEST}"
    " WHERE p.author_profile_id IS NULL OR p.author_profile_id <> ? ORDER BY p.post_id"
)
_BOUND = (
    "SELECT max(post_id) FROM (SELECT DISTINCT post_id FROM post_people"
    " WHERE profile_id = ? AND role = 'coauthor' AND post_id > ? ORDER BY post_id LIMIT ?) t"
)


def posts_of(tx: Connection, profile_id: str, *, page: int = PAGE) -> Iterator[PostCounts]:
    """A profile's own posts by post_id, then those it made together with others; `page` are read at a time."""
    yield from _paged(tx, _OWN, profile_id, page)
    last = ""
    while bound := bulk.execute(tx, _BOUND, profile_id, last, page).scalar():
        rows = bulk.execute(tx, _TOGETHER, profile_id, last, page, profile_id).all()
        yield from _completed(tx, [_post(row, own=False) for row in rows])
        last = bound


def posts_in(tx: Connection, profile_id: str, *, page: int = PAGE) -> Iterator[PostCounts]:
    """The posts that stand in a community by post_id, whoever wrote them; `page` are read at a time."""
    return _paged(tx, _INSIDE, profile_id, page)


def _paged(tx: Connection, statement: str, profile_id: str, page: int) -> Iterator[PostCounts]:
    last = ""
    while rows := bulk.execute(tx, statement, profile_id, last, page).all():
        last = rows[-1][0]
        yield from _completed(tx, [_post(row, own=True) for row in rows])


_REEL: Final = "reel"
_ONE_LOOK: Final = timedelta(days=1)
FILLED: Final = ("views", "likes", "comments", "saves", "shares")
"""The counts of a reel that are taken from another list of one look, where its own does not tell them."""
_EARLIER = (
    "SELECT post_id, observed_at, stats_json, views, likes, comments, saves, shares FROM data_downloads"
    " WHERE post_id {in} AND NOT of_original AND NOT counts_hidden ORDER BY post_id, observed_at DESC"
)


@dataclass(frozen=True, slots=True)
class EarlierCounts:
    """What one observation of a post told: counts by name, unknown ones None."""

    observed_at: datetime
    detail: str | None
    counts: Mapping[str, int | None]


def earlier_counts(tx: Connection, post_ids: Collection[str]) -> dict[str, list[EarlierCounts]]:
    """What was observed of these posts, the newest first."""
    found: dict[str, list[EarlierCounts]] = {}
    for post_id, at, detail, *counts in bulk.among(tx, _EARLIER, sorted(post_ids)):
        known = dict(zip(FILLED, counts, strict=True))
        found.setdefault(post_id, []).append(EarlierCounts(known_moment(at), detail, known))
    return found


def of_one_look(latest: datetime | None, newest_first: Iterable[EarlierCounts]) -> Iterator[EarlierCounts]:
    """Those observations that are older than the latest, by a day at most.

    The lists of an account are asked for one after the other, and each tells other counts: a feed does not say how
    often a reel was played.
    """
    for each in newest_first:
        if latest is not None and latest - _ONE_LOOK <= each.observed_at < latest:
            yield each


def _completed(tx: Connection, posts: list[PostCounts]) -> Iterator[PostCounts]:
    """The posts, reels with what their newest observation does not tell from others of one look."""
    earlier = earlier_counts(tx, {each.post_id for each in posts if _lacks(each)})
    for each in posts:
        yield _filled(each, earlier.get(each.post_id, ()))


def _lacks(post: PostCounts) -> bool:
    return post.form == _REEL and not post.hidden and any(getattr(post, name) is None for name in FILLED)


def _filled(post: PostCounts, newest_first: Iterable[EarlierCounts]) -> PostCounts:
    for each in of_one_look(post.observed_at, newest_first):
        found: dict[str, Any] = {name: value for name, value in each.counts.items() if getattr(post, name) is None}
        post = replace(post, **found, detail=each.detail if found.get("views") is not None else post.detail)
    return post


def _post(row: Sequence[Any], *, own: bool) -> PostCounts:
    post_id, native_id, form, posted_at, url, text, told_at = row[:7]
    observed_at, of_original, hidden, detail, *counts = row[11:]
    if of_original:
        detail, counts = None, [None] * len(counts)
    return PostCounts(  # type: ignore[call-arg]
        post_id,
        native_id,
        form,
        known_moment(posted_at),
        url,
        text,
        told_at is not None,
        moment(observed_at),
        *counts,
        bool(hidden),
        detail,
        own,
        *row[7:11],
    )


_WINDOWS = (
    "SELECT l.listing_id, l.kind, l.observed_at, l.complete, l.oldest_posted_at"
    " FROM (SELECT kind, max(observed_at) AS observed_at FROM listings"
    " WHERE profile_id = ? AND in_time_order GROUP BY kind) n"
    " JOIN listings l ON l.profile_id = ? AND l.kind = n.kind AND l.observed_at = n.observed_at"
    " WHERE l.in_time_order ORDER BY l.kind, l.listing_id"
)
_STOOD = (
    "SELECT t.listing_id, p.native_id, t.pinned FROM listing_posts t JOIN posts p ON p.post_id = t.post_id"
    " WHERE t.listing_id {in}"
)


def windows(tx: Connection, profile_id: str) -> list[ListWindow]:
    """The newest list of each kind that is sorted by time, its pages as one."""
    pages: dict[str, list[Sequence[Any]]] = {}
    for row in bulk.execute(tx, _WINDOWS, profile_id, profile_id).all():
        pages.setdefault(row[1], []).append(row)
    stood = bulk.among(tx, _STOOD, [row[0] for rows in pages.values() for row in rows])
    found = []
    for kind, rows in pages.items():
        ids = {row[0] for row in rows}
        here = [(native_id, pinned) for listing_id, native_id, pinned in stood if listing_id in ids]
        found.append(
            ListWindow(
                kind,
                known_moment(rows[0][2]),
                any(row[3] for row in rows),
                min((known_moment(row[4]) for row in rows if row[4] is not None), default=None),
                frozenset(native_id for native_id, _ in here),
                frozenset(native_id for native_id, pinned in here if pinned),
            )
        )
    return found


def history(tx: Connection, profile_id: str) -> list[FollowerCount]:
    """The follower counts of a profile, oldest first."""
    rows = bulk.execute(
        tx,
        "SELECT observed_at, followers_count, following_count, media_count FROM follower_history"
        " WHERE profile_id = ? AND followers_count IS NOT NULL ORDER BY observed_at",
        profile_id,
    ).all()
    return [FollowerCount(known_moment(at), *counts) for at, *counts in rows]


def histories(tx: Connection, profile_ids: Sequence[str]) -> dict[str, list[tuple[datetime, int]]]:
    """The follower counts of these profiles, oldest first."""
    found: dict[str, list[tuple[datetime, int]]] = {}
    for profile_id, at, followers in bulk.among(
        tx,
        "SELECT profile_id, observed_at, followers_count FROM follower_history"
        " WHERE profile_id {in} AND followers_count IS NOT NULL ORDER BY profile_id, observed_at",
        profile_ids,
    ):
        found.setdefault(profile_id, []).append((known_moment(at), followers))
    return found


_PICTURES = (
    "SELECT m.post_id, f.file_id FROM post_media m JOIN media_files f ON f.file_id = m.file_id"
    " WHERE m.post_id {in} AND m.role IN ('own', 'cover', 'thumbnail') AND f.cached_at IS NOT NULL"
    " AND f.mime_type IN ('image/jpeg', 'image/png', 'image/webp', 'image/gif') AND f.file_size <= ?"
    " ORDER BY m.post_id, CASE m.role WHEN 'thumbnail' THEN 0 WHEN 'cover' THEN 1 ELSE 2 END,"
    " m.position, m.media_id"
)


def pictures_of(tx: Connection, post_ids: Sequence[str], *, most_bytes: int) -> dict[str, list[str]]:
    """The file_ids of pictures in the cache that show these posts, the best to show first, none larger."""
    found: dict[str, list[str]] = {}
    for post_id, file_id in bulk.among(tx, _PICTURES, post_ids, most_bytes):
        found.setdefault(post_id, []).append(file_id)
    return found


_AVATARS = (
    "SELECT f.file_id FROM profile_media m JOIN media_files f ON f.file_id = m.file_id"
    " WHERE m.profile_id = ? AND m.role = 'avatar' AND m.absent_since IS NULL AND f.cached_at IS NOT NULL"
    " AND f.mime_type IN ('image/jpeg', 'image/png', 'image/webp', 'image/gif') AND f.file_size <= ?"
    " ORDER BY m.observed_at DESC, m.media_id"
)


def avatars_of(tx: Connection, profile_id: str, *, most_bytes: int) -> list[str]:
    """The file_ids of a profile's avatars of now that are in the cache, the one seen last first, none larger."""
    return list(bulk.execute(tx, _AVATARS, profile_id, most_bytes).scalars())
