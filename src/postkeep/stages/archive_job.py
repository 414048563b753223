"""Archiving that nobody waits for: beside everything else until it is stopped, or once behind an import."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from postkeep.errors import CacheError, LeaseTaken, StoreBusy
from postkeep.log import get_logger
from postkeep.model import Stage
from postkeep.stages.archiving import ARCHIVE_LEASE, Archives
from postkeep.stages.presence import must_be_there
from postkeep.store import archive_queue, archiving, work
from postkeep.views import OnProgress, Stop
from postkeep.views.archives import ArchiveSummary
from postkeep.views.watching import ImportArchived, WatchRound, WatchSummary

log = get_logger("archive")

_AT_ONCE = 1000
_LONGEST_REST = 10
_STEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Chosen(Archives):
    """Archives that queue only what was chosen."""

    file_ids: Sequence[str] = ()

    def _queue(self, *, post_id: str | None, media_id: str | None) -> None:
        with self.parts.store.writing() as tx:
            archiving.queue(tx, self.archive.place, self.file_ids, self.parts.clock())

    def send(self, stop: Stop, progress: OnProgress) -> ArchiveSummary:
        return self.run(post_id=None, media_id=None, limit=None, stop=stop, progress=progress)


# --- beside everything else ---------------------------------------------------------------------------------


def run_watch(
    archives: Archives,
    *,
    every: float,
    on_round: Callable[[WatchRound], None],
    stop: Stop,
    progress: OnProgress,
    rest: Callable[[float], None] | None = None,
) -> WatchSummary:
    """Look for what is new or due every so many seconds and send it, until `stop`.

    A store or cache that is away, a database that is locked and another process that archives end nothing; after
    rounds that failed it rests up to ten times as long. The lease is held only while something is sent.
    """
    pause = rest or (lambda seconds: _rest(seconds, stop))
    told, failed = WatchSummary(archives.archive.place), 0
    while not stop():
        one, more = _round(archives, stop, progress)
        told, failed = _added(told, one), failed + 1 if one.error else 0
        on_round(one)
        if not (more or stop()):
            pause(every * min(2**failed, _LONGEST_REST))
    return told


def _round(archives: Archives, stop: Stop, progress: OnProgress) -> tuple[WatchRound, bool]:
    """What one look led to, and whether there is more to do at once."""
    parts, place = archives.parts, archives.archive.place
    try:
        # Rounds that find nothing only read, which goes on for ever in a file that was moved away.
        parts.store.must_be_there()
        must_be_there(parts.store, parts.cache)
        with parts.store.reading() as tx:
            now = parts.clock()
            if (owner := archive_queue.holder(tx, ARCHIVE_LEASE, now)) is not None:
                return WatchRound(left_to=owner), False
            new = archive_queue.new_files(tx, place, limit=_AT_ONCE)
            if not new and not work.due_of_host(tx, Stage.ARCHIVE, place, now):
                return WatchRound(), False
        summary = _Chosen(parts, archives.archive, new).send(stop, progress)
    except LeaseTaken as error:
        return WatchRound(left_to=error.owner), False
    except (CacheError, StoreBusy) as error:
        log.info("archiving_put_off", reason=error.message)
        return WatchRound(error=error.message), False
    return WatchRound(summary, error=summary.error), len(new) == _AT_ONCE and summary.error is None


def _added(told: WatchSummary, one: WatchRound) -> WatchSummary:
    if one.summary is None:
        return replace(told, error=one.error)
    return replace(
        told,
        runs=told.runs + 1,
        archived=told.archived + one.summary.archived,
        found=told.found + one.summary.found,
        failed=told.failed + one.summary.failed,
        bytes=told.bytes + one.summary.bytes,
        error=one.error,
    )


def _rest(seconds: float, stop: Stop) -> None:
    # In short steps: a signal handler that only takes a note does not end a sleep.
    until = time.monotonic() + seconds
    while not stop() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _STEP_SECONDS))


# --- behind an import ---------------------------------------------------------------------------------------


def archive_import(archives: Archives, run_id: str, *, stop: Stop, progress: OnProgress) -> ImportArchived:
    """Send what an import brought into the cache.

    What another process that archives already gets to do is queued for it.
    """
    parts, place = archives.parts, archives.archive.place
    with parts.store.reading() as tx:
        file_ids = archive_queue.files_of_run(tx, place, run_id)
        owner = archive_queue.holder(tx, ARCHIVE_LEASE, parts.clock())
    if not file_ids:
        return ImportArchived(0)
    chosen = _Chosen(parts, archives.archive, file_ids)
    if owner is None:
        try:
            return ImportArchived(len(file_ids), chosen.send(stop, progress))
        except LeaseTaken as error:
            owner = error.owner
    with parts.store.writing() as tx:
        archiving.queue(tx, place, file_ids, parts.clock())
    return ImportArchived(len(file_ids), left_to=owner)
