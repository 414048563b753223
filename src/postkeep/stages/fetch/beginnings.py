"""Beginnings of bodies that broke off, by the asset they are of: its URL may be signed anew, its bytes stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from postkeep.media.cache import Cache
from postkeep.media.partials import Partials
from postkeep.model import Partial
from postkeep.stages.fetch.lane import Flight

_KEPT = timedelta(days=7)


class Beginnings:
    """The beginnings of one run, `keep_bytes` of them at most; where there are none, no file is looked for."""

    def __init__(self, cache: Cache, *, keep_bytes: int, clock: Callable[[], datetime]) -> None:
        self._cache, self._keep_bytes, self._clock = cache, keep_bytes, clock
        self._partials = Partials(cache.root)
        self._any = False

    def prepare(self) -> None:
        """Forget what is too old, and look whether anything is left."""
        self._sweep()
        self._any = self._partials.size() > 0

    def take(self, flight: Flight) -> Partial | None:
        """The beginning of what a flight is to bring, in a place of its own."""
        return self._partials.get(_key(flight), self._cache.spool) if self._any else None

    def keep(self, flight: Flight, partial: Partial) -> None:
        """Keep a beginning; its file is gone from where it was, kept or not."""
        self._any |= self._partials.put(_key(flight), partial)
        self._sweep()

    def drop(self, flight: Flight) -> None:
        """Forget the beginning of what is whole now."""
        if self._any:
            self._partials.drop(_key(flight))

    def _sweep(self) -> None:
        self._partials.sweep(_KEPT, self._clock(), keep_bytes=self._keep_bytes)


def _key(flight: Flight) -> str:
    row = flight.row
    return f"{row.platform} {row.media_key} {flight.other_rendition or row.rendition or ''}"
