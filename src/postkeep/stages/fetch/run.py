"""Fetches what is due: asks each host in turn, links what is known, keeps what arrives, commits in batches.

One thread decides, one drives the transfers, a few hash and write, one stores. A coroutine for each file would
cost more than its download.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from postkeep.config import Config
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.journal import Journal
from postkeep.model import Stage
from postkeep.net.fetcher import Fetcher
from postkeep.stages.archive.returning import Returning
from postkeep.stages.eviction import Evictor
from postkeep.stages.fetch.allowance import Allowance
from postkeep.stages.fetch.beginnings import Beginnings
from postkeep.stages.fetch.flights import Flights
from postkeep.stages.fetch.lanes import Lanes
from postkeep.stages.fetch.outcomes import Outcomes
from postkeep.stages.fetch.space import Space
from postkeep.stages.fetch.storing import Storing
from postkeep.stages.fetch.tally import FetchTally
from postkeep.stages.fetch.transfers import Transfers
from postkeep.stages.room import refetched
from postkeep.store import Store, caching, keeping, media, placeholders, stored_files, work

log = get_logger("fetch")

_AHEAD = 48
"""How many bodies may wait to be hashed and written before nothing more begins."""
_TICK_SECONDS = 0.05
_GRACE_SECONDS = 3.0
"""How long transfers under way may go on after somebody asked to stop."""


class Fetch:
    """One fetch run over the work of a database, under its lease (the caller's).

    `below` limits it to work of smaller priority numbers: 0 takes only what somebody asked for, 1 all that is
    due. `patience` is how many seconds it waits, when nothing else is to do, for work that is due later and for
    hosts that rest. `evictor` makes room at the cache's limit. `returning`, if there is an archive, is asked
    before any host is. `stop` is asked often; when it says so, nothing new begins, what is under way is finished
    or dropped, and every outcome is stored. The fetcher is closed at the end. `tally` is counted in, for whoever
    wants to know it when this raises.
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
        evictor: Evictor,
        returning: Returning | None = None,
        below: int = 1,
        limit: int | None = None,
        patience: float = 0.0,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[FetchTally], None] = lambda tally: None,
        tally: FetchTally | None = None,
    ) -> None:
        self.store, self.config, self.clock, self.below = store, config, clock, below
        self.patience, self.progress = patience, progress
        self.tally = tally or FetchTally()
        # Rows taken from the work list whose outcome is not stored yet.
        taken: set[str] = set()
        given_back: deque[int] = deque()
        self.outcomes = Outcomes(
            store,
            cache,
            journal,
            ids=ids,
            clock=clock,
            run_id=run_id,
            lease=lease,
            figures=self.tally.figures,
            settled=taken.discard,
            room=given_back.append,
        )
        self._told = 0.0
        self._most_under_way = config.fetch.concurrency + _AHEAD
        self._allowance = Allowance(limit, stop)
        self._storing = Storing(self.outcomes)
        self._space = Space(cache, evictor, self._storing, limit=config.cache.max_bytes, given_back=given_back)
        self._beginnings = Beginnings(cache, keep_bytes=config.cache.max_bytes // 10, clock=clock)
        self._transfers = Transfers(fetcher, cache, config.fetch.placeholders)
        self._lanes = Lanes(
            store,
            config.fetch,
            self._transfers,
            self.outcomes,
            self.tally,
            self._allowance,
            clock=clock,
            below=below,
            taken=taken,
            space=self._space,
            storing=self._storing,
            returning=returning,
        )
        self._flights = Flights(
            store,
            cache,
            config.fetch,
            self._transfers,
            self._lanes,
            self.outcomes,
            self.tally,
            self._allowance,
            clock=clock,
            taken=taken,
            space=self._space,
            beginnings=self._beginnings,
        )

    def run(self) -> FetchTally:
        """Do all that is due; raises CacheFull or CacheError when the cache can take no more."""
        self._transfers.start()
        whole = False
        try:
            self._prepare()
            self._turn_while_patient()
            whole = True
        finally:
            self._transfers.land()
            try:
                self._end(whole=whole)
            finally:
                self._storing.end()
        return self.tally

    def _prepare(self) -> None:
        now = self.clock()
        with self.store.reading() as tx:
            used = caching.cached_bytes(tx)
            self.tally.due = work.due_count(tx, Stage.FETCH, now, below=self.below)
            orphans = media.orphaned_work(tx) if self.tally.due else []
        if orphans:
            with self.store.writing() as tx:
                work.done(tx, Stage.FETCH, orphans)
            self.tally.due -= len(orphans)
        if (limit := self._allowance.limit) is not None:
            self.tally.due = min(self.tally.due, limit)
        self._beginnings.prepare()
        self._space.prepare(used)

    def _turn_while_patient(self) -> None:
        until = time.monotonic() + self.patience
        while True:
            since = self.clock()
            self._lanes.open()
            self._turn()
            self.tally.due = max(self.tally.due, self.tally.done)
            wait = None if self._allowance.is_over() else self._wait_for_more(since)
            if wait is None or time.monotonic() + wait > until:
                return
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._allowance.stop():
            self.tally.waiting = left
            self.progress(self.tally)
            time.sleep(min(left, _TICK_SECONDS))
            self._storing.when_time()
        self.tally.waiting = 0.0
        with self.store.reading() as tx:
            due = work.due_count(tx, Stage.FETCH, self.clock(), below=self.below)
        self.tally.due, self.tally.held = self.tally.done + due, {}

    def _wait_for_more(self, since: datetime) -> float | None:
        """Seconds until something is due again that was not due then; None when nothing will be."""
        if not self.patience:
            return None
        self._storing.now()
        with self.store.reading() as tx:
            due = work.next_due(tx, Stage.FETCH, since, below=self.below)
        return None if due is None else max(0.0, (due - self.clock()).total_seconds())

    def _turn(self) -> None:
        """Begin and settle rows until nothing is under way and nothing may begin."""
        stopped_at = 0.0
        while True:
            if not self._allowance.is_over():
                self._begin_what_may()
            elif self._allowance.stop():
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > _GRACE_SECONDS:
                    self._transfers.drop()
            if not len(self._transfers):
                return
            self._settle_events()
            self._storing.when_time()
            if self.tally.resting:
                self._lanes.open_rested()

    def _begin_what_may(self) -> None:
        now = self.clock()
        while self._lanes.are_waiting and not self._allowance.is_over() and self._may_begin():
            lane = self._lanes.next()
            if not lane.gate.is_open(now):
                self._lanes.rest(lane)
                continue
            if not lane.rows and not lane.dry:
                self._lanes.read_page(lane)
            if lane.rows:
                row = lane.rows.popleft()
                # Put off, it stays among what was taken, or the next page would bring it again.
                if lane.refusals.get(row.owner, 0) < self.config.fetch.circuit:
                    self._flights.begin(row, lane)
                self._lanes.enqueue(lane)

    def _may_begin(self) -> bool:
        moving = self._transfers.moving
        return moving <= 0 or (moving < self._most_under_way and not self._space.is_close())

    def _settle_events(self) -> None:
        """Wait a moment for events, and take all there are."""
        for flight, outcome, milliseconds in self._transfers.events(_TICK_SECONDS):
            self._flights.settle(flight, outcome, milliseconds)
        if time.monotonic() - self._told >= _TICK_SECONDS:
            self._told = time.monotonic()
            self.progress(self.tally)

    def _end(self, *, whole: bool) -> None:
        """Settle what arrived last, or throw it away when the run failed, and store what is known."""
        for flight, outcome, milliseconds in self._transfers.events(0):
            if whole:
                self._flights.settle(flight, outcome, milliseconds)
            else:
                self._flights.throw_away(flight, outcome)
        self.tally.figures.requests = self._transfers.sent
        self._storing.now()
        self.progress(self.tally)
        self._say_what_stands_out()

    def _say_what_stands_out(self) -> None:
        with self.store.reading() as tx:
            repeated = stored_files.files_by(tx, "sha256", self.outcomes.repeated)
            suspects = placeholders.suspects(tx, [file.file_id for file in repeated])
        for each in suspects:
            log.warning(
                "likely_placeholder",
                told=f"{each.path} is shown by {each.posts} posts under {each.media_keys} keys: if it only stands"
                f' in for others, add "{each.md5}" to fetch.placeholders',
            )
        if (figures := self.tally.figures).refetched:
            limit = keeping.suggested_limit(self.config.cache.max_bytes, figures.refetched_bytes)
            log.warning("cache_too_small", told=refetched(figures.refetched, figures.refetched_bytes, limit))
