"""Archiving as a use case: what goes up, what stands there, what comes back; one process at a time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from postkeep.archive.port import Archive, Stored
from postkeep.archive.proof import Proof, sums
from postkeep.errors import ArchiveError, CacheError, NotFound
from postkeep.log import get_logger
from postkeep.model import MediaType, RunStatus, Stage
from postkeep.stages.archive import ArchiveTally, Archiving
from postkeep.stages.archive.checking import Checking, CheckTally
from postkeep.stages.archive.claimed import TakingUp
from postkeep.stages.archive.restoring import Restoring
from postkeep.stages.archive.same import must_be_the_same, remember
from postkeep.stages.eviction import Evictor
from postkeep.stages.parts import Parts
from postkeep.stages.presence import look_at
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import (
    archive_choice,
    archive_counts,
    archive_objects,
    archiving,
    leases,
    showing,
    stored_files,
    work,
)
from postkeep.store.archive_choice import OfPosts
from postkeep.store.archive_objects import KnownObject
from postkeep.store.archiving import ProvenObject
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.archives import (
    ArchiveCheck,
    ArchiveFault,
    ArchiveLink,
    ArchivePlan,
    ArchiveShare,
    ArchiveStatus,
    ArchiveStep,
    ArchiveSummary,
    RestoreSummary,
    StrangeObject,
)

log = get_logger("archive")

ARCHIVE_LEASE = "archive"
_PAGE = 200
LONGEST_LINK = 7 * 24 * 3600
"""Seconds; no store signs for longer."""
_NOTHING_THERE = (
    "not one object is there as it was proven: is this the archive, and is it there? Nothing was changed; with"
    " --all-lost it is noted that all is lost"
)


@dataclass(frozen=True, slots=True)
class Archives:
    """The library's archive: everything that can be done with it."""

    parts: Parts
    archive: Archive

    # --- up ---

    def plan(self, *, post_id: str | None = None, media_id: str | None = None) -> ArchivePlan:
        """What would go up: contents, bytes, and how many of the cache's are proven to be there already."""
        must_be_the_same(self.parts.store, self.archive)
        with self.parts.store.reading() as tx:
            found = archive_counts.wanting(tx, self.archive.place, post_id=post_id, media_id=media_id)
        return ArchivePlan(place=self.archive.place, files=found.files, bytes=found.bytes, proven=found.proven)

    def run(
        self, *, post_id: str | None, media_id: str | None, limit: int | None, stop: Stop, progress: OnProgress
    ) -> ArchiveSummary:
        """Send what the archive was not proven to hold: all of the cache, a post's, or one medium's.

        Raises LeaseTaken while another process archives, NotFound for a medium without a file in the cache.
        """
        parts, place, tally = self.parts, self.archive.place, ArchiveTally()
        with recorded(parts.store, "archive", ids=parts.ids, clock=parts.clock) as run, self._lease():
            self._queue(post_id=post_id, media_id=media_id)
            with parts.store.reading() as tx:
                tally.due = work.due_of_host(tx, Stage.ARCHIVE, place, parts.clock())
            if limit is not None:
                tally.due = min(tally.due, limit)
            try:
                must_be_the_same(parts.store, self.archive)
                self._stage(tally, limit, stop, progress).run()
            except ArchiveError as error:
                run.status, run.error = RunStatus.FAILED, error.message
            _end(run, some_failed=tally.failed > 0, stop=stop)
            run.summary.update(
                due=tally.due, archived=tally.archived, found=tally.found, failed=tally.failed, bytes=tally.bytes
            )
            with parts.store.reading() as tx:
                waiting = work.waiting_of_host(tx, Stage.ARCHIVE, place)
            return ArchiveSummary(
                run_id=run.run_id,
                status=run.status,
                place=place,
                due=tally.due,
                archived=tally.archived,
                found=tally.found,
                failed=tally.failed,
                bytes=tally.bytes,
                waiting=waiting,
                kinds=dict(tally.kinds),
                error=run.error,
            )

    def _stage(self, tally: ArchiveTally, limit: int | None, stop: Stop, progress: OnProgress) -> Archiving:
        def told(now: ArchiveTally) -> None:
            progress(Progress("archiving", now.done, now.due, "files", f"{now.failed} failed"))

        return Archiving(
            self.parts.store,
            self.parts.cache,
            self.archive,
            self.parts.config.archive,
            ids=self.parts.ids,
            clock=self.parts.clock,
            lease=ARCHIVE_LEASE,
            limit=limit,
            stop=stop,
            progress=told,
            tally=tally,
        )

    def _queue(self, *, post_id: str | None, media_id: str | None) -> None:
        with self.parts.store.writing() as tx:
            now = self.parts.clock()
            if media_id is None:
                archiving.queue_all(tx, self.archive.place, now, post_id=post_id)
                return
            file_id = showing.cached_file_of(tx, media_id)
            if file_id is None:
                raise NotFound(f"{media_id} has no file in the cache")
            archiving.queue(tx, self.archive.place, [file_id], now)

    # --- there ---

    def status(self) -> ArchiveStatus:
        """What is archived of what is known, by the rows alone."""
        with self.parts.store.reading() as tx:
            shares = archive_counts.shares(tx, self.archive.place)
            waiting = work.waiting_of_host(tx, Stage.ARCHIVE, self.archive.place)
        return ArchiveStatus(
            self.archive.place,
            tuple(
                ArchiveShare(
                    media_type=MediaType(each.media_type),
                    files=each.files,
                    bytes=each.bytes,
                    archived=each.archived,
                    archived_bytes=each.archived_bytes,
                    cached_only=each.cached_only,
                    failed=each.failed,
                )
                for each in shares
            ),
            waiting,
        )

    def verify(
        self, *, sample: float, repair: bool, stop: Stop, progress: OnProgress, all_lost: bool = False
    ) -> ArchiveCheck:
        """Compare the store's own listing with the rows; `sample` (0 to 1) of the objects are read back, too.

        Only with `repair` anything is changed, and when nothing at all was found as it was proven only with
        `all_lost`, too: another store answers like that. Raises nothing of the archive: the check says what
        stopped it.
        """
        parts, tally = self.parts, CheckTally()
        with recorded(parts.store, "archive verify", ids=parts.ids, clock=parts.clock) as run:
            checking = Checking(
                parts.store,
                self.archive,
                prefix=parts.config.archive.prefix,
                sample=sample,
                clock=parts.clock,
                stop=stop,
                progress=lambda now: progress(_checked(now, whole=sample >= 1)),
                look_again=repair,
            )
            try:
                tally = checking.run()
            except ArchiveError as error:
                tally = checking.tally
                run.status, run.error = RunStatus.FAILED, error.message
            _end(run, some_failed=bool(tally.faults), stop=stop)
            queued = 0
            if tally.checked > len(tally.faults):
                with parts.store.writing() as tx:
                    remember(tx, self.archive, parts.clock())
            if repair and tally.faults and tally.checked == len(tally.faults) and not all_lost:
                run.status, run.error = RunStatus.FAILED, _NOTHING_THERE
            elif repair:
                queued = self._mend(tally)
            run.summary.update(checked=tally.checked, read=tally.read, faults=len(tally.faults))
            return ArchiveCheck(
                run_id=run.run_id,
                status=run.status,
                place=self.archive.place,
                checked=tally.checked,
                read=tally.read,
                strangers=tally.strangers,
                strange_bytes=tally.strange_bytes,
                faults=tuple(
                    ArchiveFault(
                        self.archive.url(each.known.key), str(each.fault), each.known.file_id, each.known.cached
                    )
                    for each in tally.faults
                ),
                queued=queued,
                back=len(tally.back),
                error=run.error,
                stranger_objects=tuple(StrangeObject(each.key, each.size) for each in tally.named),
            )

    def _mend(self, tally: CheckTally) -> int:
        again = [each.known.file_id for each in tally.faults if each.known.cached]
        with self.parts.store.writing() as tx:
            now = self.parts.clock()
            for each in tally.faults:
                archiving.forget_proofs(tx, self.archive.place, [each.known.file_id], str(each.fault), now)
            archiving.record_proven(tx, self.archive.place, [self._proven(*each) for each in tally.back], now)
            archiving.queue(tx, self.archive.place, again, now)
        return len(again)

    def _proven(self, known: KnownObject, stored: Stored) -> ProvenObject:
        url = self.archive.url(known.key)
        return ProvenObject(known.file_id, known.key, url, Proof.READ_BACK, stored.etag, None)

    def link(self, media_id: str, *, seconds: int) -> ArchiveLink:
        """A link to an archived medium, for whoever has it; one that is not signed does not end.

        Raises NotFound when it is not proven to be there, ValueError for more seconds than a signature may hold.
        """
        if not 1 <= seconds <= LONGEST_LINK:
            raise ValueError(f"a link opens for 1 to {LONGEST_LINK} seconds, not {seconds}")
        must_be_the_same(self.parts.store, self.archive)
        with self.parts.store.reading() as tx:
            file_id = showing.file_of(tx, media_id)
            found = archive_objects.proven_objects(tx, self.archive.place, [file_id] if file_id else [])
        if not found:
            raise NotFound(f"{media_id} is not archived in {self.archive.place}")
        link = self.archive.link(found[0].key, seconds)
        # A signature, and with it an end, stands in a link's query; a name in a folder or at a CDN has neither.
        ends = seconds if "?" in link else None
        log.info("media_signed", media_id=media_id, file_id=file_id, object=found[0].key, seconds=ends)
        return ArchiveLink(media_id, link, ends)

    def set_up(self) -> list[ArchiveStep]:
        """Make the store fit to be an archive, and prove that something can be written, read and removed there."""
        prefix = self.parts.config.archive.prefix
        steps = [ArchiveStep(s.name, s.what, s.done, s.note) for s in self.archive.set_up(prefix)]
        return [*steps, self._write_test(prefix)]

    def _write_test(self, prefix: str) -> ArchiveStep:
        what, content = "an object can be written, read, listed and removed", secrets.token_bytes(64)
        key = "/".join(filter(None, (prefix, f"postkeep-test-{secrets.token_hex(8)}.bin")))
        problems: list[str] = []
        try:
            self.archive.put(key, content, "application/octet-stream")
        except ArchiveError as error:
            return ArchiveStep("test", what, done=False, note=error.message)
        try:
            read = sums(self.archive.read(key)) == sums([content])
            listed = any(each.key == key for each in self.archive.listing(prefix))
            if not (read and listed):
                problems.append("what was read or listed is not what was written")
        except ArchiveError as error:
            problems.append(error.message)
        try:
            self.archive.delete(key)
        except ArchiveError as error:
            problems.append(f"{error.message}; the test object {key} is still there: remove it")
        return ArchiveStep("test", what, done=not problems, note="; ".join(problems) or "an object came and went")

    # --- back ---

    def restore(self, *, of: OfPosts, limit: int | None, stop: Stop, progress: OnProgress) -> RestoreSummary:
        """Bring back what is archived and not in the cache: all of it, or what some posts show.

        Files that are said to be in the cache are looked at first: what is lost or damaged comes back, too. What
        a predecessor's rows only say to be there is read, and taken up when it is what they name.
        """
        parts, place = self.parts, self.archive.place
        evictor = Evictor(parts.store, parts.cache, parts.config, clock=parts.clock)

        def room(size: int) -> None:
            if evictor.make_room(size).room < size:
                raise evictor.full()

        stage = Restoring(parts.store, parts.cache, self.archive, ids=parts.ids, clock=parts.clock, room=room)
        said = TakingUp(parts.store, parts.cache, self.archive, ids=parts.ids, clock=parts.clock, room=room)

        def step() -> None:
            done = stage.tally.restored + len(stage.tally.failed) + said.taken + len(said.failed)
            progress(Progress("restoring", done, due, "files"))

        with recorded(parts.store, "archive restore", ids=parts.ids, clock=parts.clock) as run:
            self._look_for_lost(of, stop)
            with parts.store.reading() as tx:
                due = archive_choice.restorable_count(tx, place, of=of) + archive_choice.said_count(
                    tx, place, of=of
                )
            due, last, left = due if limit is None else min(due, limit), "", limit
            try:
                must_be_the_same(parts.store, self.archive)
                while not stop() and left != 0:
                    with parts.store.reading() as tx:
                        size = _PAGE if left is None else min(_PAGE, left)
                        page = archive_choice.restorable(tx, place, last, limit=size, of=of)
                    if not page:
                        break
                    last, left = page[-1].file_id, None if left is None else left - len(page)
                    stage.bring(page)
                    step()
                said.run(of=of, limit=left, stop=stop, progress=step)
            except (ArchiveError, CacheError) as error:
                run.status, run.error = RunStatus.FAILED, error.message
            failed = [(each.path, reason) for each, reason in stage.tally.failed]
            failed += [(each.path, reason) for each, reason in said.failed]
            restored, received = stage.tally.restored + said.taken, stage.tally.bytes + said.bytes
            _end(run, some_failed=bool(failed), stop=stop)
            run.summary.update(due=due, restored=restored, taken_up=said.taken, bytes=received)
            return RestoreSummary(
                run_id=run.run_id,
                status=run.status,
                place=place,
                due=due,
                restored=restored,
                bytes=received,
                failed=tuple(failed),
                error=run.error,
            )

    def _look_for_lost(self, of: OfPosts, stop: Stop) -> None:
        parts, last = self.parts, ""
        while not stop():
            with parts.store.reading() as tx:
                ids = archive_choice.held(tx, self.archive.place, last, limit=_PAGE, of=of)
                files = stored_files.cached_files(tx, ids)
            if not ids:
                return
            last = ids[-1]
            look_at(parts.store, parts.cache, files, now=parts.clock)

    @contextmanager
    def _lease(self) -> Iterator[None]:
        with self.parts.store.writing() as tx:
            leases.take(tx, ARCHIVE_LEASE, self.parts.clock())
        try:
            yield
        finally:
            with self.parts.store.writing() as tx:
                leases.give_up(tx, ARCHIVE_LEASE)


def _checked(now: CheckTally, *, whole: bool) -> Progress:
    """How far a check is: by bytes where everything is read back, which is what takes the time."""
    if whole:
        note = f"{now.checked} of {now.known} objects"
        return Progress("reading back", now.checked_bytes, max(now.known_bytes, now.checked_bytes), "bytes", note)
    return Progress("checking", now.checked, max(now.known, now.checked), "objects")


def _end(run: OpenRun, *, some_failed: bool, stop: Callable[[], bool]) -> None:
    if stop():
        run.status = RunStatus.CANCELLED
    elif run.status is RunStatus.COMPLETED and some_failed:
        run.status = RunStatus.PARTIAL
