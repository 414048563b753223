"""Sends contents to the archive, several at a time, and says "archived" of those that were proven.

Claim, upload, proof, row: each step finds what an earlier run left. A claim without an object is uploaded, an
object without a row is proven, or uploaded over where that cannot be, and a proven one is not touched again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import BinaryIO

from postkeep.archive.counting import counted
from postkeep.archive.port import Archive
from postkeep.archive.uploading import Proven, prove, upload
from postkeep.config import ArchiveConfig
from postkeep.errors import (
    ArchiveDenied,
    ArchiveError,
    ArchiveUnavailable,
    CacheError,
    IntegrityError,
    SourceChanged,
)
from postkeep.ids import IdFactory
from postkeep.log import get_logger, together
from postkeep.media.cache import Cache
from postkeep.model import Digest, ObjectState, Stage
from postkeep.points import passing
from postkeep.stages.archive.plan import Policy, claim_for, own_claim, refused
from postkeep.stages.archive.same import remember
from postkeep.stages.archive.silence import Silence
from postkeep.stages.costs import seller_of
from postkeep.store import Store, archiving, costs, leases, work
from postkeep.store.archiving import Claim, ProvenObject, Refused, Wanted

log = get_logger("archive")

_PAGE = 200
_BATCH = 100
_BATCH_SECONDS = 2.0
# So many contents wait for each thread while rows are written.
_AHEAD = 4
# Uploads that are younger may be under way in another library.
_BROKEN_OFF = timedelta(days=1)
_GLANCE = 0.5
_HEARTBEAT = 20.0
_POLICY = Policy(tries=5, base=60.0)
_RESTS = (1.0, 4.0, 16.0)
# A content that got no answer is tried once more after each rest, while the store answers others.
_TRIES_IN_A_RUN = len(_RESTS) + 1


@dataclass(slots=True)
class ArchiveTally:
    """Counts of a run: `archived` = uploaded + `found` there already; `kinds` of what failed."""

    due: int = 0
    archived: int = 0
    found: int = 0
    failed: int = 0
    bytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def done(self) -> int:
        return self.archived + self.failed


@dataclass(frozen=True, slots=True)
class _Task:
    """A content in this run; `maybe_there`: an earlier try may have brought it there without our knowing."""

    wanted: Wanted
    maybe_there: bool
    tries: int = 1


@dataclass(frozen=True, slots=True)
class _Try:
    """What came of one content; a Claim is the key it gets when somebody else's object is none of it."""

    task: _Task
    outcome: Proven | ArchiveError | Claim
    uploaded: bool = False

    @property
    def wanted(self) -> Wanted:
        return self.task.wanted


