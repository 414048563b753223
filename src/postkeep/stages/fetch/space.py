"""What is left of the cache's limit for a run: every body takes its bytes from it before it gets its name."""

from __future__ import annotations

from collections import deque

from postkeep.log import get_logger
from postkeep.media.cache import Cache, Staged
from postkeep.stages.eviction import Evictor
from postkeep.stages.fetch.storing import Storing
from postkeep.stages.fitting import Fitting
from postkeep.stages.room import NEARLY, nearly_full

log = get_logger("fetch")


class Space:
    """The bytes a run may still bring, for one thread; makes room at the limit, or raises CacheFull.

    `given_back` are bytes that were thought new and were in the cache already, said by the thread that stores.
    """

    def __init__(
        self, cache: Cache, evictor: Evictor, storing: Storing, *, limit: int, given_back: deque[int]
    ) -> None:
        self._cache, self._evictor, self._storing = cache, evictor, storing
        self._limit, self._given_back = limit, given_back
        self._room = limit
        self._fitting = Fitting(evictor)

    def prepare(self, used: int) -> None:
        """Take how many bytes the cache holds, and say so when it is nearly full."""
        self._room = self._limit - used
        if used > NEARLY * self._limit:
            room = self._evictor.room()
            self._fitting.knows(room.evictable)
            log.warning("cache_nearly_full", told=nearly_full(room))

    def is_close(self) -> bool:
        """Whether so little is left, for good, that files are better asked for one by one."""
        return self._fitting.is_close(self._room)

    def most(self) -> int | None:
        """The most bytes that fit; None as long as room can be made. Raises CacheFull."""
        self._take_back()
        return self._fitting.most(self._room)

    def take_for(self, staged: Staged) -> None:
        """Take a file's bytes; its file is gone when that raises."""
        size = staged.digest.size
        self._take_back()
        try:
            if size > self._room and self._cache.locate(staged.digest, staged.kind) is None:
                self.make(size - 1)
        except BaseException:
            self._cache.discard(staged)
            raise
        self._room -= size

    def take(self, size: int) -> None:
        """Take bytes that come from the archive; raises CacheFull."""
        self._take_back()
        if size > self._room:
            self.make(size - 1)
        self._room -= size

    def make(self, most: int) -> None:
        """Make room for more than `most` bytes, beside all that came; raises CacheFull."""
        self._storing.now()
        self._given_back.clear()
        self._room = self._fitting.again(most)

    def _take_back(self) -> None:
        while self._given_back:
            self._room += self._given_back.popleft()
