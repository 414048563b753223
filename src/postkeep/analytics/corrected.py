"""The same 50 figures with the predecessor's flaws mended: unknown is None, and a figure has one population."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from .compat import DEFAULTS
from .content import Kind
from .result import Figure, Value, ViralRule
from .sums import Clock, KindSums, Share, Sum, Sums, busiest, microseconds
from .words import WEEKDAYS

_DAY: Final = 86_400_000_000
_WEEK: Final = 7 * _DAY
_CLEAR: Final = 1.5
_LEAST_GAPS: Final = 3
_COUNTS: Final = ("likes", "comments", "saves", "shares")


def corrected_figures(
    sums: Sums, followers: int | None, *, now: datetime, clock: Clock, viral: ViralRule
) -> dict[str, Figure]:
    """The 50 figures in the predecessor's order.

    `followers` None or 0 makes every rate unknown. Days and hours are those of the clock's zone; `viral` is the
    rule by which `sums` were counted.
    """
    figures = {
        **_how_many(sums),
        **_means(sums),
        **_totals(sums),
        **_rates(sums, followers or None),
        **_ratios(sums),
        **_viral(sums, viral),
        **_best_type(sums),
        **_captions(sums),
        **_timing(sums, now, clock),
    }
    return {name: figures[name] for name in DEFAULTS}


def _how_many(sums: Sums) -> dict[str, Figure]:
    reels, posts = sums.kinds[Kind.REEL], sums.kinds[Kind.POST]
    handed = sums.tally.handed
    return {
        "reels_analyzed": Figure(reels.posts, reels.posts, handed, reels.since),
        "posts_analyzed": Figure(posts.posts, posts.posts, handed, posts.since),
        "total_content_analyzed": Figure(sums.posts, sums.posts, handed),
    }


def _mean(sum: Sum, of: int, since: datetime | None = None) -> Figure:
    """Of all known values, zeros among them."""
    return Figure(sum.total / sum.counted if sum.counted else None, sum.counted, of, since)


def _mean_of(kind: KindSums, name: str) -> Figure:
    return _mean(kind.sums[name], kind.posts, kind.since)


def _means(sums: Sums) -> dict[str, Figure]:
    figures = {}
    for kind, made in sums.kinds.items():
        for count in _COUNTS:
            mean = _mean_of(made, count)
            figures[f"avg_{kind}_{count}"] = figures[f"avg_{count}_per_{kind}_cached"] = mean
    figures["avg_reel_views"] = _mean_of(sums.kinds[Kind.REEL], "views")
    figures["avg_post_engagement"] = _mean_of(sums.kinds[Kind.POST], "engagement")
    return figures


def _totals(sums: Sums) -> dict[str, Figure]:
    reels = sums.kinds[Kind.REEL]
    return {
        "total_views": _total(reels.sums["views"], reels.posts),
        **{f"total_{count}": _total(sums.both(count), sums.posts) for count in _COUNTS},
        "total_engagement": _total(sums.both("engagement"), sums.posts),
        "avg_engagement_per_content": _mean(sums.both("engagement"), sums.posts),
    }


def _total(sum: Sum, of: int) -> Figure:
    return Figure(sum.total if sum.counted else None, sum.counted, of)


def _rates(sums: Sums, followers: int | None) -> dict[str, Figure]:
    every = _percent(_mean(sums.both("engagement"), sums.posts), followers)
    rates = {
        f"{kind}_engagement_rate": _percent(_mean_of(made, "engagement"), followers)
        for kind, made in sums.kinds.items()
    }
    return {
        "engagement_rate": every,
        "avg_engagement_rate": every,
        **rates,
        "content_reach_rate": _percent(_mean_of(sums.kinds[Kind.REEL], "views"), followers),
    }


def _percent(mean: Figure, followers: int | None) -> Figure:
    value = number(mean.value)
    rate = value / followers * 100 if value is not None and followers else None
    return Figure(rate, mean.counted, mean.of, mean.since)


def number(value: Value) -> float | None:
    """The value where it is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _ratios(sums: Sums) -> dict[str, Figure]:
    reels, posts = (_mean_of(sums.kinds[kind], "engagement") for kind in Kind)
    of_reels, of_posts = number(reels.value), number(posts.value)
    better = of_reels / of_posts if of_reels is not None and of_posts else None
    counted, of = (reels.counted or 0) + (posts.counted or 0), (reels.of or 0) + (posts.of or 0)
    return {
        "comment_to_like_ratio": _share(sums.comments_to_likes, sums.posts),
        "save_to_like_ratio": _share(sums.saves_to_likes, sums.posts),
        "reels_vs_posts_performance": Figure(better, counted, of),
    }


