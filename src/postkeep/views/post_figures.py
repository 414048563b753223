"""What the library answers about the figures of one post; unknown is None."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VelocityView:
    """What a post gained per hour between two observations; negative when counts were taken back."""

    begin: datetime
    end: datetime
    per_hour: float


@dataclass(frozen=True, slots=True)
class HalfLifeView:
    """How many hours after posting half of the last known engagement was there.

    `at_most`: the first observation had half already. `settled`: the half hardly moves any more.
    """

    hours: float
    at_most: bool
    settled: bool


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Engagement at one time; a `virtual` zero at the time of posting is only drawn, never counted."""

    at: datetime
    engagement: int
    virtual: bool


@dataclass(frozen=True, slots=True)
class PostFigures:
    """A post's figures by the counts observed last.

    `engagement_rate` is in percent of the `followers` known when they were observed. `viral_multiplier` says how
    many times the median of its author's `compared` earlier posts of its kind it has.
    """

    engagement_rate: float | None
    followers: int | None
    followers_at: datetime | None
    viral_multiplier: float | None
    compared: int | None
    velocities: tuple[VelocityView, ...]
    half_life: HalfLifeView | None
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class PostPeople:
    """Whom a post names in its text, who made it together with its author, who is tagged in it.

    Each by username, by the name that is shown where no username is known, in the post's order.
    """

    mentions: tuple[str, ...] = ()
    coauthors: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ()
