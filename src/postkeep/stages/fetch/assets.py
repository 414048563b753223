"""One download for one asset: who fetches it, who waits for it, and what it brought."""

from __future__ import annotations

from collections import OrderedDict

from postkeep.stages.fetch.lane import Asset, Lane
from postkeep.stages.fetch.outcomes import Kept
from postkeep.store.media import Due

_KEPT = 4096

Waiting = list[tuple[Due, Lane]]


class Assets:
    """The assets of a run, for one thread; those that were brought are remembered for a while.

    Rows of one asset find each other here until every page read before its rows were stored is done.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Asset, Waiting | Kept] = OrderedDict()

    def brought(self, row: Due) -> Kept | None:
        """What was brought for this row's asset in this run."""
        found = self._known.get(row.asset)
        return found if isinstance(found, Kept) else None

    def wait(self, row: Due, lane: Lane) -> bool:
        """Let a row wait for the one that fetches its asset; False when nobody does."""
        found = self._known.get(row.asset)
        if not isinstance(found, list):
            return False
        found.append((row, lane))
        return True

    def claim(self, row: Due) -> None:
        """Say that this row fetches its asset; again is as well."""
        self._known.setdefault(row.asset, [])

    def bring(self, row: Due, kept: Kept) -> Waiting:
        """Take what was brought, and return the rows that waited for it."""
        before = self._known.get(row.asset)
        self._known[row.asset] = kept
        while len(self._known) > _KEPT and isinstance(next(iter(self._known.values())), Kept):
            self._known.popitem(last=False)
        return before if isinstance(before, list) else []

    def give_up(self, row: Due) -> Waiting:
        """Say that nobody fetches this asset any more, and return the rows that waited for it."""
        before = self._known.pop(row.asset, None)
        return before if isinstance(before, list) else []
