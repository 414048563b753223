"""The 50 figures of a creator, those that are stored, and growth, as entries of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .metric import Metric, Source, Unit
from .metrics_observed import ALL, INSTAGRAM, SOCIAL

_MENDED: Final = "predecessor's analytics, twelve flaws mended (compat: as built)"
_OWN: Final = "postkeep"
_RECORDED: Final = "recorded by the run"

_EACH: Final = {"reel": INSTAGRAM, "post": SOCIAL}
_COUNTS: Final = {"likes": SOCIAL, "comments": SOCIAL, "saves": INSTAGRAM, "shares": SOCIAL}

_Row = tuple[str, Unit, int, frozenset[str], str]

_COUNTED: Final[tuple[_Row, ...]] = (
    ("reels_analyzed", Unit.POSTS, 0, INSTAGRAM, "Reels in the sample, wherever they were listed."),
    ("posts_analyzed", Unit.POSTS, 0, SOCIAL, "Posts in the sample that are no reels."),
    ("total_content_analyzed", Unit.POSTS, 0, SOCIAL, "All posts in the sample, each once."),
    ("avg_reel_views", Unit.VIEWS, 0, INSTAGRAM, "Mean views of the reels whose views are known."),
)
_TOTALS: Final[tuple[_Row, ...]] = (
    (
        "avg_post_engagement",
        Unit.INTERACTIONS,
        1,
        SOCIAL,
        "Mean of likes plus comments of the posts of which both are known.",
    ),
    ("total_views", Unit.VIEWS, 0, INSTAGRAM, "Sum of the known views of the reels."),
    ("total_likes", Unit.INTERACTIONS, 0, SOCIAL, "Sum of the known likes (LinkedIn: reactions)."),
    ("total_comments", Unit.INTERACTIONS, 0, SOCIAL, "Sum of the known comments."),
    ("total_saves", Unit.INTERACTIONS, 0, INSTAGRAM, "Sum of the known saves."),
    ("total_shares", Unit.INTERACTIONS, 0, SOCIAL, "Sum of the known shares (LinkedIn: reposts)."),
    (
        "total_engagement",
        Unit.INTERACTIONS,
        0,
        SOCIAL,
        "Sum of likes plus comments of the posts of which both are known.",
    ),
    (
        "avg_engagement_per_content",
        Unit.INTERACTIONS,
        1,
        SOCIAL,
        "Mean of likes plus comments of all posts of which both are known; needs no followers.",
    ),
)
_RATES: Final[tuple[_Row, ...]] = (
    ("engagement_rate", Unit.PERCENT, 2, SOCIAL, "avg_engagement_per_content as percent of the followers."),
    ("reel_engagement_rate", Unit.PERCENT, 2, INSTAGRAM, "Mean engagement of reels as percent of the followers."),
    ("post_engagement_rate", Unit.PERCENT, 2, SOCIAL, "Mean engagement of posts as percent of the followers."),
    ("content_reach_rate", Unit.PERCENT, 2, INSTAGRAM, "avg_reel_views as percent of the followers."),
    (
        "comment_to_like_ratio",
        Unit.RATIO,
        4,
        SOCIAL,
        "Comments per like over the posts of which both are known.",
    ),
    ("save_to_like_ratio", Unit.RATIO, 4, INSTAGRAM, "Saves per like over the posts of which both are known."),
    (
        "reels_vs_posts_performance",
        Unit.RATIO,
        2,
        INSTAGRAM,
        "Mean engagement of reels divided by that of posts (compat: reel views by post engagement).",
    ),
)
_CHARACTER: Final[tuple[_Row, ...]] = (
    (
        "viral_content_count",
        Unit.POSTS,
        0,
        SOCIAL,
        "Posts with at least the multiplier times the median of at least 5 earlier ones of their kind; reels by "
        "views, of which they need the minimum, posts by engagement.",
    ),
    ("viral_content_rate", Unit.PERCENT, 1, SOCIAL, "Viral posts as percent of those that could be judged."),
    ("viral_threshold_multiplier", Unit.RATIO, 1, SOCIAL, "The multiplier that was applied."),
    (
        "best_performing_type",
        Unit.WORD,
        0,
        INSTAGRAM,
        "reels or posts when one has over 1.5 times the other's mean engagement, else mixed.",
    ),
    ("avg_caption_length", Unit.CHARACTERS, 0, SOCIAL, "Mean length of the captions of posts that have one."),
    ("uses_hashtags", Unit.FLAG, 0, SOCIAL, "Whether any caption of a post has a hashtag."),
    ("avg_hashtag_count", Unit.HASHTAGS, 1, SOCIAL, "Mean number of hashtags of the posts that have a caption."),
)
_TIMING: Final[tuple[_Row, ...]] = (
    ("last_post_days_ago", Unit.DAYS, 1, SOCIAL, "Days from the newest post in the sample to the calculation."),
    (
        "posting_frequency_per_week",
        Unit.PER_WEEK,
        2,
        SOCIAL,
        "Gaps between posts per week, over the time that all lists show; less than a day counts as a day.",
    ),
    (
        "posting_consistency_score",
        Unit.SCORE,
        1,
        SOCIAL,
        "100 minus the standard deviation of the gaps as percent of their mean, within 0 and 100; three gaps at "
        "least.",
    ),
    ("most_active_day", Unit.WEEKDAY, 0, SOCIAL, "The day of the week with most posts, in the named zone."),
    ("most_active_hour", Unit.HOUR, 0, SOCIAL, "The hour of the day with most posts, in the named zone."),
)
_GROWTH: Final[tuple[_Row, ...]] = (
    (
        "follower_growth_rate_daily",
        Unit.PERCENT,
        2,
        ALL,
        "Growth of the followers in 24 hours, from a row 12 to 36 hours old, scaled to a day.",
    ),
    (
        "follower_growth_rate_weekly",
        Unit.PERCENT,
        2,
        ALL,
        "Growth of the followers in 7 days, from a row 5 to 9 days old, scaled to a week.",
    ),
    ("previous_followers_count", Unit.FOLLOWERS, 0, ALL, "The newest earlier count that was another one."),
)
_OF_POSTS: Final[tuple[_Row, ...]] = (
    (
        "engagement_rate_of_post",
        Unit.PERCENT,
        2,
        SOCIAL,
        "Likes plus comments of one post as percent of the followers known at that time.",
    ),
    ("viral_multiplier", Unit.RATIO, 2, ALL, "One post's views or engagement over the median of earlier ones."),
    ("engagement_velocity", Unit.INTERACTIONS, 1, ALL, "What a post gained per hour between two snapshots."),
    ("engagement_half_life", Unit.DAYS, 2, ALL, "How long after posting half of the last count was there."),
)
_COPIES: Final = {
    "avg_engagement_rate": "engagement_rate",
    "best_content_type": "best_performing_type",
    "days_since_last_post": "last_post_days_ago",
    "avg_views_per_reel_cached": "avg_reel_views",
    "engagement_rate_cached": "engagement_rate",
    "viral_content_count_cached": "viral_content_count",
}
_TIMES: Final = (
    ("followers_last_updated", Unit.TIME, "When the follower count was observed last."),
    ("last_scraped_at", Unit.TIME, "When the creator was collected last."),
    ("total_api_calls", Unit.CALLS, "Calls made for the creator in all; every run adds its own."),
)


def creator() -> Iterator[Metric]:
    """The creator's figures, copies under their old names among them."""
    made = {row[0]: _computed(row, _MENDED) for row in (*_COUNTED, *_means(), *_TOTALS, *_RATES, *_CHARACTER)}
    made |= {row[0]: _computed(row, _MENDED) for row in (*_TIMING, *_GROWTH)}
    made |= {row[0]: _computed(row, _OWN) for row in _OF_POSTS}
    yield from made.values()
    copies = _COPIES | {
        f"avg_{count}_per_{kind}_cached": f"avg_{kind}_{count}" for kind in _EACH for count in _COUNTS
    }
    for name, original in copies.items():
        of = made[original]
        yield Metric(
            name, f"Copy of {original}.", of.unit, of.platforms, of.source, _MENDED, of.digits, same_as=original
        )
    for name, unit, definition in _TIMES:
        yield Metric(name, definition, unit, ALL, Source.RECORDED, _RECORDED)


def _means() -> Iterator[_Row]:
    for kind, platforms in _EACH.items():
        for count, known in _COUNTS.items():
            definition = f"Mean {count} of the {kind}s whose {count} are known."
            yield f"avg_{kind}_{count}", Unit.INTERACTIONS, 1, platforms & known, definition


def _computed(row: _Row, formula_source: str) -> Metric:
    name, unit, digits, platforms, definition = row
    return Metric(name, definition, unit, platforms, Source.COMPUTED, formula_source, digits)
