"""One row at a time from its request to its outcome: known bytes are linked, one download serves all its rows.

A file without its own end is asked for twice, and a name that is not there is followed by the next of its family.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from postkeep.config import FetchConfig
from postkeep.errors import (
    FetchError,
    HttpStatus,
    IntegrityError,
    LinkExpired,
    NotMedia,
    Placeholder,
    TooLarge,
    Truncated,
)
from postkeep.media.cache import Cache, Staged
from postkeep.model import Proof
from postkeep.stages.fetch.allowance import Allowance
from postkeep.stages.fetch.assets import Assets
from postkeep.stages.fetch.beginnings import Beginnings
from postkeep.stages.fetch.lane import Flight, Lane
from postkeep.stages.fetch.lanes import Lanes
from postkeep.stages.fetch.names import Name, is_not_there, names_of
from postkeep.stages.fetch.outcomes import Kept, Outcomes
from postkeep.stages.fetch.present import in_place
from postkeep.stages.fetch.space import Space
from postkeep.stages.fetch.tally import FetchTally
from postkeep.stages.fetch.transfers import Landing, Transfers
from postkeep.stages.fetch.verdict import expired, has_expired, judge
from postkeep.stages.fitting import is_size_cached
from postkeep.store import Store
from postkeep.store.media import Due
from postkeep.store.stored_files import StoredFile


class Flights:
    """Begins rows and settles what came of each, for the one thread that decides.

    `taken` are rows read from the work list whose outcome is not stored yet: one that is dropped leaves it.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        config: FetchConfig,
        transfers: Transfers,
        lanes: Lanes,
        outcomes: Outcomes,
        tally: FetchTally,
        allowance: Allowance,
        *,
        clock: Callable[[], datetime],
        taken: set[str],
        space: Space,
        beginnings: Beginnings,
    ) -> None:
        self._store, self._cache, self._config, self._clock = store, cache, config, clock
        self._transfers, self._lanes, self._outcomes = transfers, lanes, outcomes
        self._tally, self._allowance, self._taken = tally, allowance, taken
        self._space, self._beginnings = space, beginnings
        self._answered = False
        self._assets = Assets()
        # Names that were found not to be there, by the row that is still to be had under another.
        self._absent: dict[str, list[Name]] = {}

    def begin(self, row: Due, lane: Lane) -> None:
        """Begin a row: link it, let it wait for another that brings its asset, or ask for it."""
        self._allowance.begun += 1
        if (kept := self._assets.brought(row)) is not None:
            self._link(row, kept, None)
        elif not self._assets.wait(row, lane):
            flight = Flight(row, lane, names_of(row, self._absent.get(row.media_id, ())))
            if row.asset in lane.known:
                self._begin_known(flight, *lane.known[row.asset])
            else:
                self._begin_request(flight)

    def settle(self, flight: Flight, outcome: object, milliseconds: int) -> None:
        """Take what came of a flight (see Event); what no row can be blamed for is raised."""
        lane = flight.lane
        self._tally.figures.requests = self._transfers.sent
        match outcome:
            case Landing.ARRIVED:
                pass
            case Staged():
                self._staged(flight, outcome, milliseconds)
            case Proof():
                file, rank, other = lane.known[flight.row.asset]
                self._bring(flight.row, in_place(file, outcome, other), rank)
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
        self._lanes.enqueue(lane)

    def throw_away(self, flight: Flight, outcome: object) -> None:
        """Leave nothing of a flight but the beginning of its body: the run failed, its row is still due."""
        if isinstance(outcome, Staged):
            self._cache.discard(outcome)
        elif isinstance(outcome, FetchError) and outcome.partial is not None:
            self._beginnings.keep(flight, outcome.partial)
        self._discard_first(flight)

    def _begin_known(self, flight: Flight, file: StoredFile, rank: int | None, other: str | None) -> None:
        """Take an asset that some row has already from the cache, when its bytes are proven to be there."""
        if file.proof is not None and self._cache.is_as_proven(file.path, file.proof):
            self._link(flight.row, in_place(file, file.proof, other), rank)
            return

        def prove() -> Proof:
            return self._cache.prove(file.path, sha256=file.sha256, md5=file.md5_sum, proof=file.proof)[1]

        self._assets.claim(flight.row)
        self._transfers.prove(flight, prove)

    def _begin_request(self, flight: Flight, *, fresh: bool = False, whatever_size: bool = False) -> None:
        row = flight.row
        if row.expires_at is not None and not fresh and has_expired(row, self._clock()):
            self._give_up(row)
            self._failed(row, None, asked=False)
            return
        flight.most = None if whatever_size else self._space.most()
        self._assets.claim(row)
        part = None if fresh else self._beginnings.take(flight)
        self._transfers.request(flight, part=part, fresh=fresh)

    def _staged(self, flight: Flight, staged: Staged, milliseconds: int) -> None:
        self._answered = True
        self._lanes.note(flight, None)
        kept = Kept(staged, milliseconds=milliseconds)
        if flight.other_rendition is not None:
            kept.url, kept.rendition = flight.url, flight.other_rendition
        if flight.first is None and not staged.whole:
            self._ask_again(flight, kept)
            return
        if flight.first is not None and not self._agree(flight, kept):
            self._cache.discard(staged)
            self._not_fetched(
                flight, Truncated("the file has no end, twice, and not the same", url=flight.row.url)
            )
            return
        kept.incomplete = not staged.whole
        self._space.take_for(staged)
        self._beginnings.drop(flight)
        self._bring(flight.row, kept, None)

    def _ask_again(self, flight: Flight, first: Kept) -> None:
        """A file without its own end gets a second opinion, over a connection of its own."""
        flight.first = first
        if self._allowance.stop():
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
        if self._allowance.stop() or not flight.lane.gate.is_open(self._clock()):
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
        self._cache.discard(first.staged)
        return second.staged.whole or second.staged.digest == first.staged.digest

    def _did_not_fit(self, flight: Flight, most: int) -> None:
        """The file is larger than what is left: it needs no room only when it is here under another URL."""
        self._discard_first(flight)
        may_be_here = flight.declared is not None and is_size_cached(self._store, flight.declared)
        if not may_be_here:
            self._space.make(most)
        self._begin_request(flight, whatever_size=may_be_here)

    def _is_allowed(self, size: int) -> bool:
        """Whether a file may be this large, were there room."""
        return size <= self._config.max_bytes

    def _not_fetched(self, flight: Flight, error: FetchError) -> None:
        self._discard_first(flight)
        row = flight.row
        if error.partial is not None:
            self._beginnings.keep(flight, error.partial)
        if flight.dropped:
            self._give_up(row)
            self._taken.discard(row.media_id)
            self._allowance.begun -= not flight.sent
            return
        self._answered |= isinstance(error, HttpStatus | NotMedia | LinkExpired | Placeholder | Truncated)
        self._lanes.note(flight, error)
        self._failed(row, error, asked=not flight.unsent)
        self._give_up(row, error)

    def _discard_first(self, flight: Flight) -> None:
        if flight.first is not None and flight.first.staged is not None:
            self._cache.discard(flight.first.staged)
        flight.first = None

    def _bring(self, row: Due, kept: Kept, rank: int | None) -> None:
        """The asset is here: for the row that asked for it, and for all that waited."""
        self._absent.pop(row.media_id, None)
        waiting = self._assets.bring(row, kept)
        if kept.file is not None:
            self._link(row, kept, rank)
        else:
            self._tally.count("fetched")
            self._outcomes.fetched(row, kept)
        for other, _ in waiting:
            self._link(other, kept, row.rendition_rank if rank is None else rank)

    def _link(self, row: Due, kept: Kept, rank: int | None) -> None:
        self._tally.count("fetched")
        self._outcomes.linked(row, kept, rank)

    def _give_up(self, row: Due, error: FetchError | None = None) -> None:
        """Nobody fetches this asset any more: who waited for the same URL fails alike, others take their turn."""
        for other, lane in self._assets.give_up(row):
            if error is not None and other.url == row.url:
                self._failed(other, error, asked=False)
                continue
            self._allowance.begun -= 1
            lane.rows.appendleft(other)
            self._lanes.enqueue(lane)

    def _failed(self, row: Due, error: FetchError | None, *, asked: bool) -> None:
        if error is None:
            failure = expired(row)
        else:
            failure = judge(
                row,
                error,
                self._clock(),
                tries=self._config.tries,
                base=self._config.backoff,
                answered=self._answered,
                chance=random.random,
            )
        if failure.due_at is None:
            self._absent.pop(row.media_id, None)
        self._tally.count(failure.state)
        self._outcomes.failed(row, failure, asked=asked)
