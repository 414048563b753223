"""The predecessor's Reddit metrics by its own formulas, so that old and new numbers can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from postkeep.model import Json

from .reddit import FRESH, GROUPS, LEAST_AUTHORS, RedditPost
from .result import Value
from .words import WEEKDAYS

_HOUR: Final = timedelta(hours=1)
_PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp"})


def community_figures_as_built(posts: Sequence[RedditPost], types: Sequence[str]) -> dict[str, Value]:
    """A community's figures as built: every post counts as often as it is listed, an unknown count as 0.

    `types` are the content types of the posts in their order, by content_type_as_built. Hours and days are UTC.
    """
    scores, comments = [each.score or 0 for each in posts], [each.comments or 0 for each in posts]
    upvotes = sum(scores) / len(posts) if posts else 0
    engagement = sum(comments) / sum(scores) if sum(scores) > 0 else 0
    means = {name: _mean_of(name, scores, types) for name in GROUPS}
    return {
        "avg_upvotes_per_post": upvotes,
        "avg_comments_per_post": sum(comments) / len(posts) if posts else 0,
        "engagement": engagement,
        "subreddit_score": math.sqrt(max(0, engagement * upvotes * 1000)),
        "best_posting_day": _best(posts, scores, lambda at: WEEKDAYS[at.weekday()]),
        "best_posting_hour": _best(posts, scores, lambda at: at.hour),
        **{f"{name}_post_avg_score": mean for name, mean in means.items()},
        "top_content_type": max(means, key=lambda name: means[name]) if any(means.values()) else None,
    }


def _mean_of(name: str, scores: Sequence[int], types: Sequence[str]) -> float:
    found = [score for score, type_ in zip(scores, types, strict=True) if type_ == name]
    return sum(found) / len(found) if found else 0


def _best(
    posts: Sequence[RedditPost], scores: Sequence[int], slot: Callable[[datetime], str | int]
) -> str | int | None:
    found: dict[str | int, list[int]] = {}
    for each, score in zip(posts, scores, strict=True):
        found.setdefault(slot(each.posted_at.astimezone(UTC)), []).append(score)
    return max(found, key=lambda name: sum(found[name]) / len(found[name]), default=None)


def content_type_as_built(raw: dict[str, Json]) -> str:
    """The type the predecessor saw: pictures by the URL's extension, so one without any is a link."""
    for key, name in (("is_gallery", "gallery"), ("is_video", "video"), ("is_self", "text")):
        if raw.get(key):
            return name
    url = raw.get("url")
    try:
        path = urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:
        path = ""
    return "image" if PurePosixPath(path).suffix.lower() in _PICTURES else "link"


def comment_to_upvote_ratio_as_built(score: int | None, comments: int | None) -> float:
    """Comments over at least one vote: a post voted far below zero has as many as one with a single vote."""
    return (comments or 0) / max(1, score or 0)


def viral_score_as_built(post: RedditPost, *, now: datetime) -> float:
    """As built, a tenth more for what is safe for work; its freshness is our reading: 10 to 0 within 72 hours."""
    score, comments = post.score or 0, post.comments or 0
    age = now - post.posted_at
    marks = (
        (0.35, score / 100),
        (0.35, 100 * comments / max(1, score)),
        (0.1, score / max(1.0, age / _HOUR)),
        (0.2, 10 * max(0.0, 1 - age / FRESH)),
    )
    return sum(weight * min(10, mark) for weight, mark in marks) * (1 if post.over_18 else 1.1)


def most_viral_as_built(posts: Iterable[RedditPost], *, now: datetime, most: int = 3) -> tuple[RedditPost, ...]:
    """The posts of one community with the highest viral score as built, best first, of the last 72 hours."""
    fresh = (each for each in posts if timedelta(0) <= now - each.posted_at <= FRESH)
    ranked = sorted(fresh, key=lambda each: (-viral_score_as_built(each, now=now), each.native_id))
    return tuple(ranked[:most])


def requirement_as_built(values: Iterable[int | None], percentile: float = 0.10) -> int | None:
    """A percentile over the authors of all listed posts, an author once for each of them, unknown as 0."""
    ordered = sorted(value or 0 for value in values)
    return ordered[int(len(ordered) * percentile)] if len(ordered) >= LEAST_AUTHORS else None
