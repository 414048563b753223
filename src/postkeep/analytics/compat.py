"""The predecessor's 50 figures by its own formulas, flaws included, so that old and new numbers can be compared.

Source of every formula: its analytics module as documented from its code. Nothing here is mended.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Final

from postkeep.model import Json

from .content import Content
from .result import Value, ViralRule
from .words import WEEKDAYS

_TAG: Final = re.compile(r"#[A-Za-z0-9_]+")
_DAY: Final = 86_400
_WEEK: Final = 604_800
_COUNTS: Final = ("likes", "comments", "saves", "shares")

DEFAULTS: Final[dict[str, Value]] = {
    "reels_analyzed": 0,
    "posts_analyzed": 0,
    "total_content_analyzed": 0,
    "avg_reel_views": 0,
    **{f"avg_reel_{count}": 0 for count in _COUNTS},
    **{f"avg_{count}_per_reel_cached": 0 for count in _COUNTS},
    **{f"avg_post_{count}": 0 for count in _COUNTS},
    **{f"avg_{count}_per_post_cached": 0 for count in _COUNTS},
    "avg_post_engagement": 0,
    "total_views": 0,
    **{f"total_{count}": 0 for count in _COUNTS},
    "total_engagement": 0,
    "avg_engagement_per_content": 0,
    "engagement_rate": 0,
    "avg_engagement_rate": 0,
    "reel_engagement_rate": 0,
    "post_engagement_rate": 0,
    "content_reach_rate": 0,
    "comment_to_like_ratio": 0,
    "save_to_like_ratio": 0,
    "reels_vs_posts_performance": 0,
    "viral_content_count": 0,
    "viral_content_rate": 0,
    "viral_threshold_multiplier": 5.0,
    "best_performing_type": "unknown",
    "best_content_type": None,
    "avg_caption_length": 0,
    "uses_hashtags": False,
    "avg_hashtag_count": 0,
    "days_since_last_post": None,
    "last_post_days_ago": None,
    "posting_frequency_per_week": 0,
    "posting_consistency_score": 0,
    "most_active_day": None,
    "most_active_hour": None,
}
"""The 50 figures in their order, with what stands there when nothing was calculated."""


def analytics_as_built(
    reels: Sequence[Content],
    posts: Sequence[Content],
    followers: int | None,
    *,
    now: datetime,
    zone: tzinfo,
    viral: ViralRule,
) -> tuple[dict[str, Value], str | None]:
    """The 50 figures and, when the calculation broke off, why: then the later ones are the defaults.

    `zone` is what was the server's local zone. Never raises.
    """
    run = _Run(reels, posts, followers or 0, now, zone, viral)
    try:
        for step in (
            _reel_means,
            _post_means,
            _totals,
            _rates,
            _ratios,
            _viral,
            _best_type,
            _captions,
            _recency,
            _rhythm,
            _activity,
        ):
            step(run)
    except Exception as error:  # as built: whatever goes wrong ends the calculation, and what is there stays
        return run.values, _told(error)
    return run.values, None


def broken_off(reels: int, posts: int, error: Exception) -> tuple[dict[str, Value], str | None]:
    """What stands there when the calculation broke off right after counting what it was handed."""
    counted = {"reels_analyzed": reels, "posts_analyzed": posts, "total_content_analyzed": reels + posts}
    return {**DEFAULTS, **counted}, _told(error)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@dataclass(slots=True)
class _Run:
    reels: Sequence[Content]
    posts: Sequence[Content]
    followers: int
    now: datetime
    zone: tzinfo
    viral: ViralRule
    values: dict[str, Value] = field(default_factory=lambda: dict(DEFAULTS))
    post_engagements: list[int] = field(default_factory=list)

    def number(self, name: str) -> float:
        value = self.values[name]
        assert isinstance(value, int | float), name
        return value

    def listed(self, count: str, *lists: Sequence[Content]) -> list[int]:
        return _truthy(getattr(each, count) for contents in lists for each in contents)


def _truthy(values: Iterable[Json]) -> list[Json]:
    return [value for value in values if value]


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0


def _reel_means(run: _Run) -> None:
    run.values["reels_analyzed"] = len(run.reels)
    run.values["posts_analyzed"] = len(run.posts)
    run.values["total_content_analyzed"] = len(run.reels) + len(run.posts)
    run.values["avg_reel_views"] = _mean(run.listed("views", run.reels))
    for count in _COUNTS:
        mean = _mean(run.listed(count, run.reels))
        run.values[f"avg_reel_{count}"] = run.values[f"avg_{count}_per_reel_cached"] = mean


def _post_means(run: _Run) -> None:
    for count in _COUNTS:
        mean = _mean(run.listed(count, run.posts))
        run.values[f"avg_post_{count}"] = run.values[f"avg_{count}_per_post_cached"] = mean
    sums: list[Json] = [_plus(each.likes, each.comments) for each in run.posts]
    run.post_engagements = _truthy(sums)
    run.values["avg_post_engagement"] = _mean(run.post_engagements)


def _plus(likes: Json, comments: Json) -> Json:
    """As built: a null count raises TypeError here, whatever comes after is never calculated."""
    return likes + comments


def _totals(run: _Run) -> None:
    run.values["total_views"] = sum(run.listed("views", run.reels))
    for count in _COUNTS:
        run.values[f"total_{count}"] = sum(run.listed(count, run.reels, run.posts))
    run.values["total_engagement"] = run.number("total_likes") + run.number("total_comments")


def _rates(run: _Run) -> None:
    contents = len(run.reels) + len(run.posts)
    if run.followers <= 0:
        return
    if contents:
        per_content = run.number("total_engagement") / contents
        run.values["avg_engagement_per_content"] = per_content
        rate = per_content / run.followers * 100
        run.values["engagement_rate"] = run.values["avg_engagement_rate"] = rate
    if likes := run.listed("likes", run.reels):
        engagement = sum(likes) + sum(run.listed("comments", run.reels))
        run.values["reel_engagement_rate"] = engagement / len(run.reels) / run.followers * 100
    if run.post_engagements:
        mean = sum(run.post_engagements) / len(run.posts)
        run.values["post_engagement_rate"] = mean / run.followers * 100
    run.values["content_reach_rate"] = run.number("avg_reel_views") / run.followers * 100


def _ratios(run: _Run) -> None:
    likes, saves = run.number("total_likes"), run.number("total_saves")
    if likes > 0:
        run.values["comment_to_like_ratio"] = run.number("total_comments") / likes
    if likes > 0 and saves > 0:
        run.values["save_to_like_ratio"] = saves / likes
    views, engagement = run.number("avg_reel_views"), run.number("avg_post_engagement")
    if views > 0 and engagement > 0:
        run.values["reels_vs_posts_performance"] = views / engagement


def _viral(run: _Run) -> None:
    rule, views = run.viral, run.listed("views", run.reels)
    run.values["viral_threshold_multiplier"] = rule.multiplier
    reels = sum(
        view >= rule.min_views and view >= rule.multiplier * run.number("avg_reel_views") for view in views
    )
    threshold = rule.multiplier * run.number("avg_post_engagement")
    posts = sum(engagement >= threshold for engagement in run.post_engagements)
    run.values["viral_content_count"] = reels + posts
    if views:
        run.values["viral_content_rate"] = reels / len(views) * 100


def _best_type(run: _Run) -> None:
    reels, posts = run.number("reel_engagement_rate"), run.number("post_engagement_rate")
    best: str | None = None
    if reels > 1.5 * posts:
        best = "reels"
    elif posts > 1.5 * reels:
        best = "posts"
    elif reels > 0 and posts > 0:
        best = "mixed"
    elif run.number("avg_reel_views") > run.number("avg_post_engagement"):
        best = "reels"
    elif run.number("avg_post_engagement") > 0:
        best = "posts"
    if best:
        run.values["best_performing_type"] = run.values["best_content_type"] = best


def _captions(run: _Run) -> None:
    captions = _truthy(each.caption for each in run.posts)
    if captions:
        tags = [len(_TAG.findall(caption)) for caption in captions]
        run.values["avg_caption_length"] = sum(len(caption) for caption in captions) / len(captions)
        run.values["uses_hashtags"] = any(tags)
        run.values["avg_hashtag_count"] = _mean(tags)


def _times(run: _Run) -> list[datetime]:
    return sorted(each.posted_at for each in (*run.reels, *run.posts) if each.posted_at)


def _recency(run: _Run) -> None:
    if times := _times(run):
        days = (run.now - times[-1]).total_seconds() / _DAY
        run.values["days_since_last_post"] = run.values["last_post_days_ago"] = days


def _rhythm(run: _Run) -> None:
    times = _times(run)
    if len(times) < 2:
        return
    span = (times[-1] - times[0]).total_seconds()
    if span > 0:
        run.values["posting_frequency_per_week"] = len(times) / (span / _WEEK)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    mean = statistics.mean(gaps)
    if mean > 0:
        score = 100 - statistics.pstdev(gaps) / mean * 100
        run.values["posting_consistency_score"] = max(0, min(100, score))


def _activity(run: _Run) -> None:
    local = [time.astimezone(run.zone) for time in _times(run)]
    if local:
        # Counter keeps the order of first sight: of equals the one met first in ascending time.
        run.values["most_active_day"] = Counter(WEEKDAYS[time.weekday()] for time in local).most_common(1)[0][0]
        run.values["most_active_hour"] = Counter(time.hour for time in local).most_common(1)[0][0]
