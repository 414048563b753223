"""What the figures of many profiles are made of, as columns: a row a post would cost more than computing them.

The same posts and counts as creator_posts.py gives, post by post, for one profile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import known_moment, moment
from postkeep.store.creator_posts import FILLED, EarlierCounts, of_one_look

PAGE: Final = 5000
"""How many posts are held as rows at once."""

COUNTS: Final = ("reactions", "comments", "reposts", "views", "likes", "saves", "shares")


@dataclass(frozen=True, slots=True)
class PostColumns:
    """Posts of several profiles, a list a column, all of one length; what PostCounts says of them holds here.

    `at` is when a post came, in microseconds since 1970; `texts` are those of posts that are no reels, `details`
    those of reels whose views are known.
    """

    profile_ids: list[str]
    native_ids: list[str]
    forms: list[str | None]
    at: list[int]
    texts: list[str | None]
    tells_text: list[bool]
    observed: list[Any]
    hidden: list[bool]
    details: list[str | None]
    counts: dict[str, list[int | None]]
    own: bool

    def newest_observations(self) -> dict[str, datetime]:
        """When a post of each profile was observed last."""
        newest: dict[str, Any] = {}
        for profile_id, at in zip(self.profile_ids, self.observed, strict=True):
            if at is not None and (profile_id not in newest or at > newest[profile_id]):
                newest[profile_id] = at
        return {profile_id: known_moment(at) for profile_id, at in newest.items()}


# Without its fraction, for that the function would round.
_AT: Final = {
    "sqlite": "CAST(strftime('%s', substr(p.posted_at, 1, 19)) AS INTEGER) * 1000000"
    " + CAST(substr(p.posted_at, 21, 6) AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM p.posted_at) * 1000000 AS bigint)",
}
_COUNTS = ", ".join(
    f"CASE WHEN NOT d.of_original THEN d.{name} END"
    for name in ("total_reactions", *(name for name in COUNTS if name != "reactions"))
)
_FIELDS = (
    "p.post_id, p.native_id, p.post_format, {at},"
    " CASE WHEN p.post_format = 'reel' THEN NULL ELSE p.text_content END, p.text_last_seen_at IS NOT NULL,"
    " d.observed_at, coalesce(d.counts_hidden, false),"
    " CASE WHEN p.post_format = 'reel' AND d.views IS NOT NULL AND NOT d.of_original THEN d.stats_json END,"
    f" {_COUNTS}"
)
_LATEST = " LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
_OWN = f"SELECT p.author_profile_id, {_FIELDS} FROM posts p{_LATEST} WHERE p.author_profile_id {{in}}"  # noqa: S608
_TOGETHER = (
    f"SELECT t.profile_id, {_FIELDS} FROM (SELECT DISTINCT profile_id, post_id FROM post_people"  # noqa: S608
    " WHERE profile_id {in} AND role = 'coauthor') t"
    f" JOIN posts p ON p.post_id = t.post_id{_LATEST}"
    " WHERE p.author_profile_id IS NULL OR p.author_profile_id <> t.profile_id"
)


def how_many(tx: Connection, profile_ids: Collection[str]) -> dict[str, int]:
    """How many own posts each of these profiles has that has any."""
    statement = (
        "SELECT author_profile_id, count(*) FROM posts WHERE author_profile_id {in} GROUP BY author_profile_id"
    )
    return {profile_id: number for (profile_id, number) in bulk.among(tx, statement, profile_ids)}  # noqa: C416


def columns_of(tx: Connection, profile_ids: Collection[str], *, page: int = PAGE) -> Iterator[PostColumns]:
    """The posts of these profiles, their own first, then those made together with others, in no order."""
    for statement, own in ((_OWN, True), (_TOGETHER, False)):
        text = statement.replace("{at}", _AT[tx.dialect.name])
        for rows in bulk.pages_among(tx, text, profile_ids, size=page):
            post_ids, columns = _columns(rows, own=own)
            _complete(tx, post_ids, columns)
            yield columns


def _columns(rows: Any, *, own: bool) -> tuple[list[str], PostColumns]:
    profile_ids, post_ids, native_ids, forms, at, texts, tells, observed, hidden, details, *counts = map(
        list, zip(*rows, strict=True)
    )
    named = dict(zip(COUNTS, counts, strict=True))
    facts = (texts, list(map(bool, tells)), observed, list(map(bool, hidden)), details)
    return post_ids, PostColumns(profile_ids, native_ids, forms, at, *facts, named, own)


# --- what another list told at about the same time ----------------------------------------------------------

# Of a reel only what was told earlier and is not told now, which is little: most is never told at all.
_EARLIER = (
    "SELECT e.post_id, e.observed_at, e.stats_json, e.views, e.likes, e.comments, e.saves, e.shares"  # noqa: S608
    " FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id"
    " JOIN data_downloads e ON e.post_id = p.post_id"
    " WHERE p.post_id {in} AND e.observed_at < d.observed_at AND NOT e.of_original AND NOT e.counts_hidden AND ("
    + " OR ".join(f"(e.{name} IS NOT NULL AND (d.{name} IS NULL OR d.of_original))" for name in FILLED)
    + ") ORDER BY e.post_id, e.observed_at DESC"
)


def _complete(tx: Connection, post_ids: list[str], columns: PostColumns) -> None:
    """Give reels what their newest observation does not tell from others of one look."""
    lacking = {post_ids[place]: place for place in _lacking(columns)}
    earlier: dict[str, list[EarlierCounts]] = {}
    for post_id, at, detail, *counts in bulk.among(tx, _EARLIER, lacking):
        known = dict(zip(FILLED, counts, strict=True))
        earlier.setdefault(post_id, []).append(EarlierCounts(known_moment(at), detail, known))
    for post_id, newest_first in earlier.items():
        place = lacking[post_id]
        for each in of_one_look(moment(columns.observed[place]), newest_first):
            _fill(columns, place, each)


def _lacking(columns: PostColumns) -> Iterator[int]:
    told = zip(*(columns.counts[name] for name in FILLED), strict=True)
    for place, (form, hidden, counts) in enumerate(zip(columns.forms, columns.hidden, told, strict=True)):
        if form == "reel" and not hidden and None in counts:
            yield place


def _fill(columns: PostColumns, place: int, earlier: EarlierCounts) -> None:
    for name, value in earlier.counts.items():
        if columns.counts[name][place] is None and value is not None:
            columns.counts[name][place] = value
            if name == "views":
                columns.details[place] = earlier.detail
