"""Fetches what is due: asks each host in turn, links what is known, keeps what arrives, commits in batches.

One thread decides, one drives the transfers, a few hash and write, one stores. A coroutine for each file would
cost more than its download.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postkeep.config import Config
from postkeep.errors import (
    FetchError,
    HttpStatus,
    IntegrityError,
    LinkExpired,
    NotMedia,
    Placeholder,
    StoreBusy,
    TooLarge,
    Truncated,
)
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache, Staged
from postkeep.media.journal import Journal
from postkeep.media.partials import Partials
from postkeep.model import CachedFile, MediaState, Proof, Stage
from postkeep.net.fetcher import Fetcher
from postkeep.stages.archive.returning import Returning
from postkeep.stages.eviction import Evictor
from postkeep.stages.fetch.assets import Assets
from postkeep.stages.fetch.figures import Figures
from postkeep.stages.fetch.gate import Gate
from postkeep.stages.fetch.lane import Asset, Flight, Found, Lane
from postkeep.stages.fetch.names import Name, is_not_there, names_of
from postkeep.stages.fetch.outcomes import Kept, Outcomes
from postkeep.stages.fetch.transfers import Landing, Transfers
from postkeep.stages.fetch.verdict import expired, has_expired, judge
from postkeep.stages.fitting import Fitting, is_size_cached
from postkeep.stages.room import NEARLY, nearly_full, refetched
from postkeep.store import Store, archiving, hosts, keeping, media, placeholders, work
from postkeep.store.hosts import HostState
from postkeep.store.media import Due, StoredFile

log = get_logger("fetch")

_PAGE, _LEAST_PAGE, _ROWS_READ = 500, 20, 8000
_AHEAD = 48
"""How many bodies may wait to be hashed and written before nothing more begins."""
_TICK_SECONDS = 0.05
_GRACE_SECONDS = 3.0
"""How long transfers under way may go on after somebody asked to stop."""
_PARTIALS_KEPT = timedelta(days=7)


@dataclass(slots=True)
class FetchTally:
    """What a fetch did so far.

    `due` is how much there was to do when it began, `resting` are hosts left alone and until when, `held` how
    much of what was due is theirs. `restored` contents came from the archive. `waiting` is for how many seconds
    nothing is done but wait.
    """

    due: int = 0
    restored: int = 0
    figures: Figures = field(default_factory=Figures)
    states: dict[str, int] = field(default_factory=dict)
    done: int = 0
    resting: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    waiting: float = 0.0

    @property
    def total(self) -> int:
        """How much this run will settle, as far as it is known: what resting hosts hold back is not for it."""
        return max(self.done, self.due - sum(self.held.values()))

    @property
    def cached(self) -> int:
        return self.figures.cached

    @property
    def linked(self) -> int:
        return self.figures.linked

    @property
    def failed(self) -> int:
        """Rows that brought nothing, asked for or not; `figures` count tries."""
        return sum(count for state, count in self.states.items() if state != MediaState.FETCHED)

    @property
    def requests(self) -> int:
        return self.figures.requests

    @property
    def bytes(self) -> int:
        return self.figures.bytes


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
        self.store, self.cache = store, cache
        self.config, self.clock = config, clock
        self.below, self.limit, self.patience = below, limit, patience
        self.evictor, self.stop, self.progress = evictor, stop, progress
        self.returning = returning
        self.tally = tally or FetchTally()
        # Rows taken from the work list whose outcome is not stored yet.
        self._taken: set[str] = set()
        # Bytes that were thought new and were in the cache already: said by the thread that stores.
        self._given_back: deque[int] = deque()
        self.outcomes = Outcomes(
            store,
            cache,
            journal,
            ids=ids,
            clock=clock,
            run_id=run_id,
            lease=lease,
            figures=self.tally.figures,
            settled=self._taken.discard,
            room=self._given_back.append,
        )
        self._partials = Partials(cache.root)
        self._has_partials = False
        self._answered = False
        self._begun = 0
        self._told = 0.0
        self._room = config.cache.max_bytes
        self._fitting = Fitting(evictor)
        self._lanes: dict[str, Lane] = {}
        self._hungry: deque[Lane] = deque()
        self._assets = Assets()
        # Names that were found not to be there, by the row that is still to be had under another.
        self._absent: dict[str, list[Name]] = {}
        self._transfers = Transfers(fetcher, cache, config.fetch.placeholders)
        self._database = ThreadPoolExecutor(1, thread_name_prefix="postkeep-store")
        self._storing: Future[None] | None = None
        self._most_under_way = config.fetch.concurrency + _AHEAD
        # Twice as many, so that a connection that is done finds the next request ready.
        self._most_of_host = 2 * config.fetch.per_host

    # --- the run ---

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
                self._database.shutdown()
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
        self._sweep_partials()
        self._has_partials = self._partials.size() > 0
        if used > NEARLY * self.config.cache.max_bytes:
            room = self.evictor.room()
            self._fitting.knows(room.evictable)
            log.warning("cache_nearly_full", told=nearly_full(room))

    def _sweep_partials(self) -> None:
        self._partials.sweep(_PARTIALS_KEPT, self.clock(), keep_bytes=self.config.cache.max_bytes // 10)

    def _turn_while_patient(self) -> None:
        until = time.monotonic() + self.patience
        while True:
            since = self.clock()
            self._open_lanes()
            self._turn()
            self.tally.due = max(self.tally.due, self.tally.done)
            wait = None if self._enough() else self._wait_for_more(since)
            if wait is None or time.monotonic() + wait > until:
                return
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop():
            self.tally.waiting = left
            self.progress(self.tally)
            time.sleep(min(left, _TICK_SECONDS))
            self._store_when_time()
        self.tally.waiting = 0.0
        with self.store.reading() as tx:
            due = work.due_count(tx, Stage.FETCH, self.clock(), below=self.below)
        self.tally.due, self.tally.held = self.tally.done + due, {}

    def _wait_for_more(self, since: datetime) -> float | None:
        """Seconds until something is due again that was not due then; None when nothing will be."""
        if not self.patience:
            return None
        self._store_now()
        with self.store.reading() as tx:
            due = work.next_due(tx, Stage.FETCH, since, below=self.below)
        return None if due is None else max(0.0, (due - self.clock()).total_seconds())

    def _open_lanes(self) -> None:
        with self.store.reading() as tx:
            names, states = work.hosts(tx, Stage.FETCH), hosts.states(tx)
        now = self.clock()
        for name in names:
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = Lane(name, self._gate(states.get(name) or HostState(name)))
            if lane.gate.is_open(now):
                self._open(lane)
            else:
                self._return_without(name)
                self._rest(lane)

    def _open(self, lane: Lane) -> None:
        self.tally.resting.pop(lane.host, None)
        self.tally.held.pop(lane.host, None)
        lane.dry = False
        self._list(lane)

    def _open_rested(self) -> None:
        """Let hosts go on whose rest ended while others were busy."""
        now = self.clock()
        for host, until in list(self.tally.resting.items()):
            if until <= now:
                self._open(self._lanes[host])

    def _gate(self, state: HostState) -> Gate:
        return Gate(state, circuit=self.config.fetch.circuit, base=self.config.fetch.backoff, chance=random.random)

    def _turn(self) -> None:
        """Begin and settle rows until nothing is under way and nothing may begin."""
        stopped_at = 0.0
        while True:
            if not self._enough():
                self._begin_what_may()
            elif self.stop():
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > _GRACE_SECONDS:
                    self._transfers.drop()
            if not len(self._transfers):
                return
            self._settle_events()
            self._store_when_time()
            if self.tally.resting:
                self._open_rested()

    def _enough(self) -> bool:
        """Whether nothing more may begin."""
        return self.stop() or self._left() == 0

    def _left(self) -> int | None:
        """How many rows may still begin; None for any number."""
        return None if self.limit is None else max(0, self.limit - self._begun)

    def _end(self, *, whole: bool) -> None:
        """Settle what arrived last, or throw it away when the run failed, and store what is known."""
        for flight, outcome, milliseconds in self._transfers.events(0):
            if whole:
                self._settle(flight, outcome, milliseconds)
            elif isinstance(outcome, Staged):
                self.cache.discard(outcome)
            elif isinstance(outcome, FetchError) and outcome.partial is not None:
                self._partials.put(_part_key(flight), outcome.partial)
            if not whole:
                self._discard_first(flight)
        self.tally.figures.requests = self._transfers.sent
        self._store_now()
        self.progress(self.tally)
        self._say_what_stands_out()

    def _say_what_stands_out(self) -> None:
        with self.store.reading() as tx:
            repeated = media.files_by(tx, "sha256", self.outcomes.repeated)
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

    # --- what begins ---

    def _list(self, lane: Lane) -> None:
        if not lane.listed and lane.has_room(self._most_of_host):
            lane.listed = True
            self._hungry.append(lane)

    def _begin_what_may(self) -> None:
        now = self.clock()
        while self._hungry and not self._enough() and self._may_begin():
            lane = self._hungry.popleft()
            lane.listed = False
            if not lane.gate.is_open(now):
                self._rest(lane)
                continue
            if not lane.rows and not lane.dry:
                self._read_page(lane)
            if lane.rows:
                row = lane.rows.popleft()
                # Put off, it stays among what was taken, or the next page would bring it again.
                if lane.refusals.get(row.owner, 0) < self.config.fetch.circuit:
                    self._begin(row, lane)
                self._list(lane)

    def _may_begin(self) -> bool:
        moving = self._transfers.moving
        return moving <= 0 or (moving < self._most_under_way and not self._fitting.is_close(self._room))

    def _read_page(self, lane: Lane) -> None:
        # A thousand hosts at a time must not mean a thousand long lists.
        limit = max(_LEAST_PAGE, min(_PAGE, _ROWS_READ // len(self._lanes)))
        with self.store.reading() as tx:
            rows = media.due(tx, lane.host, self.clock(), limit=limit, below=self.below, skip=self._taken)
            lane.known = _known(tx, rows)
        if self._return([row for row in rows[: self._left()] if row.asset not in lane.known]):
            with self.store.reading() as tx:
                lane.known = _known(tx, rows)
        self._taken.update(row.media_id for row in rows)
        lane.rows.extend(rows)
        lane.dry = not rows

    def _return(self, rows: Sequence[Due]) -> int:
        """Bring from the archive what these rows want and it was proven to hold; returns how many came."""
        if self.returning is None or not rows:
            return 0
        with self.store.reading() as tx:
            file_ids = archiving.absent_assets(tx, {row.asset for row in rows})
        if not file_ids:
            return 0
        came = self.returning.bring(file_ids, room=self._take_room, meanwhile=self._store_when_time)
        self.tally.restored += came
        return came

    def _return_without(self, host: str) -> None:
        """The same for the first rows of a host that is left alone: it is not needed for them."""
        if self.returning is None or self._enough():
            return
        with self.store.reading() as tx:
            rows = media.due(tx, host, self.clock(), limit=_PAGE, below=self.below)
        self._return(rows[: self._left()])

    def _begin(self, row: Due, lane: Lane) -> None:
        self._begun += 1
        if (kept := self._assets.brought(row)) is not None:
            self._link(row, kept, None)
        elif not self._assets.wait(row, lane):
            flight = Flight(row, lane, names_of(row, self._absent.get(row.media_id, ())))
            if row.asset in lane.known:
                self._begin_known(flight, *lane.known[row.asset])
            else:
                self._begin_request(flight)

    def _begin_known(self, flight: Flight, file: StoredFile, rank: int | None, other: str | None) -> None:
        """Take an asset that some row has already from the cache, when its bytes are proven to be there."""
        if file.proof is not None and self.cache.is_as_proven(file.path, file.proof):
            self._link(flight.row, _in_place(file, file.proof, other), rank)
            return

        def prove() -> Proof:
            return self.cache.prove(file.path, sha256=file.sha256, md5=file.md5_sum, proof=file.proof)[1]

        self._assets.claim(flight.row)
        self._transfers.prove(flight, prove)

    def _begin_request(self, flight: Flight, *, fresh: bool = False, whatever_size: bool = False) -> None:
        row = flight.row
        if row.expires_at is not None and not fresh and has_expired(row, self.clock()):
            self._give_up(row)
            self._failed(row, None, asked=False)
            return
        self._take_back()
        flight.most = None if whatever_size else self._fitting.most(self._room)
        self._assets.claim(row)
        part = None
        if self._has_partials and not fresh:
            part = self._partials.get(_part_key(flight), self.cache.spool)
        self._transfers.request(flight, part=part, fresh=fresh)

    # --- what came of it ---

    def _settle_events(self) -> None:
        """Wait a moment for events, and take all there are."""
        for flight, outcome, milliseconds in self._transfers.events(_TICK_SECONDS):
            self._settle(flight, outcome, milliseconds)
        if time.monotonic() - self._told >= _TICK_SECONDS:
            self._told = time.monotonic()
            self.progress(self.tally)

    def _settle(self, flight: Flight, outcome: object, milliseconds: int) -> None:
        lane = flight.lane
        self.tally.figures.requests = self._transfers.sent
        match outcome:
            case Landing.ARRIVED:
                pass
            case Staged():
                self._staged(flight, outcome, milliseconds)
            case Proof():
                file, rank, other = lane.known[flight.row.asset]
                self._bring(flight.row, _in_place(file, outcome, other), rank)
            case IntegrityError():
                # The row will be found again by whoever verifies; meanwhile the source is asked.
                self._begin_request(flight)
            case TooLarge() if (
                flight.most is not None and not flight.dropped and self._is_allowed(flight.most + 1)
            ):
                self._did_not_fit(flight, flight.most)
            case FetchError():
                if not flight.dropped and is_not_there(outcome) and len(flight.names) > 1:
                    self._ask_under_next_name(flight, outcome)
                else:
                    self._not_fetched(flight, outcome)
            case BaseException():
                self._discard_first(flight)
                raise outcome
        self._list(lane)

    def _staged(self, flight: Flight, staged: Staged, milliseconds: int) -> None:
        self._answered = True
        self._note(flight, None)
        kept = Kept(staged, milliseconds=milliseconds)
        if flight.other_rendition is not None:
            kept.url, kept.rendition = flight.url, flight.other_rendition
        if flight.first is None and not staged.whole:
            self._ask_again(flight, kept)
            return
        if flight.first is not None and not self._agree(flight, kept):
            self.cache.discard(staged)
            self._not_fetched(
                flight, Truncated("the file has no end, twice, and not the same", url=flight.row.url)
            )
            return
        kept.incomplete = not staged.whole
        self._make_sure_of_room(staged)
        if self._has_partials:
            self._partials.drop(_part_key(flight))
        self._bring(flight.row, kept, None)

    def _ask_again(self, flight: Flight, first: Kept) -> None:
        """A file without its own end gets a second opinion, over a connection of its own."""
        flight.first = first
        if self.stop():
            flight.dropped = True
            self._not_fetched(flight, Truncated(url=flight.row.url))
        else:
            self._begin_request(flight, fresh=True)

    def _ask_under_next_name(self, flight: Flight, error: FetchError) -> None:
        """Ask for the next of the family; that one name is not there says nothing about the host."""
        self._answered = True
        self._discard_first(flight)
        self._absent.setdefault(flight.row.media_id, []).append(flight.names[0])
        flight.names = flight.names[1:]
        if self.stop() or not flight.lane.gate.is_open(self.clock()):
            flight.dropped = True
            self._not_fetched(flight, error)
        else:
            self._begin_request(flight)

    def _agree(self, flight: Flight, second: Kept) -> bool:
        """Whether the second try settles the matter: it is whole, or cut short at the very same place."""
        first, flight.first = flight.first, None
        assert first is not None, "a second try comes after a first"
        assert first.staged is not None, "it is in no batch yet"
        assert second.staged is not None, "it was staged a moment ago"
        self.cache.discard(first.staged)
        return second.staged.whole or second.staged.digest == first.staged.digest

    def _not_fetched(self, flight: Flight, error: FetchError) -> None:
        self._discard_first(flight)
        row = flight.row
        if error.partial is not None:
            self._has_partials |= self._partials.put(_part_key(flight), error.partial)
            self._sweep_partials()
        if flight.dropped:
            self._give_up(row)
            self._taken.discard(row.media_id)
            self._begun -= not flight.sent
            return
        self._answered |= isinstance(error, HttpStatus | NotMedia | LinkExpired | Placeholder | Truncated)
        self._note(flight, error)
        self._failed(row, error, asked=not flight.unsent)
        self._give_up(row, error)

    def _discard_first(self, flight: Flight) -> None:
        if flight.first is not None and flight.first.staged is not None:
            self.cache.discard(flight.first.staged)
        flight.first = None

    def _note(self, flight: Flight, error: FetchError | None) -> None:
        """Tell the host's gate how it went; a host that is to be left alone gives its rows back."""
        lane, owner = flight.lane, flight.row.owner
        if flight.unsent:
            return
        if error is None:
            lane.refusals.pop(owner, None)
        elif isinstance(error, HttpStatus) and error.status in (401, 403):
            # One post with bad links must not close a host for all others: it counts once, then it waits.
            refused = lane.refusals[owner] = lane.refusals.get(owner, 0) + 1
            if refused == self.config.fetch.circuit:
                self._transfers.withdraw(lane, owner)
                log.info("links_put_off", host=lane.host, owner=owner, reason=error.message)
            if refused > 1:
                return
        now, rests = self.clock(), lane.gate.state.pauses
        if error is None:
            lane.gate.answered(now)
        elif lane.gate.failed(error, now):
            self._rest(lane)
            if lane.gate.state.pauses > rests:
                log.info("host_rests", host=lane.host, until=_moment(lane.gate), reason=error.message)
        if lane.gate.changed:
            lane.gate.changed = False
            self.outcomes.host_changed(lane.gate.state)

    def _rest(self, lane: Lane) -> None:
        self._transfers.withdraw(lane)
        for row in lane.rest():
            self._taken.discard(row.media_id)
        if lane.gate.state.paused_until is None:
            return
        if lane.host not in self.tally.resting:
            with self.store.reading() as tx:
                held = work.due_of_host(tx, Stage.FETCH, lane.host, self.clock(), below=self.below)
            self.tally.held[lane.host] = max(0, held - lane.under_way)
        self.tally.resting[lane.host] = lane.gate.state.paused_until

    def _bring(self, row: Due, kept: Kept, rank: int | None) -> None:
        """The asset is here: for the row that asked for it, and for all that waited."""
        self._absent.pop(row.media_id, None)
        waiting = self._assets.bring(row, kept)
        if kept.file is not None:
            self._link(row, kept, rank)
        else:
            self._count("fetched")
            self.outcomes.fetched(row, kept)
        for other, _ in waiting:
            self._link(other, kept, row.rendition_rank if rank is None else rank)

    def _link(self, row: Due, kept: Kept, rank: int | None) -> None:
        self._count("fetched")
        self.outcomes.linked(row, kept, rank)

    def _give_up(self, row: Due, error: FetchError | None = None) -> None:
        """Nobody fetches this asset any more: who waited for the same URL fails alike, others take their turn."""
        for other, lane in self._assets.give_up(row):
            if error is not None and other.url == row.url:
                self._failed(other, error, asked=False)
                continue
            self._begun -= 1
            lane.rows.appendleft(other)
            self._list(lane)

    def _failed(self, row: Due, error: FetchError | None, *, asked: bool) -> None:
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
        if failure.due_at is None:
            self._absent.pop(row.media_id, None)
        self._count(failure.state)
        self.outcomes.failed(row, failure, asked=asked)

    def _count(self, state: str) -> None:
        self.tally.done += 1
        self.tally.states[state] = self.tally.states.get(state, 0) + 1

    # --- room and rows ---

    def _make_sure_of_room(self, staged: Staged) -> None:
        """Take a file's bytes from what is left of the cache's limit; its file is gone when that raises."""
        size = staged.digest.size
        self._take_back()
        try:
            if size > self._room and self.cache.locate(staged.digest, staged.kind) is None:
                self._make_room(size - 1)
        except BaseException:
            self.cache.discard(staged)
            raise
        self._room -= size

    def _take_room(self, size: int) -> None:
        """Take bytes that come from the archive from what is left of the cache's limit; raises CacheFull."""
        self._take_back()
        if size > self._room:
            self._make_room(size - 1)
        self._room -= size

    def _is_allowed(self, size: int) -> bool:
        """Whether a file may be this large, were there room."""
        return size <= self.config.fetch.max_bytes

    def _did_not_fit(self, flight: Flight, most: int) -> None:
        """The file is larger than what is left: it needs no room only when it is here under another URL."""
        self._discard_first(flight)
        may_be_here = flight.declared is not None and is_size_cached(self.store, flight.declared)
        if not may_be_here:
            self._make_room(most)
        self._begin_request(flight, whatever_size=may_be_here)

    def _make_room(self, most: int) -> None:
        """Make room for more than `most` bytes, beside all that came; raises CacheFull."""
        self._store_now()
        self._given_back.clear()
        self._room = self._fitting.again(most)

    def _take_back(self) -> None:
        while self._given_back:
            self._room += self._given_back.popleft()

    def _store_when_time(self) -> None:
        if self._storing is not None and (self._storing.done() or self.outcomes.crowded):
            storing, self._storing = self._storing, None
            try:
                storing.result()
            except StoreBusy:
                # Nothing is lost: it is tried again with what comes next, as long as that is not too much.
                if self.outcomes.crowded:
                    raise
                log.warning("outcomes_wait")
        if self._storing is None and (self.outcomes.full or self.outcomes.old):
            self._storing = self._database.submit(self.outcomes.flush)

    def _store_now(self) -> None:
        """Store everything there is, and wait for it."""
        storing, self._storing = self._storing, None
        try:
            if storing is not None:
                storing.result()
        finally:
            self._database.submit(self.outcomes.flush).result()


