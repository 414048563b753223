"""What Reddit's posts say about a community and its authors, mended; reddit_compat has the formulas as built."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from postkeep.model import Post, PostFormat, Presence

from .corrected import number
from .result import Figure
from .words import WEEKDAYS

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_YEAR: Final = timedelta(days=365)
_HIGHEST: Final = 10.0
FRESH: Final = timedelta(hours=72)

OF_AUTHORS: Final = frozenset({"min_account_age_days", "min_post_karma", "min_comment_karma"})
"""The figures that count authors, not posts."""

LEAST_IN_SLOT: Final = 3
LEAST_AUTHORS: Final = 5
PERCENTILE: Final = 0.10

_GROUPS: Final[Mapping[PostFormat, str]] = {
    PostFormat.IMAGE: "image",
    PostFormat.CAROUSEL: "image",
    PostFormat.VIDEO: "video",
    PostFormat.REEL: "video",
    PostFormat.TEXT: "text",
    PostFormat.LINK: "link",
}
GROUPS: Final = ("image", "video", "text", "link")


@dataclass(frozen=True, slots=True)
class RedditPost:
    """A submission and its counts at one observed time; unknown is None.

    `score` is None while Reddit hides it. `counts` is False for what is pinned by moderators, removed or deleted:
    its votes do not say what the community likes.
    """

    native_id: str
    community: str
    posted_at: datetime
    score: int | None
    comments: int | None
    form: PostFormat | None = None
    author: str | None = None
    over_18: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class RedditAuthor:
    """An account as observed at `observed_at`; unknown is None."""

    username: str
    created_at: datetime | None
    observed_at: datetime
    post_karma: int | None = None
    comment_karma: int | None = None


def submission(post: Post) -> RedditPost:
    """A parsed submission as the figures need it: its score are the reactions, unless Reddit hides them."""
    return RedditPost(
        native_id=post.native_id,
        community=(post.community.username if post.community else None) or "",
        posted_at=post.posted_at,
        score=None if post.metrics.hidden else post.metrics.reactions,
        comments=post.metrics.comments,
        form=post.format,
        author=post.author.username if post.author else None,
        over_18="over_18" in post.flags,
        counts=post.presence is Presence.THERE and "stickied" not in post.flags,
    )


def community_figures(posts: Iterable[RedditPost], *, zone: tzinfo) -> dict[str, Figure]:
    """A community's figures from its posts, each counted once; their order does not matter."""
    sample = _sample(posts)
    votes, comments = _mean(sample, _score), _mean(sample, _comments)
    both = [(c, s) for each in sample if (s := each.score) is not None and (c := each.comments) is not None]
    score = sum(s for _, s in both)
    figures = {
        "avg_upvotes_per_post": votes,
        "avg_comments_per_post": comments,
        "engagement": Figure(sum(c for c, _ in both) / score if score > 0 else None, len(both), len(sample)),
        "subreddit_score": _community_score(sample),
        "best_posting_day": _best(sample, lambda at: WEEKDAYS[at.astimezone(zone).weekday()]),
        "best_posting_hour": _best(sample, lambda at: at.astimezone(zone).hour),
    }
    means = {name: _mean([each for each in sample if _group(each) == name], _score) for name in GROUPS}
    figures |= {f"{name}_post_avg_score": mean for name, mean in means.items()}
    known = {name: value for name, mean in means.items() if (value := number(mean.value)) is not None}
    top = min(known, key=lambda name: (-known[name], GROUPS.index(name)), default=None)
    return {
        **figures,
        "top_content_type": Figure(top, sum(each.counted or 0 for each in means.values()), len(sample)),
    }


def author_figures(posts: Iterable[RedditPost], author: RedditAuthor, *, zone: tzinfo) -> dict[str, Figure]:
    """What an author's posts bring in, as community_figures counts it, and what the account itself tells."""
    figures = community_figures(posts, zone=zone)
    del figures["subreddit_score"]
    return {**figures, **{name: Figure(value) for name, value in account_figures(author).items()}}


def _sample(posts: Iterable[RedditPost]) -> list[RedditPost]:
    """Each post once, that with most known votes; pinned, removed and deleted ones never."""
    best: dict[str, RedditPost] = {}
    for each in posts:
        if each.counts:
            best[each.native_id] = max(best.get(each.native_id, each), each, key=_most_known)
    return [best[native_id] for native_id in sorted(best)]


def _most_known(each: RedditPost) -> tuple[bool, int, bool, int]:
    return each.score is not None, each.score or 0, each.comments is not None, each.comments or 0


def _score(each: RedditPost) -> int | None:
    return each.score


def _comments(each: RedditPost) -> int | None:
    return each.comments


def _mean(posts: Sequence[RedditPost], count: Callable[[RedditPost], int | None]) -> Figure:
    values = [value for each in posts if (value := count(each)) is not None]
    return Figure(sum(values) / len(values) if values else None, len(values), len(posts))


def _community_score(sample: Sequence[RedditPost]) -> Figure:
    """Votes and comments both count, each once; as built the votes cancel out."""
    both = [each for each in sample if each.score is not None and each.comments is not None]
    votes, comments = number(_mean(both, _score).value), number(_mean(both, _comments).value)
    value = math.sqrt(votes * comments) if votes is not None and comments is not None and votes >= 0 else None
    return Figure(value, len(both), len(sample))


