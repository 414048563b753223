"""Fetches what is due: asks each host in turn, links what is known, keeps what arrives, commits in batches."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from postkeep.config import Config
from postkeep.errors import FetchError, HttpStatus, IntegrityError, NotMedia
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache, Committed
from postkeep.media.entry import JournalEntry
from postkeep.media.journal import Journal, Token
from postkeep.model import CachedFile, Fetched, Proof, Stage
from postkeep.net.fetcher import Fetcher
from postkeep.points import passing
from postkeep.stages.fetch.outcomes import Outcomes
from postkeep.stages.fetch.verdict import expired, has_expired, judge
from postkeep.stages.room import cache_full
from postkeep.store import Store, media, work
from postkeep.store.media import Arrival, Due, StoredFile

log = get_logger("fetch")

_PAGE = 200
_WRITERS = 8
_IDLE_SECONDS = 0.05
_GRACE_SECONDS = 3.0
"""How long transfers under way may go on after somebody asked to stop."""
_ASSETS_KEPT = 4096

T = TypeVar("T")
Asset = tuple[str, str, str | None]


@dataclass(slots=True)
class FetchTally:
    """What a fetch did so far; `due` is how much there was to do when it began."""

    due: int = 0
    cached: int = 0
    linked: int = 0
    failed: int = 0
    requests: int = 0
    bytes: int = 0
    states: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return self.cached + self.linked + self.failed


class Fetch:
    """One fetch run over the work of a database, under its lease (the caller's).

    `below` limits it to work of smaller priority numbers: 0 takes only what somebody asked for, 1 all that is
    due. `stop` is asked often; when it says so, nothing new begins, what is under way is finished or dropped,
    and every outcome is stored.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        journal: Journal,
        fetcher: Fetcher,
        config: Config,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        run_id: str,
        lease: str,
        below: int = 1,
        limit: int | None = None,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[FetchTally], None] = lambda tally: None,
    ) -> None:
        self.store, self.cache, self.fetcher = store, cache, fetcher
        self.config, self.clock = config, clock
        self.journal = journal
        self.below, self.limit, self.stop, self.progress = below, limit, stop, progress
        self.tally = FetchTally()
        self.outcomes = Outcomes(store, cache, journal, ids=ids, clock=clock, run_id=run_id, lease=lease)
        self._answered = False
        self._storing = False
        self._begun = 0
        self._room = config.cache.max_bytes
        # Rows of one asset find each other here until every page read before its rows were stored is done.
        self._assets: OrderedDict[Asset, asyncio.Future[Arrival | None]] = OrderedDict()
        # Rows taken from the work list whose outcome is not stored yet.
        self._taken: set[str] = set()
        self._transfers: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(config.fetch.concurrency + 2 * _WRITERS)
        self._database = ThreadPoolExecutor(1, thread_name_prefix="postkeep-store")
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="postkeep-cache")

    async def run(self) -> FetchTally:
        """Do all that is due; raises CacheFull or CacheError when the cache can take no more."""
        try:
            await self._in_database(self._prepare)
            watch = [asyncio.create_task(self._flush_by_time()), asyncio.create_task(self._drop_when_stopped())]
            try:
                async with asyncio.TaskGroup() as group:
                    for host in await self._in_database(self._hosts):
                        group.create_task(self._host(host))
            except* Exception as group_error:
                raise _first(group_error) from None
            finally:
                for task in watch:
                    task.cancel()
                await asyncio.gather(*watch, return_exceptions=True)
                await self._in_database(self.outcomes.flush)
                self.progress(self.tally)
        finally:
            self._database.shutdown()
            self._writers.shutdown()
        return self.tally

    def _prepare(self) -> None:
        now = self.clock()
        with self.store.reading() as tx:
            used = media.cached_bytes(tx)
            self.tally.due = work.due_count(tx, Stage.FETCH, now, below=self.below)
            orphans = media.orphaned_work(tx) if self.tally.due else []
        if orphans:
            with self.store.writing() as tx:
                work.done(tx, Stage.FETCH, orphans)
            self.tally.due -= len(orphans)
        if self.limit is not None:
            self.tally.due = min(self.tally.due, self.limit)
        self._room = self.config.cache.max_bytes - used
        if used > 0.8 * self.config.cache.max_bytes:
            log.warning("cache_nearly_full", used=used, limit=self.config.cache.max_bytes)

    def _hosts(self) -> list[str]:
        with self.store.reading() as tx:
            return work.hosts(tx, Stage.FETCH)

    # --- one host ---

    async def _host(self, host: str) -> None:
        at_once = asyncio.Semaphore(2 * self.config.fetch.per_host)
        async with asyncio.TaskGroup() as group:
            while not self.stop():
                rows, known = await self._in_database(lambda: self._page(host))
                if not rows:
                    return
                for row in rows:
                    # The semaphores are what keeps pages from piling up: a page is all but done when they let
                    # its last row in.
                    await at_once.acquire()
                    await self._slots.acquire()
                    if self.stop() or (self.limit is not None and self._begun >= self.limit):
                        # The slot is everybody's: other hosts wait for it to find out that they may end, too.
                        self._slots.release()
                        return
                    self._begun += 1
                    task = group.create_task(self._row(row, known.get(row.asset), at_once))
                    self._transfers.add(task)
                    task.add_done_callback(self._transfers.discard)

    def _page(self, host: str) -> tuple[list[Due], dict[Asset, tuple[StoredFile, int | None]]]:
        with self.store.reading() as tx:
            rows = media.due(tx, host, self.clock(), limit=_PAGE, below=self.below, skip=self._taken)
            known = media.cached_assets(tx, {row.asset for row in rows}) if rows else {}
        self._taken.update(row.media_id for row in rows)
        return rows, known

    # --- one media row ---

    async def _row(
        self, row: Due, known: tuple[StoredFile, int | None] | None, at_once: asyncio.Semaphore
    ) -> None:
        try:
            await self._try(row, known)
        finally:
            self._slots.release()
            at_once.release()
        self.progress(self.tally)
        if self.outcomes.full and not self._storing:
            self._storing = True
            try:
                await self._in_database(self.outcomes.flush)
            finally:
                self._storing = False

    async def _try(self, row: Due, known: tuple[StoredFile, int | None] | None) -> None:
        if known is not None and await self._link_known(row, *known):
            return
        while (first := self._assets.get(row.asset)) is not None:
            arrival = await asyncio.shield(first)
            if arrival is not None:
                self._linked(row, arrival.file, arrival.rendition_rank)
                return
        mine: asyncio.Future[Arrival | None] = asyncio.get_running_loop().create_future()
        self._assets[row.asset] = mine
        arrival = None
        try:
            arrival = await self._fetch(row)
        finally:
            if arrival is None:
                del self._assets[row.asset]
            mine.set_result(arrival)
            self._forget_old_assets()

    def _forget_old_assets(self) -> None:
        while len(self._assets) > _ASSETS_KEPT:
            asset, future = next(iter(self._assets.items()))
            if not future.done():
                return
            del self._assets[asset]

    async def _link_known(self, row: Due, file: StoredFile, rank: int | None) -> bool:
        """Take an asset that some row has already from the cache, when its bytes are proven to be there."""
        try:
            proof = await self._in_writer(lambda: self._proven(file))
        except IntegrityError:
            return False
        cached = CachedFile(file.path, media.digest_of(file), file.kind, file.dimensions, proof)
        self._linked(row, cached, rank)
        return True

    def _proven(self, file: StoredFile) -> Proof:
        return self.cache.prove(file.path, sha256=file.sha256, md5=file.md5_sum, proof=file.proof)[1]

    def _linked(self, row: Due, file: CachedFile, rank: int | None) -> None:
        self.tally.linked += 1
        self._arrive(Arrival(row.media_id, file, row.rendition, rank if rank is not None else row.rendition_rank))
        log.info("media_linked", media_id=row.media_id, sha256=file.digest.sha256, size=file.digest.size)

    async def _fetch(self, row: Due) -> Arrival | None:
        if has_expired(row, self.clock()):
            self._fail(row, None)
            return None
        log.debug("download_started", media_id=row.media_id, url=row.url)
        self.tally.requests += 1
        began = time.monotonic()
        taken = 0
        try:
            fetched = await self.fetcher.fetch(row.url)
            self._answered = True
            # Taken before the bytes are written: many may arrive at once, and together they must fit.
            has_room = fetched.body.size <= self._room
            taken = fetched.body.size if has_room else 0
            self._room -= taken
            keeping = asyncio.ensure_future(self._in_writer(lambda: self._keep(row, fetched, has_room=has_room)))
            try:
                committed, token = await asyncio.shield(keeping)
            except asyncio.CancelledError:
                # A thread cannot be called back: what it puts into place gets its row all the same.
                committed, token = await keeping
        except FetchError as error:
            self._room += taken
            self._answered |= isinstance(error, HttpStatus | NotMedia)
            self._fail(row, error)
            return None
        if committed.existed:
            self._room += taken
        file = committed.file
        self.tally.cached += 1
        self.tally.bytes += file.digest.size
        arrival = Arrival(row.media_id, file, row.rendition, row.rendition_rank)
        self._arrive(arrival, token)
        log.info(
            "media_cached",
            media_id=row.media_id,
            url=row.url,
            size=file.digest.size,
            md5=file.digest.md5,
            sha256=file.digest.sha256,
            mime_type=file.kind.mime_type,
            milliseconds=round((time.monotonic() - began) * 1000),
        )
        return arrival

    def _keep(self, row: Due, fetched: Fetched, *, has_room: bool) -> tuple[Committed, Token]:
        """Bytes first: into the cache, with a line in the journal before the rename that makes them visible.

        Without room only content that is in the cache already is taken; other raises CacheFull.
        """
        staged = self.cache.stage(fetched.body)
        passing("file_staged")
        try:
            if not has_room and self.cache.locate(staged.digest, staged.kind) is None:
                raise cache_full(self.config.cache.max_bytes)
            token = self.journal.append(JournalEntry.of(row.media_id, row.url, staged))
        except BaseException:
            self.cache.discard(staged)
            raise
        passing("file_journaled")
        committed = self.cache.commit(staged)
        passing("file_renamed")
        if committed.collision:
            log.error("md5_collision", media_id=row.media_id, path=committed.file.path)
        return committed, token

    # --- outcomes ---

    def _arrive(self, arrival: Arrival, token: Token = "") -> None:
        self._count("fetched")
        self._settle(arrival.media_id)
        self.outcomes.arrived(arrival, token)

    def _fail(self, row: Due, error: FetchError | None) -> None:
        if error is None:
            failure = expired(row)
        else:
            failure = judge(
                row,
                error,
                self.clock(),
                tries=self.config.fetch.tries,
                base=self.config.fetch.backoff,
                answered=self._answered,
                chance=random.random,
            )
        self.tally.failed += 1
        self._count(failure.state)
        self._settle(row.media_id)
        self.outcomes.failed(failure)
        log.info(
            "download_failed",
            media_id=row.media_id,
            url=row.url,
            state=failure.state,
            kind=failure.kind,
            reason=failure.message,
            due_at=failure.due_at.isoformat() if failure.due_at else None,
        )

    def _settle(self, media_id: str) -> None:
        # Until its outcome is committed its work row still stands, and must not be taken again.
        self.outcomes.when_stored(lambda: self._taken.discard(media_id))

    def _count(self, state: str) -> None:
        self.tally.states[state] = self.tally.states.get(state, 0) + 1

    async def _flush_by_time(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_SECONDS)
            if self.outcomes.old:
                await self._in_database(self.outcomes.flush)

    async def _drop_when_stopped(self) -> None:
        while not self.stop():  # noqa: ASYNC110 - a signal may set it from anywhere
            await asyncio.sleep(_IDLE_SECONDS)
        await asyncio.sleep(_GRACE_SECONDS)
        for task in list(self._transfers):
            task.cancel()

    async def _in_database(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, call)

    async def _in_writer(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writers, call)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that matters of those that tasks raised together."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
