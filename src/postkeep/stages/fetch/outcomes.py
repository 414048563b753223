"""Outcomes of a fetch gathered into batches: bytes to the disk, names, rows, and then the journal forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from postkeep.errors import CacheError
from postkeep.ids import IdFactory
from postkeep.log import get_logger, together
from postkeep.media.cache import Cache, Staged
from postkeep.media.entry import JournalEntry
from postkeep.media.journal import Journal, Token
from postkeep.media.whole import is_whole
from postkeep.model import CachedFile, Stage
from postkeep.points import passing
from postkeep.stages.fetch.figures import Figures
from postkeep.stages.hosts import host_of
from postkeep.store import Store, bulk, caching, families, hosts, keeping, leases, media, renditions, runs, work
from postkeep.store.hosts import HostState
from postkeep.store.media import Arrival, Due, Failure
from postkeep.store.places import PLACES
from postkeep.store.renditions import Made

log = get_logger("fetch")

MOST = 200
OLDEST_SECONDS = 1.0
_MOST_REPEATED = 20_000
BEAT_SECONDS = 15.0
"""How often the lease is renewed while no outcome comes; others wait two minutes before they take it."""


@dataclass(slots=True)
class Kept:
    """Content on its way into the cache: staged until its batch is stored, then a file in its place.

    `incomplete` when its source has no more of it, `milliseconds` how long its download took. `url` and
    `rendition` are where it came from and as what, where that is not what its row says.
    """

    staged: Staged | None
    file: CachedFile | None = None
    incomplete: bool = False
    milliseconds: int = 0
    token: Token = ""
    url: str | None = None
    rendition: str | None = None

    @property
    def size(self) -> int:
        if self.file is not None:
            return self.file.digest.size
        assert self.staged is not None, "content is either staged or in its place"
        return self.staged.digest.size


@dataclass(slots=True)
class _Batch:
    """What is stored in one transaction; `fetched` rows brought their content, `linked` rows share it."""

    fetched: list[tuple[Due, Kept]] = field(default_factory=list)
    linked: list[tuple[Due, Kept, int | None]] = field(default_factory=list)
    failed: list[tuple[Due, Failure]] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.fetched) + len(self.linked) + len(self.failed)


class Outcomes:
    """Takes outcomes from the thread that decides, stores them from another; counts what was stored.

    `repeated` are the SHA-256s of contents that came under more than one URL. `settled` is called with a media
    id when its outcome is in the database, `room` with bytes that were thought new and were here already.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        journal: Journal,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        run_id: str,
        lease: str,
        figures: Figures,
        settled: Callable[[str], None],
        room: Callable[[int], None],
    ) -> None:
        self.store, self.cache, self.journal = store, cache, journal
        self.ids, self.clock, self.run_id, self.lease = ids, clock, run_id, lease
        self.figures, self._settled, self._room = figures, settled, room
        self.repeated: set[str] = set()
        self._lock = threading.Lock()
        self._batch = _Batch()
        self._hosts: dict[str, HostState] = {}
        self._first = 0.0
        self._beat = time.monotonic()

    def fetched(self, row: Due, kept: Kept) -> None:
        """Take content that came for a row."""
        with self._lock:
            self._begin()
            self._batch.fetched.append((row, kept))

    def linked(self, row: Due, kept: Kept, rank: int | None) -> None:
        """Take a row whose content came for another; `rank` is that of the rendition it came in."""
        with self._lock:
            self._begin()
            self._batch.linked.append((row, kept, rank))

    def failed(self, row: Due, failure: Failure, *, asked: bool) -> None:
        """Take a failure; `asked` says whether a request was sent for it, which makes it a try."""
        with self._lock:
            self._begin()
            self._batch.failed.append((row, failure))
            if asked:
                self._batch.tries.append(failure.kind)

    def host_changed(self, state: HostState) -> None:
        """Take what is to be remembered of a host, stored with the next batch."""
        with self._lock:
            self._hosts[state.host] = state

    def _begin(self) -> None:
        if not len(self._batch):
            self._first = time.monotonic()

    @property
    def full(self) -> bool:
        return len(self._batch) >= MOST

    @property
    def crowded(self) -> bool:
        """Whether so much waits that nothing more should come before it is stored."""
        return len(self._batch) >= 4 * MOST

    @property
    def old(self) -> bool:
        """Whether it is time to store: the oldest outcome has waited, or others must hear that we live."""
        now = time.monotonic()
        return (len(self._batch) > 0 and now - self._first >= OLDEST_SECONDS) or now - self._beat >= BEAT_SECONDS

    def flush(self) -> None:
        """Store what was gathered; raises LeaseLost when another process took the stage over.

        When the database refuses nothing is lost, the next flush stores it. When the disk does, what is in its
        place is stored, the rest is forgotten (its rows are still due), and the CacheError is raised.
        """
        with self._lock:
            batch, self._batch = self._batch, _Batch()
            states, self._hosts = self._hosts, {}
        problem: CacheError | None = None
        try:
            with self.cache.sharing():
                placed, problem = self._put_into_place(batch)
                self._leave_out_what_left(batch, placed)
                self._store(batch, states)
        except BaseException:
            with self._lock:
                self._put_back(batch, states)
            raise
        self._beat = time.monotonic()
        self.journal.settle(kept.token for _, kept in batch.fetched)
        passing("journal_settled")
        self._tell(batch)
        if problem is not None:
            raise problem

    def _put_back(self, batch: _Batch, states: dict[str, HostState]) -> None:
        later = self._batch
        batch.fetched += later.fetched
        batch.linked += later.linked
        batch.failed += later.failed
        batch.tries += later.tries
        self._batch = batch
        self._hosts = states | self._hosts

    def _put_into_place(self, batch: _Batch) -> tuple[set[int], CacheError | None]:
        """Bytes first; returns what has its name now (by identity), and what the disk refused."""
        new = [(row, kept) for row, kept in batch.fetched if kept.file is None]
        problem = None
        try:
            self.cache.sync([kept.staged for _, kept in new if kept.staged])
            token = self.journal.append_all(
                [
                    JournalEntry.of(row.media_id, kept.url or row.url, kept.staged)
                    for row, kept in new
                    if kept.staged
                ]
            )
            for _, kept in new:
                kept.token = token
            passing("file_journaled")
            for row, kept in new:
                self._commit(row, kept)
        except CacheError as error:
            problem = error
            self._forget(batch)
        # A new journal for what comes next, so that this one can go as soon as its last entry is settled.
        self.journal.rotate()
        # Also after a refusal: what has its name by then gets its row.
        self.cache.sync_directories()
        return {id(kept) for _, kept in new if kept.file is not None}, problem

    def _commit(self, row: Due, kept: Kept) -> None:
        assert kept.staged is not None, "only staged content is put into place"
        committed = self.cache.commit(kept.staged)
        kept.file, kept.staged = committed.file, None
        passing("file_renamed")
        if committed.existed:
            self._room(committed.file.digest.size)
            if len(self.repeated) < _MOST_REPEATED:
                self.repeated.add(committed.file.digest.sha256)
        if committed.collision:
            log.error("md5_collision", media_id=row.media_id, path=committed.file.path)

    def _forget(self, batch: _Batch) -> None:
        for _, kept in batch.fetched:
            if kept.staged is not None:
                self.cache.discard(kept.staged)
                self.journal.settle([kept.token])
        gone = [row for row, kept in batch.fetched if kept.file is None]
        gone += [row for row, kept, _ in batch.linked if kept.file is None]
        batch.fetched = [(row, kept) for row, kept in batch.fetched if kept.file is not None]
        batch.linked = [each for each in batch.linked if each[1].file is not None]
        for row in gone:
            self._settled(row.media_id)

    def _leave_out_what_left(self, batch: _Batch, placed: set[int]) -> None:
        """Content that was here a while ago may have made room, or never have come: its row stays due."""

        def is_here(kept: Kept) -> bool:
            return id(kept) in placed or (
                kept.file is not None and self.cache.is_as_proven(kept.file.path, kept.file.proof)
            )

        for row, kept in [each for each in batch.fetched if not is_here(each[1])]:
            batch.fetched.remove((row, kept))
            self.journal.settle([kept.token])
            self._settled(row.media_id)
        for each in [each for each in batch.linked if not is_here(each[1])]:
            batch.linked.remove(each)
            self._settled(each[0].media_id)

    def _store(self, batch: _Batch, states: dict[str, HostState]) -> None:
        now = self.clock()
        arrivals = [_arrival(row, kept, row.rendition_rank) for row, kept in batch.fetched]
        arrivals += [
            _arrival(row, kept, rank if rank is not None else row.rendition_rank)
            for row, kept, rank in batch.linked
        ]
        figures = self._counted(batch)
        with self.store.writing() as tx:
            leases.renew(tx, self.lease, now)
            back, size = keeping.evicted_among(tx, (each.file.digest.sha256 for each in arrivals), now)
            figures.refetched += back
            figures.refetched_bytes += size
            media.store_arrivals(tx, arrivals, ids=self.ids, now=now)
            _ask_for_larger(tx, arrivals, now)
            media.store_failures(tx, [failure for _, failure in batch.failed], now)
            hosts.keep(tx, states.values(), now)
            runs.beat(tx, self.run_id, now, figures=figures.json())
            passing("outcomes_written")
        passing("outcomes_committed")
        self.figures.take(figures)

    def _counted(self, batch: _Batch) -> Figures:
        figures = self.figures.copy()
        figures.cached += len(batch.fetched)
        figures.linked += len(batch.linked)
        figures.failed += len(batch.tries)
        for _, kept in batch.fetched:
            figures.bytes += kept.size
            figures.milliseconds += kept.milliseconds
        for kind in batch.tries:
            figures.kinds[kind] = figures.kinds.get(kind, 0) + 1
        return figures

    def _tell(self, batch: _Batch) -> None:
        with together():
            for row, kept in batch.fetched:
                _say_cached(row, kept)
                self._settled(row.media_id)
            for row, kept, _ in batch.linked:
                if kept.file is not None:
                    log.info("media_linked", media_id=row.media_id, sha256=kept.file.digest.sha256, size=kept.size)
                self._settled(row.media_id)
            for row, failure in batch.failed:
                _say_failed(row, failure)
                self._settled(row.media_id)


