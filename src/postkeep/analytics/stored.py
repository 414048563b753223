"""The 24 fields a creator is stored with, each of them named, so that what became unknown is written as such."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from .growth import Growth, GrowthAsBuilt
from .result import Analytics, Value

_FROM_FIGURES: Final[Mapping[str, str]] = {
    "avg_views_per_reel_cached": "avg_reel_views",
    **{
        name: name
        for kind in ("reel", "post")
        for name in (f"avg_{count}_per_{kind}_cached" for count in ("likes", "comments", "saves", "shares"))
    },
    "avg_engagement_rate": "avg_engagement_rate",
    "engagement_rate_cached": "engagement_rate",
    "save_to_like_ratio": "save_to_like_ratio",
    "best_content_type": "best_content_type",
    "viral_content_count_cached": "viral_content_count",
    "viral_threshold_multiplier": "viral_threshold_multiplier",
    "posting_frequency_per_week": "posting_frequency_per_week",
    "posting_consistency_score": "posting_consistency_score",
    "last_post_days_ago": "last_post_days_ago",
}

STORED_FIELDS: Final = (
    *_FROM_FIGURES,
    "last_scraped_at",
    "total_api_calls",
    "follower_growth_rate_daily",
    "follower_growth_rate_weekly",
    "previous_followers_count",
    "followers_last_updated",
)
"""The 24, in the order in which they are written."""

ADDED: Final = "total_api_calls"
"""The one field that is added to what is stored; all others replace it."""


def stored_fields(
    analytics: Analytics,
    growth: Growth | GrowthAsBuilt | None,
    *,
    api_calls: int,
    scraped_at: datetime | None,
    followers_updated_at: datetime | None,
) -> dict[str, Value | datetime]:
    """All 24 fields; None is to be written as NULL. `api_calls` are those of this run, to be added by the store.

    What nothing was calculated from is zero in a compat result, and stays so.
    """
    fields: dict[str, Value | datetime] = {name: analytics[figure] for name, figure in _FROM_FIGURES.items()}
    fields["last_scraped_at"] = scraped_at
    fields[ADDED] = api_calls
    fields |= _grown(growth)
    fields["followers_last_updated"] = followers_updated_at
    return fields


def _grown(growth: Growth | GrowthAsBuilt | None) -> dict[str, Value]:
    daily: float | None = None
    weekly: float | None = None
    previous: int | None = None
    if isinstance(growth, Growth):
        daily = growth.daily.percent if growth.daily else None
        weekly = growth.weekly.percent if growth.weekly else None
        previous = growth.previous.followers if growth.previous else None
    elif growth:
        daily, weekly = growth.daily_growth_rate, growth.weekly_growth_rate
        previous = growth.previous_followers_count
    return {
        "follower_growth_rate_daily": daily,
        "follower_growth_rate_weekly": weekly,
        "previous_followers_count": previous,
    }
