"""The use cases that join stages: import and fetch, fetch alone, backfill. Each is one recorded run."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime

from postkeep.config import Config
from postkeep.errors import CacheError, LeaseTaken, SourceError, StoreClash, StoreError
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.journal import Journal
from postkeep.model import MediaState, Platform, RunStatus, Stage
from postkeep.net.fetcher import Fetcher
from postkeep.points import passing
from postkeep.stages.eviction import Evictor, finish_removals
from postkeep.stages.fetch import Fetch, FetchTally
from postkeep.stages.fetch.outcomes import adopt
from postkeep.stages.fetch.refused import take_up_refused
from postkeep.stages.hosts import host_of
from postkeep.stages.ingest import Ingest, Tally
from postkeep.stages.ingest.run import SourceEvent
from postkeep.stages.presence import look_over
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import Store, leases, listing, runs, work
from postkeep.store.work import ASKED_FOR
from postkeep.views import (
    BackfillPost,
    BackfillSummary,
    FetchSummary,
    ImportSummary,
    MediaTotals,
    OnProgress,
    Progress,
    Stop,
)

log = get_logger("session")

FETCH_LEASE = "fetch"
_POLL_SECONDS = 0.5
_ERRORS = (MediaState.RETRY, MediaState.FAILED, MediaState.REFUSED, MediaState.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the use cases work with, joined once by the library."""

    store: Store
    cache: Cache
    journal: Journal
    fetcher: Callable[[], Fetcher]
    config: Config
    ids: IdFactory
    clock: Callable[[], datetime]


# --- import -------------------------------------------------------------------------------------------


def run_import(
    parts: Parts,
    events: Iterable[SourceEvent],
    platforms: list[Platform],
    *,
    fetch: bool,
    wait: bool,
    stop: Stop,
    progress: OnProgress,
    reading: Callable[[SourceEvent, int], Progress],
) -> ImportSummary:
    """Store the records, then try once each due media of their posts; `reading` turns events into progress."""
    with recorded(parts.store, "import", ids=parts.ids, clock=parts.clock) as run:
        ingest = Ingest(
            parts.store,
            platforms=platforms,
            ids=parts.ids,
            run_id=run.run_id,
            clock=parts.clock,
            priority=ASKED_FOR if fetch else 0,
            fetch_avatars=parts.config.fetch.avatars,
        )
        try:
            with _seldom_collecting():
                step = None
                for event in ingest.feed(events):
                    step = reading(event, ingest.taken)
                    progress(step)
                    if stop():
                        break
                ingest.flush()
                if step is not None:
                    progress(replace(step, note=f"{ingest.taken} records"))
            if not ingest.tally.sources and not ingest.tally.processed and ingest.tally.unreadable:
                raise SourceError("; ".join(ingest.tally.problems[:3]))
            followed = None
            seen = _look_over(parts, run, priority=ASKED_FOR if fetch else 0)
            if fetch and seen and not stop():
                followed = _fetch_asked(parts, run, wait=wait, stop=stop, progress=progress)
                _look_over(parts, run, priority=0)
        finally:
            totals = None
            with suppress(StoreError):
                totals = _conclude_import(parts, run, ingest.tally, stopped=stop())
        totals = totals or _run_media(parts, run)
        return _import_summary(parts, run, ingest.tally, totals, fetched=fetch, followed=followed)


def _look_over(parts: Parts, run: OpenRun, *, priority: int) -> bool:
    """Whether the cache could be looked at; without it the run has failed, and nothing is said to be cached."""
    try:
        lost = look_over(parts.store, parts.cache, run.run_id, now=parts.clock, priority=priority)
    except CacheError as error:
        run.status, run.error, run.cache_seen = RunStatus.FAILED, error.message, False
        return False
    run.lost += lost
    return True


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Let the garbage collector look less often: a batch is thousands of values that all live as long as it."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _fetch_asked(parts: Parts, run: OpenRun, *, wait: bool, stop: Stop, progress: OnProgress) -> str | None:
    """Fetch what this import asked for; when another process fetches already, follow it or leave it to it."""
    with parts.store.reading() as tx:
        due = work.due_count(tx, Stage.FETCH, parts.clock(), below=0)
    # A process may have died after its last row: nothing is due then, but its files would stay for good.
    if not due and not parts.cache.has_leavings() and not parts.journal.has_leavings():
        return None
    try:
        _under_lease(parts, run, below=0, limit=None, wait=wait and due > 0, stop=stop, progress=progress)
    except LeaseTaken as error:
        return error.owner if due else None
    except CacheError as error:
        run.status, run.error = RunStatus.FAILED, error.message
    return None