def _arrival(row: Due, kept: Kept, rank: int | None) -> Arrival:
    assert kept.file is not None, "rows are stored after their bytes"
    if kept.rendition is not None:
        # How its size compares is not known.
        return Arrival(row.media_id, kept.file, kept.rendition, None, kept.incomplete)
    return Arrival(row.media_id, kept.file, row.rendition, rank, kept.incomplete)


def _ask_for_larger(tx: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Queue again the rows that were observed in a larger rendition while the smaller one was on its way."""
    larger = [
        (media_id, host_of(url))
        for prefix, (table, _) in PLACES.items()
        for media_id, url in bulk.among(
            tx,
            f"SELECT media_id, media_url FROM {table} WHERE media_id {{in}}"  # noqa: S608
            " AND rendition_rank > file_rank AND rendition <> file_rendition",
            [each.media_id for each in arrivals if each.media_id.startswith(prefix)],
        )
    ]
    work.ensure(tx, Stage.FETCH, larger, now, priority=0)


def _say_cached(row: Due, kept: Kept) -> None:
    file = kept.file
    assert file is not None, "it was stored a moment ago"
    log.info(
        "media_cached",
        media_id=row.media_id,
        url=kept.url or row.url,
        size=file.digest.size,
        md5=file.digest.md5,
        sha256=file.digest.sha256,
        mime_type=file.kind.mime_type,
        milliseconds=kept.milliseconds,
    )


def _say_failed(row: Due, failure: Failure) -> None:
    log.info(
        "download_failed",
        media_id=row.media_id,
        url=row.url,
        state=failure.state,
        kind=failure.kind,
        reason=failure.message,
        due_at=failure.due_at.isoformat() if failure.due_at else None,
    )


def adopt(store: Store, cache: Cache, journal: Journal, *, ids: IdFactory, clock: Callable[[], datetime]) -> int:
    """Take up files that a dead process had put into place and not yet committed, without a request.

    A file whose bytes are not what the journal says is left alone. Returns how many rows got their file.
    Idempotent; call it under the fetch lease.
    """
    with cache.sharing():
        return _adopt(store, cache, journal, ids=ids, clock=clock)


def _adopt(store: Store, cache: Cache, journal: Journal, *, ids: IdFactory, clock: Callable[[], datetime]) -> int:
    left = journal.left()
    found: dict[str, tuple[JournalEntry, CachedFile]] = {}
    cut_short = set()
    for entry in (entry for token in left for entry in journal.entries(token)):
        located = cache.locate(entry.digest, entry.kind)
        if located is not None:
            path, proof = located
            file = CachedFile(path, entry.digest, entry.kind, entry.dimensions, proof)
            found[entry.subject] = (entry, file)
            with cache.open(path) as opened:
                if not is_whole(opened, entry.kind, entry.size):
                    cut_short.add(entry.sha256)
    adopted = 0
    now = clock()
    if found:
        cache.sync_directories()
        with store.writing() as tx:
            arrivals = []
            for table, _ in PLACES.values():
                for media_id, url, rendition, rank, others in bulk.among(
                    tx,
                    "SELECT media_id, media_url, rendition, rendition_rank, alternatives"  # noqa: S608
                    f" FROM {table} WHERE media_id {{in}}",
                    found,
                ):
                    entry, file = found[media_id]
                    # Nothing without its end was put into place before its source gave it twice.
                    incomplete = entry.sha256 in cut_short
                    if url == entry.url_key:
                        arrivals.append(Arrival(media_id, file, rendition, rank, incomplete))
                    elif (other := families.came_as(entry.url_key, url, others)) is not None:
                        arrivals.append(Arrival(media_id, file, other, None, incomplete))
            kept = caching.keep_files(tx, (file for _, file in found.values()), ids=ids, now=now)
            made = [Made(entry.subject, entry.url_key, kept[entry.sha256].file_id) for entry, _ in found.values()]
            adopted += renditions.take_up(tx, made, now)
            media.store_arrivals(tx, arrivals, ids=ids, now=now)
            # An import may have met a larger rendition since these rows were read above.
            _ask_for_larger(tx, arrivals, now)
            adopted += len(arrivals)
        log.info("files_adopted", files=len(found), rows=adopted)
    journal.drop_all(*left)
    journal.sweep()
    return adopted
