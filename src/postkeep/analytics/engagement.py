"""The two figures a single post has: how many of the followers it moved, and how far it is above the others."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime

from .result import Mode


def calculate_engagement_rate(
    likes: int | None, comments: int | None, followers: int | None, *, mode: Mode = Mode.CORRECTED
) -> float | None:
    """Likes and comments as percent of the followers known at that time, rounded to two digits.

    None when one of the three is unknown or there are no followers; in compat mode 0, as was stored before.
    """
    if mode is Mode.COMPAT:
        return round(((likes or 0) + (comments or 0)) / followers * 100, 2) if followers else 0
    if likes is None or comments is None or not followers:
        return None
    return round((likes + comments) / followers * 100, 2)


def median_of_earlier(
    others: Iterable[tuple[datetime, int]], posted_at: datetime, *, minimum: int
) -> float | None:
    """The median of what was posted before, which the post itself cannot move; None below `minimum` posts."""
    earlier = [value for at, value in others if at < posted_at]
    return statistics.median(earlier) if len(earlier) >= max(1, minimum) else None


def viral_multiplier(
    value: int | None, posted_at: datetime, others: Sequence[tuple[datetime, int]], *, minimum: int = 5
) -> float | None:
    """How many times the median of the earlier posts of its kind this one has, rounded to two digits.

    `others` are (posted at, the same count) of the creator's own posts that are not pinned. None when the count is
    unknown, fewer than `minimum` are earlier, or their median is 0.
    """
    median = median_of_earlier(others, posted_at, minimum=minimum)
    return None if value is None or not median else round(value / median, 2)


def viral_multiplier_as_built(views: int | None, stored: Sequence[int | None]) -> float | None:
    """The predecessor's: views over the mean of all stored reels with views, the judged one among them.

    Source: its SQL function of 2025-01, which looks only at reels with at least 50,000 plays.
    """
    counted = [value for value in stored if value]
    return round(views / (sum(counted) / len(counted)), 2) if views and counted else None
