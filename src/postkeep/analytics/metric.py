"""What a metric is: a name that means one thing, on certain platforms, for a certain time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Unit(StrEnum):
    """What one of a number is; only like units may be divided by each other, and anything by followers."""

    VIEWS = "views"
    INTERACTIONS = "interactions"
    VOTES = "votes"
    FOLLOWERS = "followers"
    PROFILES = "profiles"
    POSTS = "posts"
    PERCENT = "percent"
    RATIO = "ratio"
    PER_WEEK = "per week"
    DAYS = "days"
    HOUR = "hour of the day"
    WEEKDAY = "day of the week"
    CHARACTERS = "characters"
    HASHTAGS = "hashtags"
    SCORE = "score"
    WORD = "word"
    FLAG = "yes or no"
    TIME = "time"
    CALLS = "calls"


class Source(StrEnum):
    """OBSERVED is stored as the platform gave it, COMPUTED is made of that, RECORDED is what a run did itself."""

    OBSERVED = "observed"
    COMPUTED = "computed"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by its definition; a change of definition is another metric, which names this one as predecessor.

    It holds from the UTC day `valid_from` to the day before `valid_to`; None is unbounded. `digits` are shown
    behind the point. `formula_source` says whose formula it is. `same_as` names the metric it is a copy of.
    """

    name: str
    definition: str
    unit: Unit
    platforms: frozenset[str]
    source: Source
    formula_source: str
    digits: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    predecessor: str | None = None
    successor: str | None = None
    same_as: str | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the definition held on that UTC day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )
