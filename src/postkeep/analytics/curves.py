"""How a single post's numbers move between its snapshots: speed, half-life, and the curve as it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from postkeep.model import Metrics

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_SETTLED: Final = 0.01


@dataclass(frozen=True, slots=True)
class Point:
    """A count at one observed time; a `virtual` one is only drawn, never counted."""

    at: datetime
    value: int
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Velocity:
    """What a post gained per hour between two snapshots; negative when counts were taken back."""

    begin: datetime
    end: datetime
    per_hour: float


@dataclass(frozen=True, slots=True)
class HalfLife:
    """How long after posting half of the last known count was there.

    `at_most` when the first snapshot had half already, so that the true one may be shorter. `settled` says that at
    the speed of the last stretch a day adds less than one percent, so that the half hardly moves any more.
    """

    after: timedelta
    at_most: bool
    total: int
    snapshots: int
    settled: bool


def engagement_of(metrics: Metrics) -> int | None:
    """Likes (reactions where a platform has no likes) and comments; None when one is unknown or hidden."""
    likes = metrics.reactions if metrics.likes is None else metrics.likes
    if metrics.hidden or likes is None or metrics.comments is None:
        return None
    return likes + metrics.comments


def curve(
    snapshots: Iterable[tuple[datetime, Metrics]], measure: Callable[[Metrics], int | None] = engagement_of
) -> tuple[Point, ...]:
    """The known counts, ascending in time; of two at one time the larger, unknown ones are left out."""
    known: dict[datetime, int] = {}
    for at, metrics in snapshots:
        value = measure(metrics)
        if value is not None:
            known[at] = max(value, known.get(at, value))
    return tuple(Point(at, known[at]) for at in sorted(known))


def velocities(points: Sequence[Point]) -> tuple[Velocity, ...]:
    """The speed between each two neighbours that were observed."""
    return tuple(
        Velocity(one.at, two.at, (two.value - one.value) / ((two.at - one.at) / _HOUR))
        for one, two in pairwise(_observed(points))
    )


def half_life(points: Sequence[Point], posted_at: datetime | None) -> HalfLife | None:
    """When half of the last count was reached, between two snapshots as on a straight line.

    None without the time of posting, with less than two snapshots after it, or when nothing was gained.
    """
    seen = [point for point in _observed(points) if posted_at and point.at >= posted_at]
    if posted_at is None or len(seen) < 2 or seen[-1].value <= 0:
        return None
    half = seen[-1].value / 2
    settled = _is_settled(seen)
    if seen[0].value >= half:
        return HalfLife(seen[0].at - posted_at, True, seen[-1].value, len(seen), settled)
    one, two = next((one, two) for one, two in pairwise(seen) if two.value >= half)
    crossed = one.at + (two.at - one.at) * ((half - one.value) / (two.value - one.value))
    return HalfLife(crossed - posted_at, False, seen[-1].value, len(seen), settled)


def _is_settled(seen: Sequence[Point]) -> bool:
    """Whether the speed of the last stretch, kept up for a day, would add less than a hundredth."""
    one, two = seen[-2:]
    return abs(two.value - one.value) * (_DAY / (two.at - one.at)) < _SETTLED * two.value


def with_virtual_zero(points: Sequence[Point], posted_at: datetime | None) -> tuple[Point, ...]:
    """The curve as it is drawn: from zero at posting, marked as virtual.

    For a repost hand over the original's time, or None. A curve that was first seen at or before that time has no
    such point.
    """
    if not points or posted_at is None or points[0].at <= posted_at:
        return tuple(points)
    return (Point(posted_at, 0, virtual=True), *points)


def _observed(points: Iterable[Point]) -> list[Point]:
    return [point for point in points if not point.virtual]
