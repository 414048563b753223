"""From the rows of a community or an author on Reddit to the figures that mean something there.

Votes are no likes and members no audience, so that of a creator's figures only the rhythm of an author is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from postkeep.analytics.content import Content
from postkeep.analytics.reddit import (
    RedditAuthor,
    RedditPost,
    account_age_days,
    account_figures,
    author_figures,
    comment_to_upvote_ratio,
    community_figures,
    most_viral,
    posting_requirements,
    viral_score,
)
from postkeep.analytics.reddit_compat import (
    comment_to_upvote_ratio_as_built,
    community_figures_as_built,
    content_type_as_built,
    most_viral_as_built,
    requirement_as_built,
    viral_score_as_built,
)
from postkeep.analytics.result import Analytics, Excluded, Figure, Mode, Tally, Value
from postkeep.model import Json, PostFormat, Presence, ProfileKind
from postkeep.stages import creator_sheet
from postkeep.stages.creator_sheet import Sheet
from postkeep.store import community_posts, creator_posts
from postkeep.store.community_posts import AuthorRow
from postkeep.store.creator_posts import CreatorRow, FollowerCount, ListWindow, PostCounts
from postkeep.views.creators import TopPost, TypeView

PLATFORM: Final = "reddit"

_RHYTHM: Final = (
    "last_post_days_ago",
    "posting_frequency_per_week",
    "posting_consistency_score",
    "most_active_day",
    "most_active_hour",
)
_UNKNOWN: Final = Figure(None)
_UNKNOWN_FORM: Final = "unknown"


@dataclass(frozen=True, slots=True)
class RedditSheet(Sheet):
    """All that is computed of a community or an author; `submissions` by native id, those of the sample."""

    submissions: Mapping[str, RedditPost] = field(default_factory=dict)


def is_community(kind: str) -> bool:
    """Whether a profile's posts are those that stand in it."""
    return kind == ProfileKind.SUBREDDIT


def read(
    tx: Connection,
    creator: CreatorRow,
    lists: Sequence[ListWindow],
    history: Sequence[FollowerCount],
    *,
    now: datetime,
    mode: Mode,
    zone: tzinfo,
) -> RedditSheet:
    """Compute all figures of a community or an author as of `now`; in compat mode all times are UTC."""
    inside = is_community(creator.kind)
    posts = (creator_posts.posts_in if inside else creator_posts.posts_of)(tx, creator.profile_id)
    clock = UTC if mode is Mode.COMPAT else zone
    base = creator_sheet.sheet_of(creator, posts, lists, history, now=now, mode=mode, zone=clock)
    every = {native_id: _submission(row) for native_id, row in base.posts.items()}
    contents = tuple(each for each in base.sample.contents if every[each.native_id or ""].counts)
    counted = {each.native_id or "": every[each.native_id or ""] for each in contents}
    writers = {each.author_id for each in base.posts.values() if each.author_id} if inside else set()
    known = community_posts.authors(tx, {*writers, creator.profile_id})
    authors = {each.profile_id: _author(each, now) for each in known}
    if mode is Mode.COMPAT:
        addresses = community_posts.addresses(tx, [each.post_id for each in base.posts.values()])
        values = _as_built(base, every, authors, addresses)
        figures, tally = {name: Figure(value) for name, value in values.items()}, base.analytics.tally
    else:
        figures, tally = _corrected(base, counted, authors, listed=bool(lists)), _tally(base, every, contents)
    return RedditSheet(
        creator,
        replace(base.analytics, figures=figures, tally=tally),
        base.growth,
        replace(base.sample, contents=contents),
        base.posts,
        base.newest_observation,
        clock,
        counted,
    )


def _tally(base: Sheet, every: Mapping[str, RedditPost], contents: Sequence[Content]) -> Tally:
    tally = base.analytics.tally
    gone = sum(not _is_there(base.posts[each.native_id or ""]) for each in base.sample.contents)
    reasons = {Excluded.STICKIED: tally.counted - gone - len(contents), Excluded.NOT_THERE: gone}
    hidden = sum(each.hidden for each in contents)
    return replace(tally, counted=len(contents), excluded={**tally.excluded, **reasons}, hidden=hidden)


def _corrected(
    base: Sheet, counted: Mapping[str, RedditPost], authors: Mapping[str, RedditAuthor], *, listed: bool
) -> dict[str, Figure]:
    posts = counted.values()
    if is_community(base.creator.kind):
        writers = {base.posts[native_id].author_id for native_id in counted}
        of_writers = posting_requirements(authors[each] for each in writers if each is not None)
        return {**community_figures(posts, zone=base.zone), **of_writers}
    figures = author_figures(posts, authors[base.creator.profile_id], zone=base.zone)
    # Who was only met in lists of others may have posted anything in between.
    return figures | {name: base.analytics.figures[name] if listed else _UNKNOWN for name in _RHYTHM}


