"""Posts with the few numbers by which they are ranked, all of them a page at a time, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.creator_posts import EarlierCounts, earlier_counts, of_one_look
from postkeep.views.creators import TopPost

_PAGE: Final = 5000


@dataclass(frozen=True, slots=True)
class Ranked:
    """A post's newest counts, unknown and hidden ones None; `likes` are reactions where there are no likes.

    `stamp` is when it was posted, in milliseconds of Unix time.
    """

    post_id: str
    platform: str
    native_id: str
    form: str | None
    stamp: int
    posted_at: datetime
    profile_id: str | None
    author: str | None
    observed_at: datetime | None
    likes: int | None
    comments: int | None
    views: int | None
    hidden: bool


_SELECT = (
    "SELECT p.post_id, p.platform, p.native_id, p.post_format, p.posted_at_timestamp, p.posted_at,"
    " p.author_profile_id, p.author_username, d.observed_at,"
    " CASE WHEN d.counts_hidden THEN NULL ELSE coalesce(d.likes, d.total_reactions) END, d.comments,"
    " CASE WHEN d.counts_hidden THEN NULL ELSE d.views END,"
    " coalesce(d.counts_hidden, FALSE)"
    " FROM posts p LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id AND NOT d.of_original"
)


def pages(
    tx: Connection,
    *,
    since: datetime | None,
    profile_id: str | None,
    platform: str | None,
    inside: bool = False,
    page: int = _PAGE,
) -> Iterator[list[Ranked]]:
    """Every post of a profile, or of a platform or all from a time on, in pages; of what order nobody may ask.

    With `inside` the profile is a community: its posts are those that stand in it.
    """
    start = -(2**63) if since is None else int(since.timestamp() * 1000)
    last: tuple[Any, ...] = (start, "")
    while True:
        if profile_id is not None:
            whose = "community_profile_id" if inside else "author_profile_id"
            where, values = f"p.{whose} = ? AND p.post_id > ?", [profile_id, last[1]]
            order = "p.post_id"
        else:
            where, values = "(p.posted_at_timestamp, p.post_id) > (?, ?)", [*last]
            order = "p.posted_at_timestamp, p.post_id"
            if platform is not None:
                where, values = f"p.platform = ? AND {where}", [platform, *values]
        rows = bulk.execute(tx, f"{_SELECT} WHERE {where} ORDER BY {order} LIMIT ?", *values, page).all()
        if not rows:
            return
        last = (rows[-1][4], rows[-1][0])
        yield _completed(
            tx, [_ranked(row) for row in rows if row[4] >= start and (platform is None or row[1] == platform)]
        )


def _completed(tx: Connection, posts: list[Ranked]) -> list[Ranked]:
    """The posts, reels with the views that another observation of the same look told."""
    lacking = {each.post_id for each in posts if each.form == "reel" and each.views is None}
    earlier = earlier_counts(tx, lacking)
    return [replace(each, views=_views(each, earlier.get(each.post_id, ()))) for each in posts]


def _views(post: Ranked, newest_first: Iterable[EarlierCounts]) -> int | None:
    told = (each.counts["views"] for each in of_one_look(post.observed_at, newest_first))
    return post.views if post.views is not None else next((views for views in told if views is not None), None)


def _ranked(row: Sequence[Any]) -> Ranked:
    posted_at = moment(row[5])
    if posted_at is None:
        raise AssertionError("every post was posted at some time")
    return Ranked(*row[:5], posted_at, *row[6:8], moment(row[8]), *row[9:12], bool(row[12]))  # type: ignore[call-arg]


def texts(tx: Connection, post_ids: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
    """Text and URL of these posts."""
    rows = bulk.among(tx, "SELECT post_id, text_content, url FROM posts WHERE post_id {in}", post_ids)
    return {post_id: (text, url) for post_id, text, url in rows}


def with_text(post: TopPost, known: dict[str, tuple[str | None, str | None]]) -> TopPost:
    """The post with its text and URL among these."""
    text, url = known.get(post.post_id, (None, None))
    return replace(post, text=text, url=url)
