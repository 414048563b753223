"""Every metric there is, by name and platform, and the rule which two numbers may be divided by each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from .compat import DEFAULTS
from .metric import Metric, Unit
from .metrics_creator import creator
from .metrics_observed import observed
from .metrics_reddit import reddit
from .result import Value

METRICS: Final[tuple[Metric, ...]] = (*observed(), *creator(), *reddit())
"""What is observed, then a creator's figures, then Reddit's."""

COMPUTED_50: Final[tuple[str, ...]] = tuple(DEFAULTS)
"""The names of a creator's figures, in the order of a result."""

_BY_PLACE: Final = {(each.name, platform): each for each in METRICS for platform in each.platforms}
_BY_NAME: Final = {each.name: each for each in reversed(METRICS)}
_ALIKE: Final = ({Unit.INTERACTIONS, Unit.VOTES}, {Unit.VIEWS})


@dataclass(frozen=True, slots=True)
class Observed:
    """A number as far as a ratio must know it: which metric, where, and when it was observed (aware)."""

    metric: str
    platform: str
    at: datetime


def metric(name: str, platform: str | None = None) -> Metric | None:
    """The metric of that name on a platform, or the first of that name; None when there is none."""
    return _BY_NAME.get(name) if platform is None else _BY_PLACE.get((name, platform))


def definition_at(name: str, platform: str, at: datetime) -> Metric | None:
    """What a count by that name meant at that time: the metric itself, or one before or after it in line."""
    day, seen = at.astimezone(UTC).date(), set[str]()
    found = metric(name, platform)
    while found and not found.holds_on(day) and found.name not in seen:
        seen.add(found.name)
        earlier = found.valid_from is not None and day < found.valid_from
        following = found.predecessor if earlier else found.successor
        found = metric(following, platform) if following else None
    return found if found and found.holds_on(day) else None


def may_share_ratio(one: Observed, other: Observed) -> bool:
    """Whether one may be divided by the other: same platform, like units (or followers), one definition.

    Counts of one metric before and after its definition changed may not, and neither may one whose definition did
    not hold yet or any more. A value is never zero for being unknown: ask only for what was observed.
    """
    first, second = metric(one.metric, one.platform), metric(other.metric, other.platform)
    if one.platform != other.platform or first is None or second is None:
        return False
    if not (first.holds_on(_day(one)) and second.holds_on(_day(other))):
        return False
    if second.unit is Unit.FOLLOWERS or first.name == second.name:
        return True
    if second.name in (first.predecessor, first.successor):
        return False
    return any(first.unit in units and second.unit in units for units in _ALIKE)


def shown(name: str, value: Value) -> str:
    """A value as people see it, with the digits of its metric; unknown is a dash."""
    known = _BY_NAME.get(name)
    if value is None or known is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{value:,.{known.digits}f}"


def _day(each: Observed) -> date:
    return each.at.astimezone(UTC).date()
