"""What is stored of a creator: 24 fields, each written, the unknown ones as unknown."""

from __future__ import annotations

import pytest

from postkeep.analytics.engagement import (
    calculate_engagement_rate,
    viral_multiplier,
    viral_multiplier_as_built,
)
from postkeep.analytics.growth import FollowerRow, growth, growth_as_built
from postkeep.analytics.result import Mode
from postkeep.analytics.stored import STORED_FIELDS, stored_fields
from tests.analytics.lists import DAY, NOW, both, raw, reel


def test_all_24_are_written() -> None:
    compat, corrected = both([reel(1, play_count=10, like_count=4, comment_count=1)], [raw(2, like_count=3)])
    rows = [FollowerRow(NOW - DAY, 1000), FollowerRow(NOW - 7 * DAY, 800)]
    current = FollowerRow(NOW, 1000)
    fields = stored_fields(
        corrected, growth(rows, current), api_calls=4, scraped_at=NOW, followers_updated_at=NOW - DAY
    )
    assert tuple(fields) == STORED_FIELDS
    assert fields == {
        "avg_views_per_reel_cached": 10,
        "avg_likes_per_reel_cached": 4,
        "avg_comments_per_reel_cached": 1,
        "avg_saves_per_reel_cached": None,
        "avg_shares_per_reel_cached": None,
        "avg_likes_per_post_cached": 3,
        "avg_comments_per_post_cached": None,
        "avg_saves_per_post_cached": None,
        "avg_shares_per_post_cached": None,
        "avg_engagement_rate": 0.5,
        "engagement_rate_cached": 0.5,
        "save_to_like_ratio": None,
        "best_content_type": None,
        "viral_content_count_cached": None,
        "viral_threshold_multiplier": 5.0,
        "posting_frequency_per_week": 7,
        "posting_consistency_score": None,
        "last_post_days_ago": 1,
        "last_scraped_at": NOW,
        "total_api_calls": 4,
        "follower_growth_rate_daily": 0.0,
        "follower_growth_rate_weekly": 25,
        "previous_followers_count": 800,
        "followers_last_updated": NOW - DAY,
    }
    as_built = stored_fields(
        compat, growth_as_built(rows, 1000, NOW), api_calls=4, scraped_at=None, followers_updated_at=None
    )
    assert tuple(as_built) == STORED_FIELDS
    assert (as_built["avg_saves_per_reel_cached"], as_built["follower_growth_rate_daily"]) == (0, None)
    assert (as_built["follower_growth_rate_weekly"], as_built["previous_followers_count"]) == (25, 800)
    unknown = stored_fields(corrected, None, api_calls=0, scraped_at=None, followers_updated_at=None)
    assert unknown["follower_growth_rate_daily"] is unknown["previous_followers_count"] is None


@pytest.mark.parametrize(
    ("counts", "corrected", "compat"),
    [
        ((948, 35, 108221), 0.91, 0.91),
        ((0, 0, 10), 0.0, 0.0),
        ((5, 5, None), None, 0),
        ((5, 5, 0), None, 0),
        ((None, 5, 100), None, 5.0),
        ((5, None, 100), None, 5.0),
    ],
)
def test_the_rate_of_one_post(
    counts: tuple[int | None, int | None, int | None], corrected: float | None, compat: float
) -> None:
    assert calculate_engagement_rate(*counts) == corrected
    assert calculate_engagement_rate(*counts, mode=Mode.COMPAT) == compat


def test_the_multiplier_of_one_post() -> None:
    others = [(NOW - number * DAY, views) for number, views in enumerate([9, 100, 100, 300, 100, 900], 1)]
    assert viral_multiplier(1000, NOW, others) == 10
    assert viral_multiplier(1000, NOW - DAY, others) == 10
    assert viral_multiplier(1000, NOW - 2 * DAY, others) is None
    assert viral_multiplier(1000, NOW, others, minimum=7) is None
    assert viral_multiplier(None, NOW, others) is None
    assert viral_multiplier(1000, NOW, [(at, 0) for at, _ in others]) is None
    assert viral_multiplier_as_built(1000, [1000, 500, 0, None]) == 1.33
    assert viral_multiplier_as_built(None, [1000]) is None
