"""What the corrected figures are made from: how many posts tell a count, and how much that is together.

The figures have one set of formulas, over these sums; counting them is done post by post here, and a column at a
time in columns.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from .content import Content, Kind, hashtags
from .engagement import medians_of_earlier
from .result import Tally, ViralRule
from .sample import Sample

COUNTED: Final = ("views", "likes", "comments", "saves", "shares", "engagement")
"""What is counted of each post."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = 3_600_000_000
_DAYS: Final = 7
_HOURS: Final = 24
_THURSDAY: Final = 3


@dataclass(frozen=True, slots=True)
class Sum:
    """Of how many posts something is known, and how much that is together."""

    counted: int
    total: int


@dataclass(frozen=True, slots=True)
class Share:
    """Two sums over the `counted` posts of which both are known."""

    counted: int
    above: int
    below: int


@dataclass(frozen=True, slots=True)
class KindSums:
    """The posts of one kind; `sums` has what COUNTED names, `since` is from when on its list shows every post."""

    posts: int
    sums: Mapping[str, Sum]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Of how many posts it is known whether they are viral, and how many are."""

    counted: int
    viral: int


@dataclass(frozen=True, slots=True)
class Captions:
    """Captions of posts that are no reels: known ones, the `written` that are not empty, their signs and tags."""

    known: int
    written: int
    signs: int
    tags: int


@dataclass(frozen=True, slots=True)
class Sums:
    """A creator's posts as far as figures ask for them.

    `newest` is when the last one came; `times` are those of the window that all lists show, from `since` on:
    microseconds since 1970, ascending.
    """

    tally: Tally
    kinds: Mapping[Kind, KindSums]
    comments_to_likes: Share
    saves_to_likes: Share
    judged: Judged
    captions: Captions
    newest: datetime | None
    times: Sequence[int]
    since: datetime | None

    @property
    def posts(self) -> int:
        return sum(each.posts for each in self.kinds.values())

    def both(self, name: str) -> Sum:
        """A sum over the posts of every kind."""
        sums = [each.sums[name] for each in self.kinds.values()]
        return Sum(sum(each.counted for each in sums), sum(each.total for each in sums))


def sums_of(sample: Sample, viral: ViralRule) -> Sums:
    """Count a sample post by post; their order does not matter."""
    every = sample.contents
    return Sums(
        sample.tally,
        {kind: _kind(sample, kind) for kind in Kind},
        _share(every, "comments"),
        _share(every, "saves"),
        _judged(sample, viral),
        _captions(sample.of(Kind.POST)),
        max((each.posted_at for each in every if each.posted_at), default=None),
        [microseconds(at) for at in sample.dated()],
        sample.common_start,
    )


def _kind(sample: Sample, kind: Kind) -> KindSums:
    contents = sample.of(kind)
    return KindSums(len(contents), {name: _sum(contents, name) for name in COUNTED}, sample.starts.get(kind))


def _sum(contents: Iterable[Content], name: str) -> Sum:
    values = [value for each in contents if (value := getattr(each, name)) is not None]
    return Sum(len(values), sum(values))


def _share(contents: Iterable[Content], name: str) -> Share:
    both = [
        (value, each.likes)
        for each in contents
        if (value := getattr(each, name)) is not None and each.likes is not None
    ]
    return Share(len(both), sum(value for value, _ in both), sum(likes for _, likes in both))


def _captions(posts: Iterable[Content]) -> Captions:
    known = [each.caption for each in posts if each.caption is not None]
    written = [caption for caption in known if caption]
    return Captions(len(known), len(written), sum(map(len, written)), sum(map(hashtags, written)))


# --- viral --------------------------------------------------------------------------------------------------


def _judged(sample: Sample, rule: ViralRule) -> Judged:
    """Reels by their views, posts by their engagement, each against the earlier ones of its kind."""
    judged = [
        *_verdicts(sample.of(Kind.REEL), lambda each: each.views, rule, rule.min_views),
        *_verdicts(sample.of(Kind.POST), lambda each: each.engagement, rule, 0),
    ]
    return Judged(len(judged), sum(judged))


def _verdicts(
    contents: Iterable[Content], count: Callable[[Content], int | None], rule: ViralRule, least: int
) -> list[bool]:
    """Whether each post is viral that can be judged: dated, its count known, with enough earlier ones."""
    known = [
        (each.posted_at, value, each.pinned)
        for each in contents
        if each.posted_at and (value := count(each)) is not None
    ]
    basis = [(at, value) for at, value, pinned in known if not pinned]
    medians = medians_of_earlier(basis, [at for at, _, _ in known], minimum=rule.minimum_sample)
    return [
        value >= least and value >= rule.multiplier * median
        for (_, value, _), median in zip(known, medians, strict=True)
        if median
    ]


# --- days and hours -----------------------------------------------------------------------------------------


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def time_of(stamp: int) -> datetime:
    return _EPOCH + stamp * _MICROSECOND


class Clock(dict[int, int | None]):
    """How far a zone's clocks are ahead of UTC in microseconds, by hours since 1970; None where they are moved.

    A zone is asked about each hour once, for it takes longer than all else that is done with a time.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone

    def __missing__(self, hour: int) -> int | None:
        first, last = self._ahead(hour * _HOUR), self._ahead((hour + 1) * _HOUR - 1)
        self[hour] = found = first if first == last else None
        return found

    def _ahead(self, time: int) -> int:
        ahead = time_of(time).astimezone(self.zone).utcoffset()
        return (ahead or timedelta()) // _MICROSECOND

    def slots(self, times: Iterable[int]) -> list[int]:
        """The hour of the week of each time, 0 for Monday's first."""
        found = []
        for time in times:
            ahead = self[time // _HOUR]
            local = time + (self._ahead(time) if ahead is None else ahead)
            found.append((local // _HOUR + _THURSDAY * _HOURS) % (_DAYS * _HOURS))
        return found


def busiest(slots: Iterable[int]) -> tuple[int, int] | None:
    """The day of the week and the hour with most times; of equals the one met first. None for no time."""
    # Counter keeps the order of first sight.
    hours = list(slots)
    if not hours:
        return None
    [(day, _)] = Counter(each // _HOURS for each in hours).most_common(1)
    [(hour, _)] = Counter(each % _HOURS for each in hours).most_common(1)
    return day, hour
