"""Fetching as a use case: one process at a time under the lease, the others follow it or leave."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from postkeep.errors import CacheError, LeaseTaken, StoreClash, StoreInterrupted
from postkeep.log import get_logger
from postkeep.model import RunStatus, Stage
from postkeep.points import passing
from postkeep.stages.archive.returning import returning_for
from postkeep.stages.eviction import Evictor, finish_removals
from postkeep.stages.fetch import Fetch, FetchTally
from postkeep.stages.fetch.outcomes import adopt
from postkeep.stages.fetch.refused import take_up_refused
from postkeep.stages.joining import join_waiting, noted
from postkeep.stages.parts import ERRORS, Parts
from postkeep.stages.presence import must_be_there
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import leases, work
from postkeep.views import FetchSummary, OnProgress, Progress, Stop

log = get_logger("session")

FETCH_LEASE = "fetch"
_POLL_SECONDS = 0.5


def run_fetch(
    parts: Parts, *, limit: int | None, wait: bool, patience: float, stop: Stop, progress: OnProgress
) -> FetchSummary:
    """Try everything that is due, once; raises LeaseTaken with `wait` off while another process fetches.

    `patience` is for how many seconds it waits for what is due later and for hosts that rest.
    """
    with recorded(parts.store, "fetch", ids=parts.ids, clock=parts.clock) as run:
        tally = FetchTally()
        try:
            under_lease(
                parts,
                run,
                below=1,
                limit=limit,
                wait=wait,
                patience=patience,
                stop=stop,
                progress=progress,
                tally=tally,
            )
        except CacheError as error:
            run.status, run.error = RunStatus.FAILED, error.message
        if stop():
            run.status = RunStatus.CANCELLED
        elif run.status is RunStatus.COMPLETED and any(tally.states.get(state) for state in ERRORS):
            run.status = RunStatus.PARTIAL
        with parts.store.reading() as tx:
            waiting = work.counts(tx, Stage.FETCH, parts.clock())["waiting"]
        run.summary.update(
            due=tally.due,
            cached=tally.cached,
            linked=tally.linked,
            restored=tally.restored,
            failed=tally.failed,
            bytes=tally.bytes,
            **noted(run.joins),
        )
        return FetchSummary(
            run_id=run.run_id,
            status=run.status,
            due=tally.due,
            cached=tally.cached,
            linked=tally.linked,
            failed=tally.failed,
            requests=tally.requests,
            bytes=tally.bytes,
            waiting=waiting,
            states=dict(tally.states),
            resting=dict(tally.resting),
            error=run.error,
            restored=tally.restored,
            joins=run.joins,
        )


def under_lease(
    parts: Parts,
    run: OpenRun,
    *,
    below: int,
    limit: int | None,
    wait: bool,
    patience: float = 0.0,
    stop: Stop,
    progress: OnProgress,
    tally: FetchTally | None = None,
) -> None:
    """Fetch as the one process that does, or follow the one that is at it; counts in `tally`.

    `below` and `patience` are those of Fetch. Raises LeaseTaken with `wait` off while another process fetches,
    CacheError when the cache can take no more.
    """
    must_be_there(parts.store, parts.cache)
    with _lease(parts, wait=wait, stop=stop, below=below) as mine:
        if not mine:
            return
        passing("lease_taken")
        must_be_there(parts.store, parts.cache)
        parts.cache.sweep()
        finish_removals(parts.store, parts.cache, parts.clock())
        adopt(parts.store, parts.cache, parts.journal, ids=parts.ids, clock=parts.clock)
        take_up_refused(parts.store, parts.config.fetch, clock=parts.clock)
        Fetch(
            parts.store,
            parts.cache,
            parts.journal,
            parts.fetcher(),
            parts.config,
            ids=parts.ids,
            clock=parts.clock,
            run_id=run.run_id,
            lease=FETCH_LEASE,
            evictor=Evictor(parts.store, parts.cache, parts.config, clock=parts.clock),
            returning=returning_for(parts, stop=stop),
            below=below,
            limit=limit,
            patience=patience,
            stop=stop,
            progress=lambda now: progress(_step(now)),
            tally=tally,
        ).run()
        join_waiting(parts, run, lease=FETCH_LEASE, stop=stop, progress=progress)


def _step(tally: FetchTally) -> Progress:
    note = f"{tally.failed} not to be had"
    if tally.waiting:
        note = f"waiting {tally.waiting:.0f} s for what is due later"
    return Progress("fetching", tally.done, tally.total, "files", note)


@contextmanager
def _lease(parts: Parts, *, wait: bool, stop: Stop, below: int) -> Iterator[bool]:
    """Hold the fetch lease for the block; False when another process did all there was to do meanwhile."""
    said = False
    while True:
        try:
            with parts.store.writing() as tx:
                leases.take(tx, FETCH_LEASE, parts.clock())
            break
        except StoreInterrupted:
            raise
        except StoreClash:
            # Another process took it between our look and our row: look again.
            continue
        except LeaseTaken as taken:
            if not wait:
                raise
            if not said:
                said = True
                log.warning("fetch_followed", told=f"waiting for another process that is fetching ({taken.owner})")
        time.sleep(_POLL_SECONDS)
        with parts.store.reading() as tx:
            left = work.due_count(tx, Stage.FETCH, parts.clock(), below=below)
        if stop() or not left:
            yield False
            return
    try:
        yield True
    finally:
        with parts.store.writing() as tx:
            leases.give_up(tx, FETCH_LEASE)
        passing("lease_given_up")
