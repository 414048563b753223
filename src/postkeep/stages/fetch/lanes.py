"""The hosts of a run: who may go on, who is left alone, and how much of the work of each was read.

A thousand hosts take turns, one row at a time, so that none waits for another.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from postkeep.config import FetchConfig
from postkeep.errors import FetchError, HttpStatus
from postkeep.log import get_logger
from postkeep.model import Stage
from postkeep.stages.archive.returning import Returning
from postkeep.stages.fetch.allowance import Allowance
from postkeep.stages.fetch.gate import Gate
from postkeep.stages.fetch.lane import Flight, Lane
from postkeep.stages.fetch.outcomes import Outcomes
from postkeep.stages.fetch.present import present
from postkeep.stages.fetch.space import Space
from postkeep.stages.fetch.storing import Storing
from postkeep.stages.fetch.tally import FetchTally
from postkeep.stages.fetch.transfers import Transfers
from postkeep.store import Store, archive_objects, hosts, media, work
from postkeep.store.hosts import HostState
from postkeep.store.media import Due

log = get_logger("fetch")

_PAGE, _LEAST_PAGE, _ROWS_READ = 500, 20, 8000


class Lanes:
    """The lanes of a run, for the one thread that decides.

    `taken` are rows read from the work list whose outcome is not stored yet. `returning`, if there is an archive,
    is asked for what was read before any host is. Lanes of which a row may begin stand in a queue, each once.
    """

    def __init__(
        self,
        store: Store,
        config: FetchConfig,
        transfers: Transfers,
        outcomes: Outcomes,
        tally: FetchTally,
        allowance: Allowance,
        *,
        clock: Callable[[], datetime],
        below: int,
        taken: set[str],
        space: Space,
        storing: Storing,
        returning: Returning | None,
    ) -> None:
        self._store, self._config, self._transfers = store, config, transfers
        self._outcomes, self._tally, self._allowance = outcomes, tally, allowance
        self._clock, self._below, self._taken = clock, below, taken
        self._space, self._storing, self._returning = space, storing, returning
        self._lanes: dict[str, Lane] = {}
        self._queue: deque[Lane] = deque()
        # Twice as many, so that a connection that is done finds the next request ready.
        self._most_of_host = 2 * config.per_host

    def open(self) -> None:
        """Let all hosts go on that have work and may; new hosts are taken up."""
        with self._store.reading() as tx:
            names, states = work.hosts(tx, Stage.FETCH), hosts.states(tx)
        now = self._clock()
        for name in names:
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = Lane(name, self._gate(states.get(name) or HostState(name)))
            if lane.gate.is_open(now):
                self._open(lane)
            else:
                self._return_without(name)
                self.rest(lane)

    def open_rested(self) -> None:
        """Let hosts go on whose rest ended while others were busy."""
        now = self._clock()
        for host, until in list(self._tally.resting.items()):
            if until <= now:
                self._open(self._lanes[host])

    @property
    def are_waiting(self) -> bool:
        """Whether any lane stands in the queue."""
        return bool(self._queue)

    def next(self) -> Lane:
        """Take the lane whose turn it is out of the queue."""
        lane = self._queue.popleft()
        lane.listed = False
        return lane

    def enqueue(self, lane: Lane) -> None:
        """Let a lane wait for its next turn, if one more of its rows may begin; again is as well."""
        if not lane.listed and lane.has_room(self._most_of_host):
            lane.listed = True
            self._queue.append(lane)

    def read_page(self, lane: Lane) -> None:
        """Read the next rows of a lane, and bring from the archive what they want; no rows make it dry."""
        # A thousand hosts at a time must not mean a thousand long lists.
        limit = max(_LEAST_PAGE, min(_PAGE, _ROWS_READ // len(self._lanes)))
        with self._store.reading() as tx:
            rows = media.due(tx, lane.host, self._clock(), limit=limit, below=self._below, skip=self._taken)
            lane.known = present(tx, rows)
        if self._return([row for row in rows[: self._allowance.left()] if row.asset not in lane.known]):
            with self._store.reading() as tx:
                lane.known = present(tx, rows)
        self._taken.update(row.media_id for row in rows)
        lane.rows.extend(rows)
        lane.dry = not rows

    def note(self, flight: Flight, error: FetchError | None) -> None:
        """Tell the host's gate how it went; a host that is to be left alone gives its rows back."""
        lane, owner = flight.lane, flight.row.owner
        if flight.unsent:
            return
        if error is None:
            lane.refusals.pop(owner, None)
        elif isinstance(error, HttpStatus) and error.status in (401, 403):
            # One post with bad links must not close a host for all others: it counts once, then it waits.
            refused = lane.refusals[owner] = lane.refusals.get(owner, 0) + 1
            if refused == self._config.circuit:
                self._transfers.withdraw(lane, owner)
                log.info("links_put_off", host=lane.host, owner=owner, reason=error.message)
            if refused > 1:
                return
        now, rests = self._clock(), lane.gate.state.pauses
        if error is None:
            lane.gate.answered(now)
        elif lane.gate.failed(error, now):
            self.rest(lane)
            if lane.gate.state.pauses > rests:
                log.info("host_rests", host=lane.host, until=_moment(lane.gate), reason=error.message)
        if lane.gate.changed:
            lane.gate.changed = False
            self._outcomes.host_changed(lane.gate.state)

    def rest(self, lane: Lane) -> None:
        """Leave a host alone: its rows that were not sent yet are for another time."""
        self._transfers.withdraw(lane)
        for row in lane.rest():
            self._taken.discard(row.media_id)
        if lane.gate.state.paused_until is None:
            return
        if lane.host not in self._tally.resting:
            with self._store.reading() as tx:
                held = work.due_of_host(tx, Stage.FETCH, lane.host, self._clock(), below=self._below)
            self._tally.held[lane.host] = max(0, held - lane.under_way)
        self._tally.resting[lane.host] = lane.gate.state.paused_until

    def _open(self, lane: Lane) -> None:
        self._tally.resting.pop(lane.host, None)
        self._tally.held.pop(lane.host, None)
        lane.dry = False
        self.enqueue(lane)

    def _gate(self, state: HostState) -> Gate:
        return Gate(state, circuit=self._config.circuit, base=self._config.backoff, chance=random.random)

    def _return(self, rows: Sequence[Due]) -> int:
        """Bring from the archive what these rows want and it was proven to hold; returns how many came."""
        if self._returning is None or not rows:
            return 0
        with self._store.reading() as tx:
            file_ids = archive_objects.absent_assets(tx, {row.asset for row in rows})
        if not file_ids:
            return 0
        came = self._returning.bring(file_ids, room=self._space.take, meanwhile=self._storing.when_time)
        self._tally.restored += came
        return came

    def _return_without(self, host: str) -> None:
        """The same for the first rows of a host that is left alone: it is not needed for them."""
        if self._returning is None or self._allowance.is_over():
            return
        with self._store.reading() as tx:
            rows = media.due(tx, host, self._clock(), limit=_PAGE, below=self._below)
        self._return(rows[: self._allowance.left()])


def _moment(gate: Gate) -> str:
    until = gate.state.paused_until
    return until.isoformat(timespec="seconds") if until else ""