def _known(tx: Connection, rows: Sequence[Due]) -> dict[Asset, Found]:
    """What is in the cache of these rows' assets."""
    found: dict[Asset, Found] = {}
    others = {row.asset for row in rows if row.alternatives and row.answered is None}
    if others:
        # As the rendition it was asked for it is not there, or it would not have come under another name.
        found = {asset: (file, None, came) for asset, (file, came) in media.cached_otherwise(tx, others).items()}
    if rows:
        came_as = {row.asset: row.answered for row in rows}
        for asset, (file, rank) in media.cached_assets(tx, came_as).items():
            found[asset] = (file, rank, came_as[asset])
    return found


def _in_place(file: StoredFile, proof: Proof, other: str | None) -> Kept:
    """A file that is here; `other` is its rendition where that is not the row's."""
    content = CachedFile(file.path, media.digest_of(file), file.kind, file.dimensions, proof)
    return Kept(None, content, rendition=other)


def _part_key(flight: Flight) -> str:
    """Under which name the beginning of a large body waits: that of the asset, whose URL may be signed anew."""
    row = flight.row
    return f"{row.platform} {row.media_key} {flight.other_rendition or row.rendition or ''}"


def _moment(gate: Gate) -> str:
    until = gate.state.paused_until
    return until.isoformat(timespec="seconds") if until else ""
