"""Near a limit that nothing can leave for, says how large what is asked for may be: who cannot keep, asks not."""

from __future__ import annotations

from postkeep.stages.eviction import Evictor
from postkeep.stages.room import NEARLY
from postkeep.store import Store, bulk

_LAST_BYTES = 64 * 1024 * 1024
"""With less room than this one file is asked for at a time: the next one may be the one that does not fit."""


class Fitting:
    """The cache's limit for one run or command; whether anything may leave is looked up once, near the limit."""

    def __init__(self, evictor: Evictor) -> None:
        self._evictor = evictor
        self._is_closed: bool | None = None

    def knows(self, evictable: int) -> None:
        """Take how many bytes can leave, where that was looked up already."""
        self._is_closed = evictable == 0

    def is_close(self, room: int) -> bool:
        """Whether so little room is left, for good, that files are better asked for one by one."""
        return room <= _LAST_BYTES and self._is_limited(room)

    def most(self, room: int) -> int | None:
        """The most bytes that fit into this room; None as long as more can be made. Raises CacheFull."""
        if not self._is_limited(room):
            return None
        if room > 0:
            return room
        return self.again(0)

    def again(self, most: int) -> int:
        """Try to make room for more than `most` bytes after all, and return what there is. Raises CacheFull."""
        room = self._evictor.make_room(most + 1).room
        if room <= most:
            raise self._evictor.full()
        return room

    def _is_limited(self, room: int) -> bool:
        if room > (1 - NEARLY) * self._evictor.limit:
            return False
        if self._is_closed is None:
            self.knows(self._evictor.room().evictable)
        return bool(self._is_closed)


def is_size_cached(store: Store, size: int) -> bool:
    """Whether some content in the cache has just so many bytes, and so may be the same as one of that size."""
    statement = "SELECT 1 FROM media_files WHERE file_size = ? AND cached_at IS NOT NULL LIMIT 1"
    with store.reading() as tx:
        return bulk.execute(tx, statement, size).scalar() is not None