def _as_built(
    base: Sheet,
    every: Mapping[str, RedditPost],
    authors: Mapping[str, RedditAuthor],
    addresses: Mapping[str, str],
) -> dict[str, Value]:
    rows = base.posts.values()
    types = [_type_as_built(each, addresses.get(each.post_id)) for each in rows]
    values = community_figures_as_built(list(every.values()), types)
    if is_community(base.creator.kind):
        writers = [authors.get(each.author_id or "") for each in rows]
        ages = [account_age_days(each) if each else None for each in writers]
        return values | {
            "min_account_age_days": requirement_as_built(ages),
            "min_post_karma": requirement_as_built(each.post_karma if each else None for each in writers),
            "min_comment_karma": requirement_as_built(each.comment_karma if each else None for each in writers),
        }
    del values["subreddit_score"]
    rhythm = {name: base.analytics[name] for name in _RHYTHM}
    return {**values, **account_figures(authors[base.creator.profile_id]), **rhythm}


# --- rows as the figures need them --------------------------------------------------------------------------


def _submission(row: PostCounts) -> RedditPost:
    flags = _flags(row)
    return RedditPost(
        native_id=row.native_id,
        community="",
        posted_at=row.posted_at,
        score=None if row.hidden else row.reactions,
        comments=row.comments,
        form=PostFormat(row.form) if row.form else None,
        author=row.author,
        over_18="over_18" in flags,
        counts=_is_there(row) and "stickied" not in flags,
    )


def _flags(row: PostCounts) -> list[str]:
    return orjson.loads(row.flags) if row.flags else []


def _is_there(row: PostCounts) -> bool:
    return row.presence == Presence.THERE


def _author(row: AuthorRow, now: datetime) -> RedditAuthor:
    created = _whole(row.facts.get("created_utc"))
    return RedditAuthor(
        username=row.username or row.profile_id,
        created_at=None if created is None else datetime.fromtimestamp(created, UTC),
        observed_at=row.observed_at or now,
        post_karma=_whole(row.facts.get("link_karma")),
        comment_karma=_whole(row.facts.get("comment_karma")),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_RAW_AS: Final[Mapping[str, dict[str, Json]]] = {
    PostFormat.CAROUSEL: {"is_gallery": True},
    PostFormat.VIDEO: {"is_video": True},
    PostFormat.TEXT: {"is_self": True},
}


def _type_as_built(row: PostCounts, address: str | None) -> str:
    """The type that was seen then; a record's few keys that it was made of are told by form and address."""
    return content_type_as_built(_RAW_AS.get(row.form or "") or {"url": address})


# --- what is stored, and what a page shows ------------------------------------------------------------------


def to_store(sheet: RedditSheet) -> Analytics:
    """The result as the stored fields ask for it; what means nothing on Reddit is unknown there."""
    known = sheet.analytics.figures
    kept: defaultdict[str, Figure] = defaultdict(lambda: _UNKNOWN)
    kept.update({name: known[name] for name in _RHYTHM if name in known})
    kept["avg_comments_per_post_cached"] = known["avg_comments_per_post"]
    kept["best_content_type"] = known["top_content_type"]
    return replace(sheet.analytics, figures=kept)


def types(sheet: RedditSheet) -> tuple[TypeView, ...]:
    """The posts of the sample by what they are made of with their mean votes, the most frequent first."""
    forms: dict[str, list[RedditPost]] = {}
    for each in sheet.submissions.values():
        forms.setdefault(each.form or _UNKNOWN_FORM, []).append(each)
    found = []
    for form, posts in forms.items():
        votes = [each.score for each in posts if each.score is not None]
        mean = sum(votes) / len(votes) if votes else None
        found.append(TypeView(str(form), len(posts), len(votes), None, None, None, mean))
    return tuple(sorted(found, key=lambda each: (-each.posts, each.form)))


def top(sheet: RedditSheet, limit: int) -> tuple[TopPost, ...]:
    """The posts of the sample with most votes; of equals the newer."""
    known = [
        (each.score, each.posted_at, each.native_id)
        for each in sheet.submissions.values()
        if each.score is not None
    ]
    best = sorted(known, reverse=True)[:limit]
    return tuple(_shown(sheet, native_id, None) for *_, native_id in best)


def rising(sheet: RedditSheet) -> tuple[TopPost, ...]:
    """The three posts of a community with the highest viral score within 72 hours; of an author none."""
    if not is_community(sheet.creator.kind):
        return ()
    now, posts = sheet.analytics.now, sheet.submissions.values()
    if sheet.analytics.mode is Mode.COMPAT:
        built = most_viral_as_built(map(_submission, sheet.posts.values()), now=now)
        return tuple(_shown(sheet, each.native_id, viral_score_as_built(each, now=now)) for each in built)
    best = most_viral(posts, now=now).get("", ())
    return tuple(_shown(sheet, each.native_id, viral_score(each, now=now)) for each in best)


def _shown(sheet: RedditSheet, native_id: str, viral: float | None) -> TopPost:
    row = sheet.posts[native_id]
    votes = None if row.hidden else row.reactions
    built = sheet.analytics.mode is Mode.COMPAT
    ratio = comment_to_upvote_ratio_as_built if built else comment_to_upvote_ratio
    return TopPost(
        row.post_id,
        PLATFORM,
        row.native_id,
        row.form,
        row.posted_at,
        row.author,
        row.text,
        row.url,
        votes,
        row.comments,
        None,
        None,
        None,
        None,
        row.observed_at,
        ratio(votes, row.comments),
        viral,
        row.hidden,
    )
