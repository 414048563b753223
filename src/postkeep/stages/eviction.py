"""Makes room in the cache by what can come back, and takes files out of it in an order that survives a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from postkeep.config import Config
from postkeep.errors import CacheFull, FileMissing, StoreError
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.platforms import urls
from postkeep.points import passing
from postkeep.stages.room import Room, cache_full
from postkeep.store import Store, caching, keeping, renditions
from postkeep.store.keeping import Kept

log = get_logger("eviction")

FULL_ENOUGH = 0.9
"""How full the cache is left by making room, so that the next file does not have to ask again."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Freed:
    """What left the cache, and how many bytes are free below the limit now (below zero: over it)."""

    files: int
    bytes: int
    room: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """A content on its way out; `because` is what its row says: lru, archived, made, or retention:POLICY."""

    kept: Kept
    because: str


def lasts(url: str, until: datetime) -> bool:
    """Whether a URL's own signature, if it has one, holds until then."""
    address = urls.split(url)
    ends = urls.expiry(address) if address is not None else None
    return ends is None or ends > until


def why_it_may_go(kept: Kept, evict: str) -> str | None:
    """Why a content nobody uses may make room under this rule (archived, lru); None when it has to stay."""
    if kept.held or kept.incomplete or kept.sha256 is None:
        return None
    if kept.made:
        return renditions.MADE
    if kept.archived:
        return "archived"
    return "lru" if evict == "lru" and kept.linked else None


class Evictor:
    """Makes room below `cache.max_bytes` as `cache.evict` says; several processes may do so together."""

    def __init__(self, store: Store, cache: Cache, config: Config, *, clock: Callable[[], datetime]) -> None:
        self.store, self.cache, self.clock = store, cache, clock
        self.limit, self.rule = config.cache.max_bytes, config.cache.evict

    def make_room(self, need: int) -> Freed:
        """Free at least `need` bytes below the limit, and down to 90 % of it when that takes more files away.

        `need` is all that is on its way in and in no row yet. The least recently used go first. When so much
        cannot be freed, nothing leaves: look at `room`. Raises CacheError, StoreError.
        """
        with self.store.reading() as tx:
            used = caching.cached_bytes(tx)
        now = self.clock()
        least = used + need - self.limit
        if least <= 0 or not self._could_free(least, now):
            return Freed(0, 0, self.limit - used)
        wish = max(least, used - int(self.limit * FULL_ENOUGH))
        files = freed = 0
        for page in self._pages(self.rule, now):
            chosen, coming = [], 0
            for kept in page:
                if freed + coming >= wish:
                    break
                chosen.append(kept.file_id)
                coming += kept.size
            gone = take_out(self.store, self.cache, partial(self._still, file_ids=chosen, now=now), now)
            files += len(gone)
            freed += sum(each.kept.size for each in gone)
            if freed >= wish:
                break
        log.info("room_made", files=files, bytes=freed, used=used - freed, limit=self.limit)
        return Freed(files, freed, self.limit - used + freed)

    def room(self) -> Room:
        """How the cache stands to its limit, and what could leave it now; reads all rows of cached files."""
        with self.store.reading() as tx:
            used = caching.cached_bytes(tx)
        under = {rule: self._evictable(rule) for rule in dict.fromkeys((self.rule, "lru"))}
        return Room(self.limit, used, self.rule, under[self.rule], under["lru"])

    def full(self) -> CacheFull:
        """The error for a file that does not fit, with what could be done about it."""
        return cache_full(self.limit, self.room())

    def _evictable(self, rule: str) -> int:
        return sum(kept.size for page in self._pages(rule, self.clock()) for kept in page)

    def _could_free(self, least: int, now: datetime) -> bool:
        found = 0
        for page in self._pages(self.rule, now):
            found += sum(kept.size for kept in page)
            if found >= least:
                return True
        return False

    def _pages(self, rule: str, now: datetime) -> Iterator[list[Kept]]:
        """What may go: what can be made again, then the least recently used; holds no connection between pages."""
        last = ""
        while True:
            with self.store.reading() as tx:
                page = keeping.made_of_others(tx, last, now, limit=_PAGE, lasts=lasts)
            if not page:
                break
            last = page[-1].file_id
            if able := [kept for kept in page if kept.made and why_it_may_go(kept, rule)]:
                yield able
        after = None
        while True:
            with self.store.reading() as tx:
                page = keeping.by_use(tx, after, now, limit=_PAGE, lasts=lasts)
            if not page:
                return
            after = keeping.key_of(page[-1])
            if able := [kept for kept in page if not kept.made and why_it_may_go(kept, rule)]:
                yield able

    def _still(self, tx: Connection, *, file_ids: list[str], now: datetime) -> list[Leaving]:
        idle = now - keeping.IN_USE
        return [
            Leaving(kept, because)
            for kept in keeping.locked(tx, file_ids, now, lasts=lasts)
            if (kept.last_used_at is None or kept.last_used_at < idle)
            and (because := why_it_may_go(kept, self.rule)) is not None
        ]


def take_out(
    store: Store, cache: Cache, choose: Callable[[Connection], list[Leaving]], now: datetime
) -> list[Leaving]:
    """Take what `choose` finds in its transaction out of the cache; returns it. A few hundred at once.

    Row first, bytes second, with the cache to ourselves. Which files are on their way is remembered with the
    rows, so that what a crash leaves is removed by the next call, of whatever process. Raises CacheError.
    """
    with cache.alone():
        with store.writing() as tx:
            paths = dict.fromkeys(keeping.unfinished(tx))
            leaving = choose(tx)
            paths |= dict.fromkeys((each.kept.file_id, each.kept.path) for each in leaving)
            keeping.mark_removed(tx, [(each.kept.file_id, each.because) for each in leaving], now)
            if paths:
                keeping.begin_removal(tx, list(paths), now)
        passing("rows_evicted")
        for _, path in paths:
            try:
                cache.remove(path)
            except FileMissing as error:
                # A row with a path that is none of ours must not stand in the way of all others for good.
                log.error("file_not_removed", path=path, reason=error.message)
        cache.sync_directories()
        passing("bytes_evicted")
        with store.writing() as tx:
            keeping.end_removal(tx)
    for each in leaving:
        log.info(
            "file_removed",
            because=each.because,
            sha256=each.kept.sha256,
            path=each.kept.path,
            size=each.kept.size,
            file_id=each.kept.file_id,
        )
    return leaving


def finish_removals(store: Store, cache: Cache, now: datetime) -> None:
    """End what a process that died left half removed; costs one look when there is nothing. Idempotent."""
    with store.reading() as tx:
        if not keeping.is_unfinished(tx):
            return
    take_out(store, cache, lambda tx: [], now)


def note_use(store: Store, file_ids: Sequence[str], now: datetime) -> None:
    """Note that these files are given out, before they are: what is in use does not make room.

    Costs a write at most every ten minutes for a file, and is left out where the database cannot be written.
    """
    with store.reading() as tx:
        unnoted = keeping.used_long_ago(tx, file_ids, now)
    if unnoted:
        try:
            with store.writing() as tx:
                keeping.touch(tx, unnoted, now)
        except StoreError as error:
            log.debug("use_not_noted", files=len(unnoted), reason=error.message)
