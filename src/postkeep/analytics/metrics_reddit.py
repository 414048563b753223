"""Reddit's figures as entries of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from .metric import Metric, Source, Unit
from .metrics_creator import creator
from .metrics_observed import REDDIT

_MENDED: Final = "predecessor's Reddit metrics, mended (compat: as built)"
_OUR_READING: Final = "predecessor's weights; what they weigh is our reading"

_FIGURES: Final = (
    ("avg_upvotes_per_post", Unit.VOTES, 1, "Mean score of the posts whose score is known."),
    ("avg_comments_per_post", Unit.INTERACTIONS, 1, "Mean comments of the posts whose comments are known."),
    ("engagement", Unit.RATIO, 4, "Comments per vote over the posts of which both are known."),
    (
        "subreddit_score",
        Unit.SCORE,
        1,
        "Geometric mean of mean score and mean comments (compat: the root of 1000 mean comments).",
    ),
    ("comment_to_upvote_ratio", Unit.RATIO, 4, "Comments per vote of one post; unknown below one vote."),
    ("best_posting_day", Unit.WEEKDAY, 0, "The day of the week with the highest median score, 3 posts at least."),
    ("best_posting_hour", Unit.HOUR, 0, "The hour with the highest median score, 3 posts at least."),
    ("image_post_avg_score", Unit.VOTES, 1, "Mean score of the posts of pictures, galleries among them."),
    ("video_post_avg_score", Unit.VOTES, 1, "Mean score of the posts that are videos."),
    ("text_post_avg_score", Unit.VOTES, 1, "Mean score of the posts that are texts."),
    ("link_post_avg_score", Unit.VOTES, 1, "Mean score of the posts that are links."),
    ("top_content_type", Unit.WORD, 0, "The kind of post with the highest mean score."),
    ("min_account_age_days", Unit.DAYS, 0, "10th percentile of the authors' account age; 5 authors at least."),
    ("min_post_karma", Unit.VOTES, 0, "10th percentile of the authors' post karma; 5 authors at least."),
    ("min_comment_karma", Unit.VOTES, 0, "10th percentile of the authors' comment karma; 5 authors at least."),
    ("karma_per_day", Unit.VOTES, 2, "An account's karma divided by its age in days."),
)
_OBSERVED: Final = (
    ("account_age_days", Unit.DAYS, "Days from the making of an account to its observation."),
    ("post_karma", Unit.VOTES, "What an account's posts brought in, as Reddit counts it."),
    ("comment_karma", Unit.VOTES, "What an account's comments brought in, as Reddit counts it."),
)
_RHYTHM: Final = frozenset(
    {
        *("last_post_days_ago", "posting_frequency_per_week", "posting_consistency_score"),
        *("most_active_day", "most_active_hour"),
    }
)
_STORED_AS: Final = {
    "avg_comments_per_post_cached": "avg_comments_per_post",
    "best_content_type": "top_content_type",
}
_SCORES: Final = (
    (
        "user_score",
        Unit.SCORE,
        2,
        "0.15 name (10 times its part of letters), 0.35 age (2 a year) and 0.5 karma (2 for each power of ten), "
        "each a mark from 0 to 10.",
    ),
    (
        "viral_score",
        Unit.SCORE,
        2,
        "0.35 votes, 0.35 comments per vote, 0.1 votes per hour and 0.2 freshness, each a mark from 0 to 10.",
    ),
)


def reddit() -> Iterator[Metric]:
    """What is computed from Reddit's posts, communities and accounts."""
    made: dict[str, Metric] = {}
    for source, rows in ((_MENDED, _FIGURES), (_OUR_READING, _SCORES)):
        for name, unit, digits, definition in rows:
            made[name] = Metric(name, definition, unit, REDDIT, Source.COMPUTED, source, digits)
    yield from made.values()
    for name, unit, definition in _OBSERVED:
        yield Metric(name, definition, unit, REDDIT, Source.OBSERVED, "the platform's own count")
    # An author's rhythm is told as that of creators elsewhere.
    yield from (replace(each, platforms=REDDIT) for each in creator() if each.name in _RHYTHM)
    for name, original in _STORED_AS.items():
        definition = f"Copy of {original}."
        yield replace(made[original], name=name, definition=definition, same_as=original)
