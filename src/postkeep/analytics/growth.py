"""How a creator's followers change, told only where two observations really span the time that is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from postkeep.model import Json

_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FollowerRow:
    """One observation of a profile's counts; `observed_at` is aware. Unknown is None, never 0."""

    observed_at: datetime
    followers: int
    following: int | None = None
    posts: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time, and how far two observations may miss it."""

    length: timedelta
    tolerance: timedelta


DAILY: Final = Window(timedelta(hours=24), timedelta(hours=12))
WEEKLY: Final = Window(timedelta(days=7), timedelta(days=2))


@dataclass(frozen=True, slots=True)
class Rate:
    """Growth in percent per window, scaled to it from what was observed: `row` to `until`, `elapsed` apart.

    A shrinking account has a negative rate; 0.0 is a rate, unknown is no Rate at all.
    """

    percent: float
    row: FollowerRow
    until: FollowerRow
    window: Window

    @property
    def elapsed(self) -> timedelta:
        return self.until.observed_at - self.row.observed_at

    def as_json(self) -> dict[str, Json]:
        """The rate and its basis as JSON values, times in hours."""
        return {
            "percent": self.percent,
            "from": self.row.observed_at.isoformat(),
            "from_followers": self.row.followers,
            "until": self.until.observed_at.isoformat(),
            "until_followers": self.until.followers,
            "elapsed_hours": self.elapsed / timedelta(hours=1),
            "window_hours": self.window.length / timedelta(hours=1),
            "tolerance_hours": self.window.tolerance / timedelta(hours=1),
        }


@dataclass(frozen=True, slots=True)
class Growth:
    """Both rates and the newest count that was another one; each None when unknown."""

    daily: Rate | None
    weekly: Rate | None
    previous: FollowerRow | None


def growth(rows: Iterable[FollowerRow], current: FollowerRow) -> Growth:
    """How the followers changed up to `current`; rows in any order, those not before it are ignored."""
    before = sorted((row for row in rows if row.observed_at < current.observed_at), key=_when)
    previous = next((row for row in reversed(before) if row.followers != current.followers), None)
    return Growth(rate(before, current, DAILY), rate(before, current, WEEKLY), previous)


def rate(rows: Sequence[FollowerRow], current: FollowerRow, window: Window) -> Rate | None:
    """Growth over a window, from the row that comes nearest to its length; of two as near the older.

    None when no row lies within the tolerance or it counted nobody.
    """

    def miss(row: FollowerRow) -> timedelta:
        return abs(current.observed_at - row.observed_at - window.length)

    near = [row for row in rows if row.observed_at < current.observed_at and miss(row) <= window.tolerance]
    if not near:
        return None
    row = min(near, key=lambda each: (miss(each), *_when(each)))
    if row.followers <= 0:
        return None
    scale = window.length / (current.observed_at - row.observed_at)
    return Rate((current.followers - row.followers) / row.followers * 100 * scale, row, current, window)


def _when(row: FollowerRow) -> tuple[datetime, int]:
    return row.observed_at, row.followers


# --- what may be written ------------------------------------------------------------------------------------


class Refused(StrEnum):
    """Why an observation is not written down."""

    NO_FOLLOWERS = "no follower count"
    NO_ZONE = "time without a zone"


def checked(
    observed_at: datetime, followers: Json, following: Json = None, posts: Json = None
) -> FollowerRow | Refused:
    """The row to write, or why there is none: a missing or impossible follower count is never taken for zero.

    Counts beside it that are impossible are unknown. A zero the platform states is a count.
    """
    count = _count(followers)
    if count is None:
        return Refused.NO_FOLLOWERS
    if observed_at.tzinfo is None:
        return Refused.NO_ZONE
    return FollowerRow(observed_at, count, _count(following), _count(posts))


def _count(value: Json) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def hour_of(observed_at: datetime) -> datetime:
    """The UTC hour in which only one row of a creator is kept."""
    return observed_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def one_per_hour(rows: Iterable[FollowerRow]) -> tuple[FollowerRow, ...]:
    """The last row of every hour, ascending; the order of the rows does not matter."""
    last = {hour_of(row.observed_at): row for row in sorted(rows, key=_when)}
    return tuple(last[hour] for hour in sorted(last))


# --- as built -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrowthAsBuilt:
    """The predecessor's triple: percent with two digits, and exactly 0 % told as None."""

    daily_growth_rate: float | None = None
    weekly_growth_rate: float | None = None
    previous_followers_count: int | None = None


def growth_as_built(rows: Iterable[FollowerRow], followers: int, now: datetime) -> GrowthAsBuilt:
    """The predecessor's growth: the newest row that is old enough, however old that is, and nothing scaled."""
    ordered = sorted(rows, key=_when, reverse=True)
    return GrowthAsBuilt(
        _rate_as_built(ordered, followers, now - DAILY.length),
        _rate_as_built(ordered, followers, now - WEEKLY.length),
        next((row.followers for row in ordered if row.followers != followers), None),
    )


def _rate_as_built(newest_first: Sequence[FollowerRow], followers: int, latest: datetime) -> float | None:
    row = next((row for row in newest_first if row.observed_at <= latest), None)
    if row is None or row.followers <= 0:
        return None
    return round((followers - row.followers) / row.followers * 100, 2) or None