def _conclude_import(parts: Parts, run: OpenRun, tally: Tally, *, stopped: bool) -> MediaTotals:
    if stopped:
        run.status = RunStatus.CANCELLED
    elif run.status is RunStatus.COMPLETED and (tally.errors or tally.unreadable):
        run.status = RunStatus.PARTIAL
    totals = _run_media(parts, run)
    if run.status is RunStatus.COMPLETED and totals.errors:
        run.status = RunStatus.PARTIAL
    run.summary.update(
        processed=tally.processed,
        new=tally.new,
        duplicates=tally.duplicates,
        updated=tally.updated,
        errors=tally.errors,
        sources=tally.sources,
        unreadable=tally.unreadable,
        media_found=totals.found,
        media_cached=totals.cached,
        media_errors=totals.errors,
    )
    return totals


def _run_media(parts: Parts, run: OpenRun) -> MediaTotals:
    with parts.store.reading() as tx:
        counted = runs.count_media(tx, run.run_id)
    return _totals(counted.found, counted.cached if run.cache_seen else 0, dict(counted.states))


def _totals(found: int, cached: int, states: dict[str, int]) -> MediaTotals:
    return MediaTotals(
        found=found,
        cached=cached,
        errors=sum(states.get(state, 0) for state in _ERRORS),
        pending=states.get(MediaState.PENDING, 0),
        expired=states.get(MediaState.EXPIRED, 0),
        gone=states.get(MediaState.GONE, 0),
        refused=states.get(MediaState.REFUSED, 0),
    )


def _import_summary(
    parts: Parts, run: OpenRun, tally: Tally, totals: MediaTotals, *, fetched: bool, followed: str | None
) -> ImportSummary:
    return ImportSummary(
        run_id=run.run_id,
        status=run.status,
        processed=tally.processed,
        new=tally.new,
        duplicates=tally.duplicates,
        errors=tally.errors,
        updated=tally.updated,
        quarantined=tally.errors,
        sources=tally.sources,
        unreadable=tally.unreadable,
        media=totals,
        fetched=fetched,
        problems=(*tally.problems, *_remarks(parts, run, tally)),
        error=run.error,
        followed=followed,
    )


def _remarks(parts: Parts, run: OpenRun, tally: Tally) -> list[str]:
    """What a person should hear beside the counts: losses, guessed times, and why media failed."""
    remarks = []
    if run.lost:
        remarks.append(f"{run.lost} files were no longer in the cache, or damaged; they were queued again")
    if tally.unstamped:
        remarks.append(
            f"sources without a time stamp in their name or folder: {tally.unstamped}; their own date was taken,"
            " which is a guess"
        )
    with parts.store.reading() as tx:
        reasons = runs.media_reasons(tx, run.run_id, _ERRORS)
    return remarks + [f"media: {count} x {reason}" for reason, count in reasons]


# --- fetch --------------------------------------------------------------------------------------------


def run_fetch(
    parts: Parts, *, limit: int | None, wait: bool, patience: float, stop: Stop, progress: OnProgress
) -> FetchSummary:
    """Try everything that is due, once; raises LeaseTaken with `wait` off while another process fetches.

    `patience` is for how many seconds it waits for what is due later and for hosts that rest.
    """
    with recorded(parts.store, "fetch", ids=parts.ids, clock=parts.clock) as run:
        tally = FetchTally()
        try:
            tally = _under_lease(
                parts,
                run,
                below=1,
                limit=limit,
                wait=wait,
                patience=patience,
                stop=stop,
                progress=progress,
            )
        except CacheError as error:
            run.status, run.error = RunStatus.FAILED, error.message
        if stop():
            run.status = RunStatus.CANCELLED
        elif run.status is RunStatus.COMPLETED and any(tally.states.get(state) for state in _ERRORS):
            run.status = RunStatus.PARTIAL
        with parts.store.reading() as tx:
            waiting = work.counts(tx, Stage.FETCH, parts.clock())["waiting"]
        run.summary.update(
            due=tally.due, cached=tally.cached, linked=tally.linked, failed=tally.failed, bytes=tally.bytes
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
        )


def _under_lease(
    parts: Parts,
    run: OpenRun,
    *,
    below: int,
    limit: int | None,
    wait: bool,
    patience: float = 0.0,
    stop: Stop,
    progress: OnProgress,
) -> FetchTally:
    with _lease(parts, wait=wait, stop=stop, below=below) as mine:
        if not mine:
            return FetchTally()
        passing("lease_taken")
        parts.cache.sweep()
        finish_removals(parts.store, parts.cache, parts.clock())
        adopt(parts.store, parts.cache, parts.journal, ids=parts.ids, clock=parts.clock)
        take_up_refused(parts.store, parts.config.fetch, clock=parts.clock)
        return _fetch(parts, run, below=below, limit=limit, stop=stop, progress=progress, patience=patience)


