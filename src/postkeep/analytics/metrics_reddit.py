"""Reddit's figures as entries of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .metric import Metric, Source, Unit
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
_SCORES: Final = (
    ("user_score", Unit.SCORE, 2, "0.15 name, 0.35 age and 0.5 karma, each a mark from 0 to 10."),
    (
        "viral_score",
        Unit.SCORE,
        2,
        "0.35 votes, 0.35 comments per vote, 0.1 votes per hour and 0.2 freshness, each a mark from 0 to 10.",
    ),
)


def reddit() -> Iterator[Metric]:
    """What is computed from Reddit's posts, communities and accounts."""
    for source, rows in ((_MENDED, _FIGURES), (_OUR_READING, _SCORES)):
        for name, unit, digits, definition in rows:
            yield Metric(name, definition, unit, REDDIT, Source.COMPUTED, source, digits)
