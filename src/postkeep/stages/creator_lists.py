"""What a creator's newest lists say: from when on its posts are known whole, and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from postkeep.analytics.content import Kind
from postkeep.store.creator_posts import ListWindow

_REELS: Final = "reels"


@dataclass(frozen=True, slots=True)
class NewestLists:
    """The newest list of each kind that there is.

    `starts` says from when on each kind is known whole (None: from the beginning), and is None without any list.
    `stands` has the kinds of lists by the native id of a post in them, `pinned` the ids that stand out of order.
    """

    starts: Mapping[Kind, datetime | None] | None
    stands: Mapping[str, Sequence[Kind]]
    pinned: frozenset[str]


def newest_lists(lists: Sequence[ListWindow]) -> NewestLists:
    """The list that says when reels stood there, and the one for all else; of two as new the longer."""

    def rank(each: ListWindow) -> tuple[datetime, int]:
        return each.observed_at, len(each.posts)

    found: dict[Kind, ListWindow] = {}
    for kind in Kind:
        alike = [each for each in lists if (each.kind == _REELS) is (kind is Kind.REEL)]
        if alike:
            found[kind] = max(alike, key=rank)
    stands: dict[str, list[Kind]] = {}
    for kind, each in found.items():
        for native_id in each.posts:
            stands.setdefault(native_id, []).append(kind)
    pinned = frozenset[str]().union(*(each.pinned for each in found.values()))
    return NewestLists(_starts(found), stands, pinned)


def _starts(newest: Mapping[Kind, ListWindow]) -> dict[Kind, datetime | None] | None:
    """What has no list stands in the other."""
    if not newest:
        return None
    starts = {kind: None if each.complete else each.oldest_posted_at for kind, each in newest.items()}
    (some, *_) = starts.values()
    return {kind: starts.get(kind, some) for kind in Kind}