def _fetch(
    parts: Parts,
    run: OpenRun,
    *,
    below: int,
    limit: int | None,
    patience: float,
    stop: Stop,
    progress: OnProgress,
) -> FetchTally:
    def report(tally: FetchTally) -> None:
        progress(
            Progress("fetching", tally.done, max(tally.due, tally.done), "files", f"{tally.failed} not to be had")
        )

    return Fetch(
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
        below=below,
        limit=limit,
        patience=patience,
        stop=stop,
        progress=report,
    ).run()


@contextmanager
def _lease(parts: Parts, *, wait: bool, stop: Stop, below: int) -> Iterator[bool]:
    """Hold the fetch lease for the block; False when another process did all there was to do meanwhile."""
    while True:
        try:
            with parts.store.writing() as tx:
                leases.take(tx, FETCH_LEASE, parts.clock())
            break
        except StoreClash:
            # Another process took it between our look and our row: look again.
            continue
        except LeaseTaken as taken:
            if not wait:
                raise
            log.info("fetch_followed", owner=taken.owner)
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


# --- backfill -----------------------------------------------------------------------------------------


def run_backfill(
    parts: Parts,
    *,
    dry_run: bool,
    limit: int | None,
    start_date: date | None,
    batch_size: int,
    sleep_min: float,
    sleep_max: float,
    stop: Stop,
    progress: OnProgress,
    pause: Callable[[float], None] = time.sleep,
) -> BackfillSummary:
    """Find posts whose media are not all in the cache and try those, batch by batch, with a pause between.

    Resume is the query itself: what is there is not found again. A dry run only lists, and records no run.
    """
    batches = _incomplete(parts, batch_size=batch_size, limit=limit, since=start_date, stop=stop)
    if dry_run:
        posts = tuple(post for batch in batches for post in batch)
        status = RunStatus.CANCELLED if stop() else RunStatus.COMPLETED
        return BackfillSummary(None, status, True, len(posts), len(posts), 0, 0, MediaTotals(), posts)
    with recorded(parts.store, "backfill", ids=parts.ids, clock=parts.clock) as run:
        checked = processed = failed = 0
        totals = MediaTotals()
        for number, batch in enumerate(batches):
            if number:
                pause(random.uniform(sleep_min, sleep_max))
            try:
                found, bad_posts = _backfill_batch(parts, run, [post.post_id for post in batch], stop=stop)
            except CacheError as error:
                run.status, run.error = RunStatus.FAILED, error.message
                break
            totals = _sum(totals, found)
            checked += len(batch)
            failed += bad_posts
            processed += len(batch) - bad_posts
            progress(Progress("backfilling", checked, None, "posts", f"{totals.cached} files cached"))
        if stop():
            run.status = RunStatus.CANCELLED
        elif run.status is RunStatus.COMPLETED and totals.errors:
            run.status = RunStatus.PARTIAL
        run.summary.update(
            processed=processed, failed=failed, media_found=totals.found, media_cached=totals.cached
        )
        return BackfillSummary(
            run.run_id, run.status, False, checked, checked, processed, failed, totals, error=run.error
        )


def _incomplete(
    parts: Parts, *, batch_size: int, limit: int | None, since: date | None, stop: Stop
) -> Iterator[list[BackfillPost]]:
    last, left = "", limit
    while not stop():
        size = batch_size if left is None else min(batch_size, left)
        if size <= 0:
            return
        with parts.store.reading() as tx:
            rows = listing.incomplete_posts(tx, parts.clock(), after=last, limit=size, since=since)
        if not rows:
            return
        last = rows[-1][0]
        left = None if left is None else left - len(rows)
        yield [BackfillPost(*row) for row in rows]


def _backfill_batch(parts: Parts, run: OpenRun, post_ids: list[str], *, stop: Stop) -> tuple[MediaTotals, int]:
    """Try the media of these posts; returns their totals and how many of the posts still lack one."""
    now = parts.clock()
    with parts.store.writing() as tx:
        wanted = listing.incomplete_media(tx, post_ids, now)
        work.ensure(
            tx,
            Stage.FETCH,
            [(media_id, host_of(url)) for media_id, _, url in wanted],
            now,
            priority=ASKED_FOR,
        )
    _under_lease(parts, run, below=0, limit=None, wait=True, stop=stop, progress=lambda step: None)
    with parts.store.reading() as tx:
        counts = listing.media_totals(tx, [media_id for media_id, _, _ in wanted])
        left = listing.incomplete_of(tx, post_ids)
    states: dict[str, int] = {}
    for (state, _), count in counts.items():
        states[state] = states.get(state, 0) + count
    cached = sum(count for (_, is_cached), count in counts.items() if is_cached)
    return _totals(sum(states.values()), cached, states), left


def _sum(one: MediaTotals, other: MediaTotals) -> MediaTotals:
    return MediaTotals(
        one.found + other.found,
        one.cached + other.cached,
        one.errors + other.errors,
        one.pending + other.pending,
        one.expired + other.expired,
        one.gone + other.gone,
        one.refused + other.refused,
    )
