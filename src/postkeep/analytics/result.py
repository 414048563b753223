"""What a calculation hands over: the figures, and beside each what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from postkeep.model import Json

VERSION: Final = "1"
"""Changes whenever the same input would give another figure."""

Value = float | int | str | bool | None


class Mode(StrEnum):
    """CORRECTED is ours; COMPAT repeats the predecessor's formulas, flaws included."""

    CORRECTED = "corrected"
    COMPAT = "compat"


class Input(StrEnum):
    """LISTS as an API handed them over; MERGED when every post was one row already."""

    LISTS = "lists"
    MERGED = "merged"


class Excluded(StrEnum):
    """Why a post is in no figure."""

    DUPLICATE = "duplicate"
    NOT_OWN = "not_own"
    OUTSIDE_WINDOW = "outside_window"
    AFTER_NOW = "after_now"
    UNREADABLE = "unreadable"
    STICKIED = "stickied"
    NOT_THERE = "not_there"


@dataclass(frozen=True, slots=True)
class ViralRule:
    """When a post is far above its creator's others; `minimum_sample` counts the posts it is compared with."""

    min_views: int = 50_000
    multiplier: float = 5.0
    minimum_sample: int = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One value and its basis: `counted` of the `of` posts that could count had what it needs.

    `since` is the beginning of the window it covers, where it covers one. Unknown is None, never 0.
    """

    value: Value
    counted: int | None = None
    of: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What came in and what was left out; `unmergeable` counts posts without an id, each taken as one.

    `other_views` counts posts whose views mean something else than the newest ones' and were not used.
    """

    handed: int
    counted: int
    excluded: Mapping[Excluded, int] = field(default_factory=dict)
    hidden: int = 0
    unmergeable: int = 0
    undated: int = 0
    other_views: int = 0


@dataclass(frozen=True, slots=True)
class Analytics:
    """All figures of a creator as of `now`; `zone` names the clock by which days and hours are told.

    In compat mode figures have no basis, and `failed` says where the calculation broke off.
    """

    mode: Mode
    input: Input
    now: datetime
    zone: str
    followers: int | None
    tally: Tally
    figures: Mapping[str, Figure]
    version: str = VERSION
    failed: str | None = None

    def __getitem__(self, name: str) -> Value:
        return self.figures[name].value

    @property
    def values(self) -> dict[str, Value]:
        """The figures alone, in the order of the registry."""
        return {name: figure.value for name, figure in self.figures.items()}

    def as_json(self) -> dict[str, Json]:
        """All of it as JSON values: the figures by name, then how they were made."""
        return {
            **self.values,
            "mode": self.mode.value,
            "version": self.version,
            "input": self.input.value,
            "calculated_at": self.now.isoformat(),
            "zone": self.zone,
            "followers": self.followers,
            "failed": self.failed,
            "sample": _tally(self.tally),
            "basis": {name: _basis(figure) for name, figure in self.figures.items() if figure.of is not None},
        }


def _tally(tally: Tally) -> dict[str, Json]:
    return {
        "handed": tally.handed,
        "counted": tally.counted,
        "excluded": {reason.value: number for reason, number in tally.excluded.items() if number},
        "hidden": tally.hidden,
        "unmergeable": tally.unmergeable,
        "undated": tally.undated,
        "other_views": tally.other_views,
    }


def _basis(figure: Figure) -> dict[str, Json]:
    since = figure.since.isoformat() if figure.since else None
    return {"counted": figure.counted, "of": figure.of, "since": since}