def _share(share: Share, of: int) -> Figure:
    """One sum over another, over the posts of which both are known."""
    return Figure(share.above / share.below if share.below else None, share.counted, of)


def _viral(sums: Sums, rule: ViralRule) -> dict[str, Figure]:
    counted, count, of = sums.judged.counted, sums.judged.viral, sums.posts
    return {
        "viral_content_count": Figure(count if counted else None, counted, of),
        "viral_content_rate": Figure(count / counted * 100 if counted else None, counted, of),
        "viral_threshold_multiplier": Figure(rule.multiplier),
    }


def _best_type(sums: Sums) -> dict[str, Figure]:
    reels, posts = (_mean_of(sums.kinds[kind], "engagement") for kind in Kind)
    counted, of = (reels.counted or 0) + (posts.counted or 0), (reels.of or 0) + (posts.of or 0)
    figure = Figure(_better(reels, posts), counted, of)
    return {"best_performing_type": figure, "best_content_type": figure}


def _better(reels: Figure, posts: Figure) -> str | None:
    """Engagement against engagement; who makes one kind only does that best, when it moves anybody."""
    of_reels, of_posts = number(reels.value), number(posts.value)
    if not posts.of and of_reels:
        return "reels"
    if not reels.of and of_posts:
        return "posts"
    if of_reels is None or of_posts is None or of_reels == of_posts == 0:
        return None
    if of_reels > _CLEAR * of_posts:
        return "reels"
    return "posts" if of_posts > _CLEAR * of_reels else "mixed"


def _captions(sums: Sums) -> dict[str, Figure]:
    made, posts = sums.captions, sums.kinds[Kind.POST]
    return {
        "avg_caption_length": _mean(Sum(made.written, made.signs), posts.posts, posts.since),
        "avg_hashtag_count": _mean(Sum(made.written, made.tags), posts.posts, posts.since),
        "uses_hashtags": Figure(made.tags > 0 if made.known else None, made.known, posts.posts, posts.since),
    }


def _timing(sums: Sums, now: datetime, clock: Clock) -> dict[str, Figure]:
    of, since, times = sums.posts, sums.since, sums.times
    newest = sums.newest
    days = (microseconds(now) - microseconds(newest)) / _DAY if newest else None
    age = Figure(days, int(newest is not None), of)
    day, hour = busiest(clock.slots(times)) or (None, None)
    return {
        "days_since_last_post": age,
        "last_post_days_ago": age,
        "posting_frequency_per_week": Figure(_frequency(times), len(times), of, since),
        "posting_consistency_score": Figure(_consistency(times), len(times), of, since),
        "most_active_day": Figure(None if day is None else WEEKDAYS[day], len(times), of, since),
        "most_active_hour": Figure(hour, len(times), of, since),
    }


def _frequency(times: Sequence[int]) -> float | None:
    """Gaps a week: n posts have n - 1 of them; less than a day tells nothing about a week."""
    if len(times) < 2:
        return None
    return (len(times) - 1) * (_WEEK / max(times[-1] - times[0], _DAY))


def _consistency(times: Sequence[int]) -> float | None:
    """100 for an even rhythm; fewer than three gaps have none.

    The spread is the standard deviation of the gaps over their mean, from whole microseconds, so without rounding.
    """
    gaps = [later - earlier for earlier, later in pairwise(times)]
    span = sum(gaps)
    if len(gaps) < _LEAST_GAPS or not span:
        return None
    spread = math.sqrt((len(gaps) * sum(gap * gap for gap in gaps) - span * span) / (span * span))
    return max(0.0, 100 - 100 * spread)