class Archiving:
    """One run of the stage, under its lease; `run` returns when nothing is due, or raises what stopped it."""

    def __init__(
        self,
        store: Store,
        cache: Cache,
        archive: Archive,
        config: ArchiveConfig,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        lease: str,
        limit: int | None = None,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[ArchiveTally], None] = lambda tally: None,
        tally: ArchiveTally | None = None,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store, self.cache, self.archive, self.config = store, cache, counted(archive), config
        self.seller = seller_of(config, archive)
        self.ids, self.clock, self.lease, self.limit = ids, clock, lease, limit
        self.stop, self.progress = stop, progress
        self.tally = tally or ArchiveTally()
        self._begun = 0
        self._silence = Silence(_RESTS, rest=rest, stop=stop)
        self._waiting: list[_Task] = []
        self._under_way: dict[Future[_Try], _Task] = {}
        self._again: list[_Task] = []
        self._tries: list[_Try] = []
        self._first = 0.0
        self._seen_alive = time.monotonic()
        self._swept = False
        self._ended: SimpleQueue[Future[_Try]] = SimpleQueue()

    def run(self) -> None:
        """Archive what is due; raises ArchiveDenied or ArchiveUnavailable when the store as a whole refuses.

        What was proven until then is recorded; what got no answer until then stays due.
        """
        with ThreadPoolExecutor(self.config.concurrency, thread_name_prefix="postkeep-archive") as pool:
            try:
                self._work(pool)
            finally:
                for future in [each for each in self._under_way if not each.cancel()]:
                    self._note(future.result())
                self._flush()

    def _work(self, pool: ThreadPoolExecutor) -> None:
        while not self.stop():
            if not self._waiting:
                self._waiting = self._next_page([*self._under_way.values(), *self._again])
            if not self._waiting and not self._under_way:
                self._waiting = self._what_got_no_answer()
            while self._waiting and len(self._under_way) < _AHEAD * self.config.concurrency:
                self._submit(pool, self._waiting.pop())
            if not self._under_way:
                break
            done = self._what_ended()
            for future in done:
                del self._under_way[future]
                self._note(future.result())
            self._judge(done)
            if len(self._tries) >= _BATCH or (self._tries and time.monotonic() - self._first > _BATCH_SECONDS):
                self._flush()
            self._show_life()

    def _submit(self, pool: ThreadPoolExecutor, task: _Task) -> None:
        future = pool.submit(self._try, task)
        self._under_way[future] = task
        future.add_done_callback(self._ended.put)

    def _next_page(self, in_hand: Sequence[_Task]) -> list[_Task]:
        """The next contents, with their keys claimed, the first one last; none is due twice in a run."""
        size = _PAGE if self.limit is None else min(_PAGE, self.limit - self._begun)
        if size <= 0:
            return []
        self._flush()
        skip = [each.wanted.file_id for each in in_hand]
        page = self._due(size, skip)
        if not page:
            return []
        self._begun += len(page)
        claims = [claim_for(each, self.archive.place, self.config.prefix) for each in page]
        with self.store.writing() as tx:
            now = self.clock()
            leases.renew(tx, self.lease, now)
            costs.end_missing(tx, self.archive.place, [each.file_id for each in page])
            keys = archiving.claim(tx, self.archive.place, claims, ids=self.ids, now=now)
        passing("object_claimed")
        tasks = [
            _Task(_with(each, keys[each.file_id]), maybe_there=each.key is not None)
            for each in page
            if each.file_id in keys
        ]
        if not self._swept and any(map(self._may_leave_something, tasks)):
            self.archive.sweep(self.clock() - _BROKEN_OFF)
            self._swept = True
        return tasks[::-1]

    def _due(self, size: int, skip: Sequence[str]) -> list[Wanted]:
        """The next contents that can go up; what left the cache meanwhile is queued again when it is back."""
        while True:
            with self.store.reading() as tx:
                page = archiving.due(tx, self.archive.place, self.clock(), limit=size, skip=skip)
            gone = [each.file_id for each in page if not each.can_go_up]
            if not gone:
                return page
            with self.store.writing() as tx:
                work.done(tx, Stage.ARCHIVE, gone)

    def _may_leave_something(self, task: _Task) -> bool:
        """Whether there may be something to sweep: after a run that broke off, and where files go up in parts.

        In a folder, every upload that breaks off leaves something.
        """
        in_parts = task.wanted.size > self.config.multipart_at
        return task.maybe_there or in_parts or self.archive.place.startswith("file:")

    def _what_ended(self) -> list[Future[_Try]]:
        ended: list[Future[_Try]] = []
        try:
            ended.append(self._ended.get(timeout=_GLANCE))
            while True:
                ended.append(self._ended.get_nowait())
        except Empty:
            return [each for each in ended if not each.cancelled()]

    def _show_life(self) -> None:
        """Keep the lease while a single large file takes its time."""
        if time.monotonic() - self._seen_alive > _HEARTBEAT:
            with self.store.writing() as tx:
                leases.renew(tx, self.lease, self.clock())
            self._seen_alive = time.monotonic()

    def _what_got_no_answer(self) -> list[_Task]:
        again, self._again = self._again, []
        if again:
            self._silence.wait()
        return again

    # --- in the threads -------------------------------------------------------------------------------------

    def _try(self, task: _Task) -> _Try:
        wanted = task.wanted
        assert wanted.key is not None, "only claimed contents are tried"
        digest = Digest(wanted.md5, wanted.sha256, wanted.size)
        try:
            if wanted.state is ObjectState.FOREIGN:
                return _Try(task, prove(self.archive, wanted.key, digest) or own_claim(wanted, self.config.prefix))
            with self.cache.open(wanted.path) as file:
                if task.maybe_there and (found := self._standing(wanted.key, digest, file)):
                    return _Try(task, found)
                file.seek(0)
                proven = upload(
                    self.archive,
                    wanted.key,
                    file,
                    digest,
                    wanted.kind.mime_type,
                    multipart_at=self.config.multipart_at,
                    part_size=self.config.part_size,
                )
            passing("object_uploaded")
            return _Try(task, proven, uploaded=True)
        except ArchiveError as error:
            return _Try(task, error)
        except (IntegrityError, CacheError) as error:
            return _Try(task, SourceChanged(error.message))

    def _standing(self, key: str, digest: Digest, file: BinaryIO) -> Proven | None:
        """What an earlier try brought there, if that can be known."""
        try:
            return prove(self.archive, key, digest, file, self.config.part_size)
        except ArchiveDenied:
            # Keys that may write and not look: it goes up once more.
            return None

    # --- in the one that decides ----------------------------------------------------------------------------

    def _note(self, tried: _Try) -> None:
        """Keep a try for the next batch, or its content for another try; a missing right is nobody's try."""
        outcome, tries = tried.outcome, tried.task.tries
        if isinstance(outcome, ArchiveDenied):
            return
        if isinstance(outcome, ArchiveUnavailable) and not (tries >= _TRIES_IN_A_RUN and self._silence.answered):
            self._again.append(replace(tried.task, maybe_there=True, tries=tries + 1))
            return
        if not self._tries:
            self._first = time.monotonic()
        self._tries.append(tried)

    def _judge(self, done: Iterable[Future[_Try]]) -> None:
        """Stop at a store that refuses; give one that does not answer time, and stop when that does not help."""
        for outcome in (future.result().outcome for future in done):
            match outcome:
                case ArchiveDenied():
                    raise outcome
                case ArchiveUnavailable():
                    self._silence.lengthen(outcome)
                case SourceChanged():
                    pass
                case _:
                    self._silence.end()
        if self._silence.is_long:
            self._hold_back()
            self._silence.wait()

    def _hold_back(self) -> None:
        """Take back what no thread has begun with."""
        for future in [each for each in self._under_way if each.cancel()]:
            self._waiting.append(self._under_way.pop(future))

    def _flush(self) -> None:
        """Record what was tried and asked; raises LeaseLost when another process took the stage over."""
        tries, self._tries = self._tries, []
        if not tries and not self.archive.has_asked:
            return
        now = self.clock()
        proven = [
            ProvenObject(
                each.wanted.file_id,
                each.outcome.key,
                self.archive.url(each.outcome.key),
                each.outcome.proof,
                each.outcome.etag,
                each.outcome.part_size,
            )
            for each in tries
            if isinstance(each.outcome, Proven)
        ]
        failed = [
            refused(each.wanted, each.outcome, now, random.random(), _POLICY)
            for each in tries
            if isinstance(each.outcome, ArchiveError)
        ]
        claims = [each.outcome for each in tries if isinstance(each.outcome, Claim)]
        self._begun -= len(claims)
        with self.archive.taking() as asked, self.store.writing() as tx:
            leases.renew(tx, self.lease, now)
            # Before the keys change by which requests are told apart.
            costs.enter_requests(tx, self.seller, asked, ids=self.ids, now=now)
            archiving.reclaim(tx, self.archive.place, claims)
            archived = archiving.record_proven(tx, self.archive.place, proven, now)
            costs.begin_storage(tx, self.seller, _sizes(tries, archived), ids=self.ids, now=now)
            archiving.record_refused(tx, self.archive.place, failed, now)
            if archived and not self.tally.archived:
                remember(tx, self.archive, now)
            passing("proofs_written")
        passing("proofs_committed")
        self._count(tries, archived, failed)

    def _count(self, tries: Sequence[_Try], archived: set[str], failed: Sequence[Refused]) -> None:
        tally = self.tally
        with together():
            for each in tries:
                if each.wanted.file_id not in archived or not isinstance(each.outcome, Proven):
                    continue
                tally.archived += 1
                tally.found += not each.uploaded
                tally.bytes += each.wanted.size if each.uploaded else 0
                log.info(
                    "media_archived",
                    file_id=each.wanted.file_id,
                    object=each.outcome.key,
                    size=each.wanted.size,
                    proof=each.outcome.proof,
                )
            for one in failed:
                tally.failed += 1
                tally.kinds[one.kind] = tally.kinds.get(one.kind, 0) + 1
                log.info("archiving_failed", file_id=one.file_id, kind=one.kind, reason=one.message)
        self.progress(tally)


def _sizes(tries: Sequence[_Try], archived: set[str]) -> dict[str, int]:
    return {each.wanted.file_id: each.wanted.size for each in tries if each.wanted.file_id in archived}


def _with(wanted: Wanted, claimed: tuple[str, ObjectState]) -> Wanted:
    return replace(wanted, key=claimed[0], state=claimed[1])
