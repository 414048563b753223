"""An import as a use case: posts are stored, then their media are fetched once. One recorded run."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

from postkeep.errors import CacheError, LeaseTaken, SourceError, StoreError
from postkeep.log import get_logger
from postkeep.model import Platform, RunStatus, Stage
from postkeep.stages.beside import Beside
from postkeep.stages.fetching import under_lease
from postkeep.stages.ingest import Ingest, Tally
from postkeep.stages.ingest.run import SourceEvent
from postkeep.stages.joining import has_work, noted
from postkeep.stages.parts import ERRORS, Parts, totals_of
from postkeep.stages.presence import look_over, must_be_there
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import runs, work
from postkeep.store.work import ASKED_FOR
from postkeep.views import ImportSummary, MediaTotals, OnProgress, Progress, Stop

log = get_logger("import")


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
    readmit: bool = False,
) -> ImportSummary:
    """Store the records, then try once each due media of their posts; `reading` turns events into progress.

    With `readmit` what was erased and is in these records comes back, for good.
    """
    with recorded(parts.store, "import", ids=parts.ids, clock=parts.clock) as run:
        ingest = Ingest(
            parts.store,
            platforms=platforms,
            ids=parts.ids,
            run_id=run.run_id,
            clock=parts.clock,
            priority=ASKED_FOR if fetch else 0,
            fetch_avatars=parts.config.fetch.avatars,
            readmit=readmit,
        )
        beside = Beside(parts, platforms, run.run_id)
        try:
            with _seldom_collecting():
                step = None
                with closing(ingest.feed(beside.watching(events))) as fed:
                    for event in fed:
                        step = reading(event, ingest.taken)
                        progress(step)
                        if stop():
                            break
                if step is not None:
                    progress(replace(step, note=f"{ingest.taken} records"))
            if not ingest.tally.sources and not ingest.tally.processed and ingest.tally.unreadable:
                raise SourceError("; ".join(ingest.tally.problems[:3]))
            followed = None
            seen = _look_over(parts, run, priority=ASKED_FOR if fetch else 0)
            if seen and not stop():
                _take_in(beside, run, stop=stop, progress=progress)
            if fetch and seen and not stop():
                followed = _fetch_asked(parts, run, wait=wait, stop=stop, progress=progress)
                _look_over(parts, run, priority=0)
        finally:
            beside.close()
            run.beside = beside.linked
            totals = None
            with suppress(StoreError):
                totals = _conclude_import(parts, run, ingest.tally, stopped=stop())
        totals = totals or _run_media(parts, run)
        return _import_summary(parts, run, ingest.tally, totals, fetched=fetch, followed=followed)


def _look_over(parts: Parts, run: OpenRun, *, priority: int) -> bool:
    """Whether the cache could be looked at; without it the run has failed, and nothing is said to be cached."""
    try:
        must_be_there(parts.store, parts.cache)
        lost = look_over(parts.store, parts.cache, run.run_id, now=parts.clock, priority=priority)
    except CacheError as error:
        run.status, run.error, run.cache_seen = RunStatus.FAILED, error.message, False
        return False
    run.lost += lost
    return True


def _take_in(beside: Beside, run: OpenRun, *, stop: Stop, progress: OnProgress) -> None:
    try:
        beside.take_in(stop=stop, progress=progress)
    except CacheError as error:
        run.status, run.error = RunStatus.FAILED, error.message


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
    left = parts.cache.has_leavings() or parts.journal.has_leavings()
    if not due and not left and not has_work(parts):
        return None
    try:
        under_lease(parts, run, below=0, limit=None, wait=wait and due > 0, stop=stop, progress=progress)
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
        media_beside=run.beside,
        media_errors=totals.errors,
        media_expired=totals.expired,
        media_gone=totals.gone,
        **noted(run.joins),
    )
    return totals


def _run_media(parts: Parts, run: OpenRun) -> MediaTotals:
    with parts.store.reading() as tx:
        counted = runs.count_media(tx, run.run_id)
    return totals_of(counted.found, counted.cached if run.cache_seen else 0, dict(counted.states))


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
        problems=(*tally.problems, *_remarks(parts, run, tally, totals)),
        error=run.error,
        followed=followed,
        joins=run.joins,
    )


def _remarks(parts: Parts, run: OpenRun, tally: Tally, totals: MediaTotals) -> list[str]:
    """What a person should hear beside the counts: losses, guessed times, and why media failed."""
    remarks = []
    if run.lost:
        remarks.append(f"{run.lost} files were no longer in the cache, or damaged; they were queued again")
    if run.beside:
        lay = "1 file lay beside its record" if run.beside == 1 else f"{run.beside} files lay beside their records"
        remarks.append(lay)
    if tally.refused:
        remarks.append(f"posts that were erased and stay away: {tally.refused}; `--readmit` lets them come back")
    if tally.unstamped:
        remarks.append(
            f"sources without a time stamp in their name or folder: {tally.unstamped}; their own date was taken,"
            " which is a guess"
        )
    with parts.store.reading() as tx:
        reasons = runs.media_reasons(tx, run.run_id, ERRORS)
    remarks += [f"media: {count} x {reason}" for reason, count in reasons]
    if reasons and (more := totals.errors - sum(count for _, count in reasons)) > 0:
        remarks.append(f"media: … and {more} more for other reasons: `postkeep media failures` has them all")
    return remarks