def _best(sample: Sequence[RedditPost], slot: Callable[[datetime], str | int]) -> Figure:
    """The slot whose median score is highest, so that one lucky post makes no best hour; of equals the first."""
    scores: dict[str | int, list[int]] = {}
    for each in sample:
        if each.score is not None:
            scores.setdefault(slot(each.posted_at), []).append(each.score)
    counted = sum(len(values) for values in scores.values())
    medians = {name: statistics.median(found) for name, found in scores.items() if len(found) >= LEAST_IN_SLOT}
    order = {name: place for place, name in enumerate((*WEEKDAYS, *range(24)))}
    best = min(medians, key=lambda name: (-medians[name], order[name]), default=None)
    return Figure(best, counted, len(sample))


def _group(each: RedditPost) -> str | None:
    return _GROUPS.get(each.form) if each.form else None


# --- one post -----------------------------------------------------------------------------------------------


def comment_to_upvote_ratio(score: int | None, comments: int | None) -> float | None:
    """Comments per vote; None when one is unknown, or when no vote is left to divide by."""
    return None if score is None or comments is None or score < 1 else comments / score


def viral_score(post: RedditPost, *, now: datetime) -> float | None:
    """0..10 from votes, comments per vote, votes per hour and freshness; None when votes or comments are unknown.

    A post gets no bonus for being safe for work: that is no measure of spreading. Freshness falls from 10 to 0
    within 72 hours. Weights: the predecessor's.
    """
    if post.score is None or post.comments is None or post.posted_at > now:
        return None
    votes = max(0, post.score)
    hours = max(1.0, (now - post.posted_at) / _HOUR)
    fresh = _HIGHEST * max(0.0, 1 - (now - post.posted_at) / FRESH)
    marks = ((0.35, votes / 100), (0.35, 100 * post.comments / max(1, votes)), (0.1, votes / hours), (0.2, fresh))
    return math.fsum(weight * min(_HIGHEST, mark) for weight, mark in marks)


def most_viral(posts: Iterable[RedditPost], *, now: datetime, most: int = 3) -> dict[str, tuple[RedditPost, ...]]:
    """The posts with the highest viral score of each community within 72 hours, best first; of equals by id."""
    ranked: dict[str, list[tuple[float, str, RedditPost]]] = {}
    for each in _sample(posts):
        value = viral_score(each, now=now)
        if value is not None and now - each.posted_at <= FRESH:
            ranked.setdefault(each.community, []).append((-value, each.native_id, each))
    return {
        name: tuple(each for _, _, each in sorted(found, key=lambda entry: entry[:2])[:most])
        for name, found in sorted(ranked.items())
    }


# --- authors ------------------------------------------------------------------------------------------------


def posting_requirements(authors: Iterable[RedditAuthor]) -> dict[str, Figure]:
    """What nearly all who post there have: the 10th percentile (nearest rank) of age and karma.

    Every author counts once, unknown values not at all; below 5 authors it is unknown.
    """
    newest: dict[str, RedditAuthor] = {}
    for each in sorted(authors, key=lambda author: (author.observed_at, repr(author))):
        newest[each.username] = each
    known = list(newest.values())
    return {
        "min_account_age_days": _percentile([account_age_days(each) for each in known]),
        "min_post_karma": _percentile([each.post_karma for each in known]),
        "min_comment_karma": _percentile([each.comment_karma for each in known]),
    }


def _percentile(values: Sequence[int | None]) -> Figure:
    known = sorted(value for value in values if value is not None)
    if len(known) < LEAST_AUTHORS:
        return Figure(None, len(known), len(values))
    return Figure(known[math.ceil(PERCENTILE * len(known)) - 1], len(known), len(values))


def account_age_days(author: RedditAuthor) -> int | None:
    """Whole days from the making of the account to its observation."""
    return (author.observed_at - author.created_at) // _DAY if author.created_at else None


def karma_per_day(author: RedditAuthor) -> float | None:
    """Both karmas over the age in days, at least one day; None when one of them is unknown."""
    if author.created_at is None or author.post_karma is None or author.comment_karma is None:
        return None
    days = max(1.0, (author.observed_at - author.created_at) / _DAY)
    return (author.post_karma + author.comment_karma) / days


def account_figures(author: RedditAuthor) -> dict[str, int | float | None]:
    """What the account alone tells; the user's score by the marks below."""
    return {
        "account_age_days": account_age_days(author),
        "post_karma": author.post_karma,
        "comment_karma": author.comment_karma,
        "karma_per_day": karma_per_day(author),
        "user_score": user_score(name_mark(author.username), age_mark(author), karma_mark(author)),
    }


def name_mark(username: str) -> float | None:
    """Ten times the part of a name that is letters: names that Reddit makes up end in digits. Our reading."""
    return _HIGHEST * sum(map(str.isalpha, username)) / len(username) if username else None


def age_mark(author: RedditAuthor) -> float | None:
    """Two for each year of 365 days, ten at most. Our reading."""
    if author.created_at is None:
        return None
    return min(_HIGHEST, max(0.0, 2 * ((author.observed_at - author.created_at) / _YEAR)))


def karma_mark(author: RedditAuthor) -> float | None:
    """Two for each power of ten in both karmas together, ten at most; below one nothing. Our reading."""
    if author.post_karma is None or author.comment_karma is None:
        return None
    return min(_HIGHEST, 2 * math.log10(max(1, author.post_karma + author.comment_karma)))


def user_score(name: float | None, age: float | None, karma: float | None) -> float | None:
    """0.15 name, 0.35 age, 0.5 karma, each a mark from 0 to 10; None when one is unknown."""
    if name is None or age is None or karma is None:
        return None
    return math.fsum(
        weight * max(0.0, min(_HIGHEST, mark)) for weight, mark in ((0.15, name), (0.35, age), (0.5, karma))
    )
