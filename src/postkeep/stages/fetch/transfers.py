"""What is under way: requests the fetcher runs, and the threads that hash and write what they bring."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from postkeep.errors import FetchError
from postkeep.media.cache import Cache
from postkeep.model import Fetched, Partial, Proof
from postkeep.net.fetcher import Fetcher
from postkeep.net.job import Job
from postkeep.points import passing
from postkeep.stages.fetch import keep
from postkeep.stages.fetch.gate import says_not_now
from postkeep.stages.fetch.lane import Flight, Lane

_WRITERS = 2
_MOST_STUCK = 512


class Landing(Enum):
    """The body of a flight is here, and its host may be asked for the next; what is in it follows."""

    ARRIVED = "arrived"


Event = tuple[Flight, object, int]
"""A flight, what came of it (Landing, Staged, Proof or an exception), and the milliseconds its download took."""


class Transfers:
    """Begins flights and hands back, to the one thread that asks, what came of each.

    Bodies are hashed and written by threads of its own. Start it before and land it after; landing closes the
    fetcher. `sent` counts the requests that hosts were sent and that are over.
    """

    def __init__(self, fetcher: Fetcher, cache: Cache, placeholders: Sequence[str]) -> None:
        self._fetcher, self._cache, self._placeholders = fetcher, cache, placeholders
        self._most = fetcher.config.max_bytes
        self.sent = 0
        self._flights: dict[int, tuple[Flight, Job | None]] = {}
        self._bodies: queue.SimpleQueue[tuple[Flight, Fetched | Callable[[], Proof]] | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._writers = [
            threading.Thread(target=self._write, name=f"postkeep-cache-{number}", daemon=True)
            for number in range(_WRITERS)
        ]

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def moving(self) -> int:
        """How many are under way, but for those behind hosts that hardly answer, up to a bound."""
        return len(self._flights) - min(self._fetcher.stuck, _MOST_STUCK)

    def start(self) -> None:
        for thread in self._writers:
            thread.start()

    def request(self, flight: Flight, *, part: Partial | None = None, fresh: bool = False) -> None:
        """Ask for a flight's URL; `part` is the beginning that is here already, `fresh` takes a new connection."""
        self._take_off(flight, None)

        def done(outcome: Fetched | BaseException) -> None:
            if isinstance(outcome, Fetched):
                self._events.put((flight, Landing.ARRIVED, 0))
                self._bodies.put((flight, outcome))
            else:
                if isinstance(outcome, FetchError) and says_not_now(outcome):
                    # Here, because the next request would be sent before anybody else could say so.
                    self.withdraw(flight.lane)
                self._events.put((flight, outcome, 0))

        try:
            most = self._most if flight.most is None else min(self._most, flight.most)
            job = self._fetcher.begin(flight.url, done, max_bytes=most, part=part, fresh=fresh)
        except FetchError as error:
            flight.unsent = True
            self._events.put((flight, error, 0))
        else:
            self._flights[id(flight)] = (flight, job)

    def prove(self, flight: Flight, proving: Callable[[], Proof]) -> None:
        """Let a thread that may read files prove what is in the cache for a flight."""
        self._take_off(flight, None)
        self._bodies.put((flight, proving))

    def drop(self) -> None:
        """End the requests nobody wants to wait for; their outcomes still come, as dropped."""
        for flight, job in self._flights.values():
            if not flight.dropped and job is not None:
                flight.dropped = True
                self._fetcher.abort(job)

    def withdraw(self, lane: Lane, owner: str | None = None) -> None:
        """Take back what was not sent yet of a host, or of one owner there; the outcomes come as dropped."""
        for flight, job in list(self._flights.values()):
            if flight.lane is not lane or owner not in (None, flight.row.owner):
                continue
            if job is not None and job.transfer is None and not job.over:
                flight.dropped = True
                self._fetcher.abort(job)

    def events(self, seconds: float) -> Iterator[Event]:
        """What came, as it comes: waits so long for the first, and for no other."""
        try:
            event = self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
            while True:
                self._touch_down(*event[:2])
                yield event
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def land(self) -> None:
        """Close the fetcher and wait for the writers; `events` then has all there is. Idempotent."""
        self._fetcher.close()
        for _ in self._writers:
            self._bodies.put(None)
        for thread in self._writers:
            thread.join()

    def _take_off(self, flight: Flight, job: Job | None) -> None:
        flight.lane.under_way += 1
        self._flights[id(flight)] = (flight, job)

    def _touch_down(self, flight: Flight, outcome: object) -> None:
        if not flight.arrived:
            flight.lane.under_way -= 1
            job = self._flights[id(flight)][1]
            flight.sent = job is not None and job.sent
            flight.declared = None if job is None else job.declared
            self.sent += flight.sent
        flight.arrived = outcome is Landing.ARRIVED
        if not flight.arrived:
            del self._flights[id(flight)]

    def _write(self) -> None:
        """Turn bodies into staged files, and prove files that are there, until None comes."""
        while (taken := self._bodies.get()) is not None:
            flight, body = taken
            milliseconds = 0
            outcome: object
            try:
                if isinstance(body, Fetched):
                    milliseconds = body.milliseconds
                    outcome = keep.stage(self._cache, body, self._placeholders)
                    passing("file_staged")
                else:
                    outcome = body()
            except BaseException as error:
                outcome = error
            self._events.put((flight, outcome, milliseconds))
