"""Looks at what lies in the cache and no row says is there: orphans, files under wrong names, strangers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from itertools import islice
from queue import Full, Queue
from threading import Event

from postkeep.errors import FileDamaged, FileMissing
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.census import UNREADABLE, Entry, Identity, census, identify, right_paths
from postkeep.media.disk import speaking
from postkeep.model import CachedFile, Digest
from postkeep.stages.mending import Mender, paths_of
from postkeep.store import Store, caching, proving, tombstones
from postkeep.store.proving import Kept
from postkeep.views import Finding

log = get_logger("verify")

_PAGE = 1000
_PAGES_AHEAD = 50
_PATIENCE = 0.2
_RETENTION = "retention"

_Found = tuple[Entry, Identity, Digest]
_Page = Sequence[Entry] | None


class Unclaimed:
    """The files of the cache against its rows; told always, mended with `repair`.

    A process puts files into place before it commits their rows. What looks unclaimed is therefore judged
    again while nobody does that.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        pool: Executor,
        mender: Mender,
        *,
        room: int,
        repair: bool,
        stop: Callable[[], bool],
    ) -> None:
        self.store, self.cache, self.pool, self.mender = store, cache, pool, mender
        self.room, self.repair, self.stop = room, repair, stop
        self.tally = mender.tally
        self._room_left = 0
        self._pages: Queue[_Page] = Queue(_PAGES_AHEAD)
        self._closed = Event()

    def gather(self) -> None:
        """Compare all names with the rows, page by page; for a thread of its own, beside other work.

        Ends when everything was listed or after `close`. Raises CacheError, StoreError.
        """
        try:
            entries = self._census()
            while (page := [*islice(entries, _PAGE)]) and not self._closed.is_set():
                self.tally.strangers += [Finding(entry.path, entry.odd) for entry in page if entry.odd]
                with self.store.reading() as tx:
                    claimed = proving.paths_by_md5(tx, {entry.md5 for entry in page if entry.md5})
                if left := [entry for entry in page if entry.md5 and entry.path not in claimed]:
                    self._put(left)
        finally:
            self._put(None)

    def judge(self) -> None:
        """Hash what was listed as unclaimed, tell what it is, and mend; raises CacheError."""
        while (page := self._pages.get()) is not None and not self.stop():
            self._judge([each for each in self.pool.map(self._identify, page) if each is not None])

    def close(self) -> None:
        """Let `gather` end, although nobody judges what it finds; idempotent."""
        self._closed.set()

    def _put(self, page: _Page) -> None:
        while not self._closed.is_set():
            with suppress(Full):
                self._pages.put(page, timeout=_PATIENCE)
                return

    def _census(self) -> Iterator[Entry]:
        with speaking("listing files", self.cache.root):
            yield from census(self.cache.root)

    def _identify(self, entry: Entry) -> _Found | None:
        if self.stop():
            return None
        try:
            identity = identify(self.cache.root / entry.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in UNREADABLE:
                raise
            log.error("file_unreadable", path=entry.path, reason=error.strerror)
            self.tally.unreadable.append(entry.path)
            return None
        return (entry, identity, identity.digest) if identity.digest is not None else None

    def _judge(self, found: Sequence[_Found]) -> None:
        if not found:
            return
        with self.cache.alone():
            with self.store.reading() as tx:
                rows = _Rows(
                    proving.by_hash(
                        tx,
                        md5={md5 for entry, _, digest in found for md5 in (entry.md5, digest.md5) if md5},
                        sha256={digest.sha256 for _, _, digest in found},
                    )
                )
                stones = [tombstones.of_content(digest.sha256) for _, _, digest in found]
                rows.erased = {stone.id for stone in tombstones.standing(tx, stones)}
                self._room_left = self.room - caching.cached_bytes(tx)
            orphans, wanderers = [], []
            for each in found:
                entry, identity, digest = each
                # Committed, evicted or replaced since it was listed: no longer what was looked at.
                if entry.path in rows.claimed or not self.cache.is_as_proven(entry.path, identity.proof):
                    continue
                self._note_twins(each, rows)
                if _is_damaged(each, rows):
                    self._damaged(entry.path)
                elif identity.kind is None:
                    self.tally.strangers.append(Finding(entry.path, f"not media but {identity.found}"))
                elif identity.stands_for(entry.path):
                    orphans.append(each)
                else:
                    right = right_paths(identity.kind.media_type, identity.kind.extension, digest.md5, None)
                    self.mender.note_misnamed(entry.path, right[0])
                    wanderers.append(each)
            self.tally.orphans += [entry.path for entry, _, _ in orphans]
            if self.repair:
                self._take_up(orphans, rows)
        if self.repair:
            for entry, _, digest in wanderers:
                if _is_retired(rows.of(digest)) or rows.is_erased(digest):
                    self.mender.remove(entry.path)
                else:
                    self.mender.rename(entry.path)

    def _damaged(self, path: str) -> None:
        self.tally.damaged.append(path)
        if self.repair:
            self.mender.set_aside(path)

    def _note_twins(self, found: _Found, rows: _Rows) -> None:
        entry, _, digest = found
        for row in rows.by_md5[digest.md5]:
            if row.sha256 not in (None, digest.sha256):
                self.mender.note_collision(entry.path, row.sha256, digest.sha256)

    def _take_up(self, orphans: Sequence[_Found], rows: _Rows) -> None:
        adopted = []
        for entry, identity, digest in orphans:
            row = rows.of(digest)
            if _is_retired(row) or rows.is_erased(digest) or self._is_spare(row) or not self._has_room(row):
                self.mender.remove(entry.path)
            elif identity.kind is not None:
                adopted.append(CachedFile(entry.path, digest, identity.kind, identity.dimensions, identity.proof))
        self.mender.adopt(adopted)

    def _is_spare(self, row: Kept | None) -> bool:
        """Whether the content is sound under the path that its row names."""
        if row is None or not row.cached or row.path not in paths_of(row):
            return False
        try:
            self.cache.prove(row.path, sha256=row.sha256, md5=row.md5_sum, strict=True)
        except (FileMissing, FileDamaged):
            return False
        return True

    def _has_room(self, row: Kept | None) -> bool:
        """Whether evicted content may come back; what never was evicted is part of the cache already."""
        if row is None or row.evicted_because is None:
            return True
        self._room_left -= row.size
        return self._room_left >= 0


class _Rows:
    """The rows that know these hashes."""

    def __init__(self, rows: Sequence[Kept]) -> None:
        self.by_md5: defaultdict[str, list[Kept]] = defaultdict(list)
        for row in rows:
            self.by_md5[row.md5_sum].append(row)
        self._by_sha256 = {row.sha256: row for row in rows}
        self.claimed = {row.path for row in rows if row.cached}
        self.erased: set[str] = set()

    def of(self, digest: Digest) -> Kept | None:
        """The row of this very content."""
        return self._by_sha256.get(digest.sha256)

    def is_erased(self, digest: Digest) -> bool:
        """Whether the content was erased, and no row knows it again since."""
        return digest.sha256 in self.erased and digest.sha256 not in self._by_sha256

    def knows(self, md5: str | None) -> bool:
        return md5 in self.by_md5


def _is_damaged(found: _Found, rows: _Rows) -> bool:
    """Whether the name states an MD5 that the content should have: media nobody knows are only named wrongly."""
    entry, identity, digest = found
    if entry.md5 == digest.md5:
        return False
    return identity.kind is None or (rows.knows(entry.md5) and rows.of(digest) is None)


def _is_retired(row: Kept | None) -> bool:
    """Whether a retention policy took the content out: it must not come back by itself."""
    return row is not None and not row.cached and (row.evicted_because or "").startswith(_RETENTION)
