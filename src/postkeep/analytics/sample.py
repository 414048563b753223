"""Which posts a figure may be made from: each once, the creator's own, inside the time the lists really show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from .content import Content, Kind, merged, without_hidden
from .result import Excluded, Tally


@dataclass(frozen=True, slots=True)
class Sample:
    """The posts that count, in no order; `starts` says from when on the list of a kind shows every post.

    `common_start` is the time from which all lists do: rhythm is only counted there, for a list that goes back
    further than the other would make its posts look rarer. None: nothing bounds it.
    """

    contents: tuple[Content, ...]
    starts: Mapping[Kind, datetime | None]
    common_start: datetime | None
    tally: Tally

    def of(self, kind: Kind) -> tuple[Content, ...]:
        return tuple(each for each in self.contents if each.kind is kind)

    def dated(self) -> tuple[datetime, ...]:
        """The times in the common window, ascending."""
        times = (each.posted_at for each in self.contents if each.posted_at)
        start = self.common_start
        return tuple(sorted(time for time in times if start is None or time >= start))


def sample_of_lists(lists: Mapping[Kind, Sequence[Content]], *, now: datetime, unreadable: int) -> Sample:
    """What an API's lists tell; a post in both counts once, a pinned one only if its list goes back so far.

    `unreadable` is how many entries of the lists were no posts at all.
    """
    starts = {kind: _start(contents) for kind, contents in lists.items()}
    places: dict[str, list[tuple[Kind, Content]]] = {}
    alone: list[tuple[list[Kind], Content]] = []
    for kind, contents in lists.items():
        for each in contents:
            if each.native_id is None:
                alone.append(([kind], each))
            else:
                places.setdefault(each.native_id, []).append((kind, each))
    together = [([kind for kind, _ in found], merged(each for _, each in found)) for found in places.values()]
    handed = sum(len(contents) for contents in lists.values())
    found = [*alone, *together]
    return _chosen(found, starts, _common(starts, lists), now=now, handed=handed, unreadable=unreadable)


def sample_of_merged(
    contents: Iterable[Content],
    *,
    now: datetime,
    windows: Mapping[Kind, datetime | None] | None = None,
    stands: Mapping[str, Collection[Kind]] | None = None,
) -> Sample:
    """What a store tells, where every post is one row; posts of one id are still merged.

    `windows` says for each kind from when on its newest listing shows every post (None: from the beginning).
    Without it the oldest post that is not pinned begins the window. `stands` says by native id in the newest
    listings of which kinds a post stands, as far as it is in one: a reel that a feed shows is inside when the
    feed goes back so far.
    """
    lists: dict[Kind, list[Content]] = {kind: [] for kind in Kind}
    handed, by_id = 0, dict[str, list[Content]]()
    for each in contents:
        handed += 1
        if each.native_id is None:
            lists[each.kind].append(each)
        else:
            by_id.setdefault(each.native_id, []).append(each)
    for same in by_id.values():
        one = merged(same)
        lists[one.kind].append(one)
    starts = {kind: _start(found) for kind, found in lists.items()} if windows is None else dict(windows)
    every = [(_kinds(each, kind, stands), each) for kind, found in lists.items() for each in found]
    if windows is None or stands is not None:
        common = _common(starts, {kind: [each for kinds, each in every if kind in kinds] for kind in Kind})
    else:
        common = max((at for at in windows.values() if at), default=None)
    return _chosen(every, starts, common, now=now, handed=handed)


def _kinds(each: Content, kind: Kind, stands: Mapping[str, Collection[Kind]] | None) -> list[Kind]:
    return list((stands or {}).get(each.native_id or "", ())) or [kind]


def _start(contents: Iterable[Content]) -> datetime | None:
    """A list goes back to its oldest post; pinned ones stand out of order and say nothing about that."""
    return min((each.posted_at for each in contents if each.posted_at and not each.pinned), default=None)


def _common(starts: Mapping[Kind, datetime | None], lists: Mapping[Kind, Sequence[Content]]) -> datetime | None:
    """A list with less than two posts in order has no span, and bounds nothing."""
    ordered = {
        kind: len({each.posted_at for each in found if each.posted_at and not each.pinned})
        for kind, found in lists.items()
    }
    return max((at for kind, at in starts.items() if at and ordered[kind] >= 2), default=None)


def _chosen(
    found: Iterable[tuple[list[Kind], Content]],
    starts: Mapping[Kind, datetime | None],
    common: datetime | None,
    *,
    now: datetime,
    handed: int,
    unreadable: int = 0,
) -> Sample:
    excluded: Counter[Excluded] = Counter({Excluded.UNREADABLE: unreadable})
    kept: list[Content] = []
    seen = 0
    for kinds, each in found:
        seen += 1
        reason = _reason(each, [starts.get(kind) for kind in kinds], now)
        if reason:
            excluded[reason] += 1
        else:
            kept.append(each)
    excluded[Excluded.DUPLICATE] = handed - seen
    hidden = sum(each.hidden for each in kept)
    alike, other_views = _one_definition([without_hidden(each) for each in kept])
    tally = Tally(
        handed=handed + unreadable,
        counted=len(alike),
        excluded={reason: excluded[reason] for reason in Excluded},
        hidden=hidden,
        unmergeable=sum(each.native_id is None for each in alike),
        undated=sum(each.posted_at is None for each in alike),
        other_views=other_views,
    )
    return Sample(tuple(alike), dict(starts), common, tally)


def _reason(each: Content, starts: Sequence[datetime | None], now: datetime) -> Excluded | None:
    at = each.posted_at
    if not each.own:
        return Excluded.NOT_OWN
    if at and at > now:
        return Excluded.AFTER_NOW
    if at and all(start and at < start for start in starts):
        return Excluded.OUTSIDE_WINDOW
    return None


def _one_definition(contents: Sequence[Content]) -> tuple[list[Content], int]:
    """The contents with views of one definition only, the newest reel's, and how many reels lost theirs for it.

    Other posts have no figure made of views.
    """
    named = [each for each in contents if each.kind is Kind.REEL and each.views is not None and each.views_as]
    if not named:
        return list(contents), 0
    newest = max(named, key=lambda each: (each.posted_at is not None, each.posted_at, each.views_as)).views_as

    def differs(each: Content) -> bool:
        return each.kind is Kind.REEL and each.views is not None and each.views_as not in (None, newest)

    alike = [replace(each, views=None, views_as=None) if differs(each) else each for each in contents]
    return alike, sum(map(differs, contents))
