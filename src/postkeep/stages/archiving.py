"""Archiving as a use case: what is queued, by one process at a time, with a summary that says what was proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from postkeep.archive.port import Archive
from postkeep.errors import ArchiveError, NotFound
from postkeep.model import RunStatus, Stage
from postkeep.stages.archive import ArchiveTally, Archiving
from postkeep.stages.parts import Parts
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import archiving, leases, work
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.archives import ArchivePlan, ArchiveSummary

ARCHIVE_LEASE = "archive"


def plan_archive(parts: Parts, archive: Archive, *, post_id: str | None, media_id: str | None) -> ArchivePlan:
    """What would go up: contents, bytes, and how many of the cache's are proven to be there already."""
    with parts.store.reading() as tx:
        found = archiving.wanting(tx, archive.place, post_id=post_id, media_id=media_id)
    return ArchivePlan(place=archive.place, files=found.files, bytes=found.bytes, proven=found.proven)


def run_archive(
    parts: Parts,
    archive: Archive,
    *,
    post_id: str | None,
    media_id: str | None,
    limit: int | None,
    stop: Stop,
    progress: OnProgress,
) -> ArchiveSummary:
    """Send what the archive was not proven to hold: all of the cache, a post's, or one medium's.

    Raises LeaseTaken while another process archives, NotFound for a medium without a file in the cache.
    """
    tally = ArchiveTally()
    with recorded(parts.store, "archive", ids=parts.ids, clock=parts.clock) as run, _lease(parts):
        _queue(parts, archive, post_id=post_id, media_id=media_id)
        with parts.store.reading() as tx:
            tally.due = work.due_of_host(tx, Stage.ARCHIVE, archive.place, parts.clock())
        if limit is not None:
            tally.due = min(tally.due, limit)
        stage = Archiving(
            parts.store,
            parts.cache,
            archive,
            parts.config.archive,
            ids=parts.ids,
            clock=parts.clock,
            lease=ARCHIVE_LEASE,
            limit=limit,
            stop=stop,
            progress=_told(progress),
            tally=tally,
        )
        try:
            stage.run()
        except ArchiveError as error:
            run.status, run.error = RunStatus.FAILED, error.message
        _end(run, tally, stop)
        with parts.store.reading() as tx:
            waiting = work.counts(tx, Stage.ARCHIVE, parts.clock())["waiting"]
        return ArchiveSummary(
            run_id=run.run_id,
            status=run.status,
            place=archive.place,
            due=tally.due,
            archived=tally.archived,
            found=tally.found,
            failed=tally.failed,
            bytes=tally.bytes,
            waiting=waiting,
            kinds=dict(tally.kinds),
            error=run.error,
        )


def _queue(parts: Parts, archive: Archive, *, post_id: str | None, media_id: str | None) -> None:
    with parts.store.writing() as tx:
        now = parts.clock()
        if media_id is None:
            archiving.queue_all(tx, archive.place, now, post_id=post_id)
            return
        file_id = archiving.cached_file_of(tx, media_id)
        if file_id is None:
            raise NotFound(f"{media_id} has no file in the cache")
        archiving.queue(tx, archive.place, [file_id], now)


def _end(run: OpenRun, tally: ArchiveTally, stop: Stop) -> None:
    if stop():
        run.status = RunStatus.CANCELLED
    elif run.status is RunStatus.COMPLETED and tally.failed:
        run.status = RunStatus.PARTIAL
    run.summary.update(
        due=tally.due, archived=tally.archived, found=tally.found, failed=tally.failed, bytes=tally.bytes
    )


def _told(progress: OnProgress) -> Callable[[ArchiveTally], None]:
    def tell(now: ArchiveTally) -> None:
        progress(Progress("archiving", now.done, now.due, "files", f"{now.failed} failed"))

    return tell


@contextmanager
def _lease(parts: Parts) -> Iterator[None]:
    with parts.store.writing() as tx:
        leases.take(tx, ARCHIVE_LEASE, parts.clock())
    try:
        yield
    finally:
        with parts.store.writing() as tx:
            leases.give_up(tx, ARCHIVE_LEASE)
