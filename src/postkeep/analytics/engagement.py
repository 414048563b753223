"""The two figures a single post has: how many of the followers it moved, and how far it is above the others."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from .result import Mode


def calculate_engagement_rate(
    likes: int | None, comments: int | None, followers: int | None, *, mode: Mode = Mode.CORRECTED
) -> float | None:
    """Likes and comments as percent of the followers known at that time, rounded to two digits.

    None when one of the three is unknown or there are no followers; in compat mode 0, as was stored before.
    """
    if Mode(mode) is Mode.COMPAT:
        return round(((likes or 0) + (comments or 0)) / followers * 100, 2) if followers else 0
    if likes is None or comments is None or not followers:
        return None
    return round((likes + comments) / followers * 100, 2)


def medians_of_earlier(
    others: Iterable[tuple[datetime, int]], moments: Iterable[datetime], *, minimum: int
) -> list[float | None]:
    """For each moment the median of what was posted before it, which a post at that moment cannot move.

    None where fewer than `minimum` were. The medians stand in the order of the moments.
    """
    waiting, earlier = deque(sorted(others)), list[int]()
    asked = list(moments)
    medians: list[float | None] = [None] * len(asked)
    for place in sorted(range(len(asked)), key=asked.__getitem__):
        while waiting and waiting[0][0] < asked[place]:
            insort(earlier, waiting.popleft()[1])
        if len(earlier) >= max(1, minimum):
            middle = len(earlier) // 2
            medians[place] = (earlier[middle] + earlier[~middle]) / 2
    return medians


def viral_multiplier(
    value: int | None, posted_at: datetime, others: Sequence[tuple[datetime, int]], *, minimum: int = 5
) -> float | None:
    """How many times the median of the earlier posts of its kind this one has, rounded to two digits.

    `others` are (posted at, the same count) of the creator's own posts that are not pinned. None when the count is
    unknown, fewer than `minimum` are earlier, or their median is 0.
    """
    (median,) = medians_of_earlier(others, [posted_at], minimum=minimum)
    return None if value is None or not median else round(value / median, 2)


def viral_multiplier_as_built(views: int | None, stored: Sequence[int | None]) -> float | None:
    """The predecessor's: views over the mean of all stored reels with views, the judged one among them.

    Source: its SQL function of 2025-01, which looks only at reels with at least 50,000 plays.
    """
    counted = [value for value in stored if value]
    return round(views / (sum(counted) / len(counted)), 2) if views and counted else None
