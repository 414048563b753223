"""Videos whose sound came as a file of its own get both in one file, made by ffmpeg where it is installed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from postkeep.errors import CacheError, JoinError, ProgramMissing
from postkeep.log import get_logger
from postkeep.media import joining
from postkeep.media.disk import speaking
from postkeep.media.entry import JournalEntry
from postkeep.media.joining import Limits, Stopped
from postkeep.model import Body
from postkeep.points import passing
from postkeep.stages.parts import Parts
from postkeep.stages.presence import look_at
from postkeep.stages.recorded import OpenRun
from postkeep.stages.room import cache_full
from postkeep.store import caching, leases, renditions, runs, stored_files
from postkeep.store.renditions import Made, Wanted
from postkeep.store.stored_files import StoredFile
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.joining import Joins, Unjoined

log = get_logger("joining")

_PAGE = 50
_TOLD = 20
_BEAT_SECONDS = 15.0


def plan(wanted: Wanted, here: Collection[str]) -> str | None:
    """The sound to join a video with now, None when there is nothing to do; `here` are contents in the cache.

    One sound stays with a video while any post has the two together. What failed, or made room, is made again only
    when somebody asks.
    """
    before = wanted.before
    sound: str | None
    if before is not None and before.beside_file_id in wanted.sounds:
        settled = before.evicted or before.error_kind is not None
        if before.cached or (settled and not wanted.asked):
            return None
        sound = before.beside_file_id
    else:
        sound = next((each for each in wanted.sounds if each in here), None)
    return sound if sound in here and wanted.source_file_id in here else None


class Joining:
    """One pass over the videos that are queued; it may be broken off anywhere. Under the lease that is named."""

    def __init__(
        self,
        parts: Parts,
        run_id: str,
        *,
        ffmpeg: Path,
        lease: str,
        limit: int | None,
        stop: Stop,
        progress: OnProgress,
    ) -> None:
        self.parts, self.run_id, self.ffmpeg, self.lease = parts, run_id, ffmpeg, lease
        self.limit, self.stop, self.progress = limit, stop, progress
        self.joined = self.failed = self.bytes = 0
        self.failures: list[Unjoined] = []
        self._beat = time.monotonic()

    def run(self) -> None:
        """Join until nothing is queued, `limit` is reached, or `stop`; what was stopped stays queued.

        Raises CacheError, ProgramMissing, LeaseLost.
        """
        with self.parts.store.reading() as tx:
            total = renditions.waiting(tx)
        total = total if self.limit is None else min(total, self.limit)
        looked_at = 0
        while not self._is_over():
            with self.parts.store.reading() as tx:
                page = renditions.due(tx, limit=_PAGE)
                ids = {each.source_file_id for each in page} | {sound for each in page for sound in each.sounds}
                files = {each.file_id: each for each in stored_files.cached_files(tx, ids)}
            if not page:
                break
            for wanted in page:
                if self._is_over():
                    break
                if not self._one(wanted, files):
                    return
                looked_at += 1
                note = f"{self.failed} could not be" if self.failed else ""
                self.progress(Progress("joining", looked_at, max(total, looked_at), "videos", note))
        # It asks for the lease of fetching, which ends with this.
        from postkeep.stages.erasing.removing import remove_files

        remove_files(self.parts)

    def _is_over(self) -> bool:
        return self.stop() or (self.limit is not None and self.joined + self.failed >= self.limit)

    def _one(self, wanted: Wanted, files: Mapping[str, StoredFile]) -> bool:
        """Whether to go on."""
        chosen = plan(wanted, files)
        if chosen is None:
            self._leave(wanted)
            return True
        video, sound = files[wanted.source_file_id], files[chosen]
        if look_at(self.parts.store, self.parts.cache, [video, sound], now=self.parts.clock):
            # They are queued to be fetched again, and this with them.
            self._leave(wanted)
            return True
        limits = Limits.of(video.size + sound.size)
        self._must_have_room(video.size + sound.size, limits)
        with self.parts.store.writing() as tx:
            leases.renew(tx, self.lease, self.parts.clock())
            rendition_id = renditions.begin(tx, wanted.source_file_id, ids=self.parts.ids, now=self.parts.clock())
        if rendition_id is None:
            self._leave(wanted)
            return True
        passing("join_begun")
        to = self.parts.cache.spool()
        try:
            with speaking("joining a video", self.parts.cache.root):
                joining.join(
                    self.ffmpeg,
                    self.parts.cache.absolute(video.path),
                    self.parts.cache.absolute(sound.path),
                    to,
                    limits=limits,
                    tick=self._live,
                    stop=self.stop,
                )
        except Stopped:
            return False
        except JoinError as error:
            self._must_have_room(video.size + sound.size, limits)
            self._note_failure(rendition_id, video, sound, error)
        else:
            self._keep(rendition_id, video, sound, to)
        return True

    def _leave(self, wanted: Wanted) -> None:
        """Take a video from the list that waits for one of its files, or for nothing."""
        with self.parts.store.writing() as tx:
            leases.renew(tx, self.lease, self.parts.clock())
            renditions.done(tx, [wanted.source_file_id])

    def _must_have_room(self, size: int, limits: Limits) -> None:
        """Raise CacheError when it does not fit: what can be made again pushes nothing out."""
        most = self.parts.config.cache.max_bytes
        with self.parts.store.reading() as tx:
            used = caching.cached_bytes(tx)
        if used + size > most:
            raise cache_full(most)
        root = self.parts.cache.root
        with speaking("looking for room", root):
            free = shutil.disk_usage(root).free
        if free < limits.size:
            raise CacheError(f"joining a video failed in {root}: the disk is full: free some space and run again")

    def _live(self) -> None:
        """Say now and then that we live, while ffmpeg works."""
        if time.monotonic() - self._beat < _BEAT_SECONDS:
            return
        with self.parts.store.writing() as tx:
            leases.renew(tx, self.lease, self.parts.clock())
            runs.beat(tx, self.run_id, self.parts.clock())
        self._beat = time.monotonic()

    def _keep(self, rendition_id: str, video: StoredFile, sound: StoredFile, made: Path) -> None:
        """Bytes first, then the row, with a note of them in between: as what was fetched."""
        parts = self.parts
        staged = parts.cache.stage(Body(made.stat().st_size, path=made))
        parts.cache.sync([staged])
        passing("file_staged")
        try:
            with parts.cache.sharing():
                token = parts.journal.append(JournalEntry.of(rendition_id, sound.file_id, staged))
                passing("file_journaled")
                file = parts.cache.commit(staged).file
                passing("file_renamed")
                parts.cache.sync_directories()
                now = parts.clock()
                with parts.store.writing() as tx:
                    leases.renew(tx, self.lease, now)
                    stored = caching.keep_files(tx, [file], ids=parts.ids, now=now)[file.digest.sha256]
                    renditions.take_up(tx, [Made(rendition_id, sound.file_id, stored.file_id)], now)
                    renditions.done(tx, [video.file_id])
                    runs.beat(tx, self.run_id, now)
                passing("outcomes_committed")
        finally:
            parts.cache.discard(staged)
        parts.journal.settle([token])
        passing("journal_settled")
        self.joined += 1
        self.bytes += file.digest.size
        log.info("video_joined", video=video.path, sound=sound.path, path=file.path, size=file.digest.size)

    def _note_failure(self, rendition_id: str, video: StoredFile, sound: StoredFile, error: JoinError) -> None:
        now = self.parts.clock()
        with self.parts.store.writing() as tx:
            leases.renew(tx, self.lease, now)
            renditions.failed(tx, rendition_id, sound.file_id, kind=error.kind, message=error.message, now=now)
            renditions.done(tx, [video.file_id])
        self.failed += 1
        if len(self.failures) < _TOLD:
            self.failures.append(Unjoined(video.path, error.kind, error.message))
        log.info("video_not_joined", video=video.path, sound=sound.path, kind=error.kind, reason=error.message)


def join_waiting(parts: Parts, run: OpenRun, *, lease: str, stop: Stop, progress: OnProgress) -> None:
    """Join what is queued at the end of a fetch and add it to the run's joins; without ffmpeg only count it.

    What comes between is told there: the fetch is done, whatever becomes of this.
    """
    with parts.store.reading() as tx:
        apart = renditions.waiting(tx)
    if not apart or stop():
        return
    ffmpeg = joining.find_ffmpeg()
    if ffmpeg is None:
        run.joins = added(run.joins, Joins(apart=apart, without_ffmpeg=True))
        return
    joins = Joining(parts, run.run_id, ffmpeg=ffmpeg, lease=lease, limit=None, stop=stop, progress=progress)
    error = None
    try:
        joins.run()
    except (CacheError, ProgramMissing) as refused:
        error = refused.message
        log.info("joining_ended", reason=error)
    run.joins = added(run.joins, told(joins, error))


def has_work(parts: Parts) -> bool:
    """Whether a video is queued that could be joined now."""
    with parts.store.reading() as tx:
        apart = renditions.waiting(tx)
    return apart > 0 and joining.find_ffmpeg() is not None


def noted(joins: Joins) -> dict[str, int]:
    """What a run's summary says of them; nothing where there were none."""
    counts = {"joined": joins.joined, "unjoined": joins.failed, "apart": joins.apart}
    return {name: number for name, number in counts.items() if number}


def told(joins: Joining, error: str | None = None) -> Joins:
    """What a pass came to, with what waits still."""
    with joins.parts.store.reading() as tx:
        apart = renditions.waiting(tx)
    failures = tuple(joins.failures)
    return Joins(joins.joined, joins.failed, joins.bytes, apart, failures=failures, error=error)


def added(one: Joins, other: Joins) -> Joins:
    """Two passes of one run; what waits still is what the second left."""
    return Joins(
        one.joined + other.joined,
        one.failed + other.failed,
        one.bytes + other.bytes,
        other.apart,
        other.without_ffmpeg,
        (*one.failures, *other.failures)[:_TOLD],
        other.error,
    )
