"""Outcomes of a fetch gathered into batches: files made durable, rows committed, then the journal forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.entry import JournalEntry
from postkeep.media.journal import Journal, Token
from postkeep.model import CachedFile
from postkeep.points import passing
from postkeep.store import Store, bulk, leases, media, runs
from postkeep.store.media import PLACES, Arrival, Failure

log = get_logger("fetch")

MOST = 200
OLDEST_SECONDS = 1.0
BEAT_SECONDS = 15.0
"""How often the lease is renewed while no outcome comes; others wait two minutes before they take it."""


class Outcomes:
    """Takes outcomes from the event loop, stores them from the database thread. Thread-safe."""

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
    ) -> None:
        self.store, self.cache, self.journal = store, cache, journal
        self.ids, self.clock, self.run_id, self.lease = ids, clock, run_id, lease
        self._lock = threading.Lock()
        self._arrivals: list[Arrival] = []
        self._failures: list[Failure] = []
        self._after: list[Callable[[], None]] = []
        self._tokens: list[Token] = []
        self._first = 0.0
        self._beat = time.monotonic()

    def arrived(self, arrival: Arrival, token: Token = "") -> None:
        """Take an arrival; `token` is that of its journal entry, if it has one."""
        with self._lock:
            self._begin()
            self._arrivals.append(arrival)
            self._tokens.append(token)

    def failed(self, failure: Failure) -> None:
        with self._lock:
            self._begin()
            self._failures.append(failure)

    def when_stored(self, call: Callable[[], None]) -> None:
        """Call back after the outcomes taken so far, and the next one, were committed."""
        with self._lock:
            self._begin()
            self._after.append(call)

    def _begin(self) -> None:
        if not self._arrivals and not self._failures and not self._after:
            self._first = time.monotonic()

    @property
    def full(self) -> bool:
        return len(self._arrivals) + len(self._failures) >= MOST

    @property
    def old(self) -> bool:
        """Whether it is time to store: the oldest outcome has waited, or others must hear that we live."""
        now = time.monotonic()
        waiting = bool(self._arrivals or self._failures)
        return (waiting and now - self._first >= OLDEST_SECONDS) or now - self._beat >= BEAT_SECONDS

    def flush(self) -> None:
        """Store what was gathered; raises LeaseLost when another process took the stage over.

        When the database refuses, nothing is lost: the next flush stores it.
        """
        with self._lock:
            arrivals, failures, after = self._arrivals, self._failures, self._after
            tokens = self._tokens
            self._arrivals, self._failures, self._after, self._tokens = [], [], [], []
        try:
            self._store(arrivals, failures)
        except BaseException:
            with self._lock:
                self._arrivals, self._failures = arrivals + self._arrivals, failures + self._failures
                self._after, self._tokens = after + self._after, tokens + self._tokens
            raise
        self._beat = time.monotonic()
        self.journal.settle(tokens)
        passing("journal_settled")
        for call in after:
            call()

    def _store(self, arrivals: list[Arrival], failures: list[Failure]) -> None:
        # A new file for what comes now, so that this one can go as soon as its last entry is settled.
        self.journal.rotate()
        now = self.clock()
        if arrivals:
            self.cache.sync_directories()
        with self.store.writing() as tx:
            leases.renew(tx, self.lease, now)
            media.store_arrivals(tx, arrivals, ids=self.ids, now=now)
            media.store_failures(tx, failures, now)
            runs.beat(tx, self.run_id, now)
            passing("outcomes_written")
        passing("outcomes_committed")


def adopt(store: Store, cache: Cache, journal: Journal, *, ids: IdFactory, clock: Callable[[], datetime]) -> int:
    """Take up files that a dead process had put into place and not yet committed, without a request.

    A file whose bytes are not what the journal says is left alone. Returns how many rows got their file.
    Idempotent; call it under the fetch lease.
    """
    left = journal.left()
    found: dict[str, tuple[JournalEntry, CachedFile]] = {}
    for entry in (entry for token in left for entry in journal.entries(token)):
        located = cache.locate(entry.digest, entry.kind)
        if located is not None:
            path, proof = located
            file = CachedFile(path, entry.digest, entry.kind, entry.dimensions, proof)
            found[entry.subject] = (entry, file)
    adopted = 0
    now = clock()
    if found:
        with store.writing() as tx:
            arrivals = []
            for table, _ in PLACES.values():
                for media_id, url, rendition, rank in bulk.among(
                    tx,
                    f"SELECT media_id, media_url, rendition, rendition_rank FROM {table} WHERE media_id {{in}}",  # noqa: S608
                    found,
                ):
                    entry, file = found[media_id]
                    if url == entry.url_key:
                        arrivals.append(Arrival(media_id, file, rendition, rank))
            media.keep_files(tx, (file for _, file in found.values()), ids=ids, now=now)
            media.store_arrivals(tx, arrivals, ids=ids, now=now)
            adopted = len(arrivals)
        log.info("files_adopted", files=len(found), rows=adopted)
    journal.drop_all(*left)
    journal.sweep()
    return adopted
