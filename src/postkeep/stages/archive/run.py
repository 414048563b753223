"""Sends contents to the archive, several at a time, and says "archived" of those that were proven.

Claim, upload, proof, row: each step finds what an earlier run left. A claim without an object is uploaded, an
object without a row is uploaded over or proven, and a proven one is not touched again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime

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
from postkeep.model import Digest, ObjectState
from postkeep.points import passing
from postkeep.stages.archive.plan import Policy, claim_for, own_claim, refused
from postkeep.stages.costs import seller_of
from postkeep.store import Store, archiving, costs, leases
from postkeep.store.archiving import Claim, ProvenObject, Refused, Wanted

log = get_logger("archive")

_PAGE = 200
_BATCH = 100
_BATCH_SECONDS = 2.0
_POLICY = Policy(tries=5, base=60.0)
# So many tries in a row that the store did not answer mean that it is not there.
_SILENT = 5
_RESTS = (1.0, 4.0, 16.0)


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
class _Try:
    """What came of one content; a Claim is the key it gets when somebody else's object is none of it."""

    wanted: Wanted
    outcome: Proven | ArchiveError | Claim
    uploaded: bool = False


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
        self.stop, self.progress, self.rest = stop, progress, rest
        self.tally = tally or ArchiveTally()
        self._begun = 0
        self._silent = 0
        self._rests = 0
        self._unanswered: ArchiveUnavailable | None = None
        self._tries: list[_Try] = []
        self._first = 0.0

    def run(self) -> None:
        """Archive what is due; raises ArchiveDenied or ArchiveUnavailable when the store as a whole refuses.

        What was proven until then is recorded.
        """
        with ThreadPoolExecutor(self.config.concurrency, thread_name_prefix="postkeep-archive") as pool:
            under_way: dict[Future[_Try], Wanted] = {}
            try:
                self._work(pool, under_way)
            finally:
                for future in [each for each in under_way if not each.cancel()]:
                    self._note(future.result())
                self._flush()

    def _work(self, pool: ThreadPoolExecutor, under_way: dict[Future[_Try], Wanted]) -> None:
        waiting: list[Wanted] = []
        while not self.stop():
            if not waiting:
                waiting = self._next_page([each.file_id for each in under_way.values()])
            while waiting and len(under_way) < 2 * self.config.concurrency:
                wanted = waiting.pop(0)
                under_way[pool.submit(self._try, wanted)] = wanted
            if not under_way:
                break
            done, _ = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                del under_way[future]
                self._note(future.result())
            self._judge(done)
            if len(self._tries) >= _BATCH or (self._tries and time.monotonic() - self._first > _BATCH_SECONDS):
                self._flush()
        if self._unanswered is not None:
            raise self._unanswered

    def _next_page(self, skip: Sequence[str]) -> list[Wanted]:
        """The next contents, with their keys claimed; what was tried in this run is not due again in it."""
        size = _PAGE if self.limit is None else min(_PAGE, self.limit - self._begun)
        if size <= 0:
            return []
        self._flush()
        with self.store.reading() as tx:
            page = archiving.due(tx, self.archive.place, self.clock(), limit=size, skip=skip)
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
        return [_with(each, keys[each.file_id]) for each in page if each.file_id in keys]

    # --- in the threads -------------------------------------------------------------------------------------

    def _try(self, wanted: Wanted) -> _Try:
        assert wanted.key is not None, "only claimed contents are tried"
        digest = Digest(wanted.md5, wanted.sha256, wanted.size)
        try:
            if wanted.state in (ObjectState.FOREIGN, ObjectState.PROVEN, ObjectState.UPLOADED) and (
                found := prove(self.archive, wanted.key, digest)
            ):
                return _Try(wanted, found)
            if wanted.state is ObjectState.FOREIGN:
                return _Try(wanted, own_claim(wanted, self.config.prefix))
            with self.cache.open(wanted.path) as file:
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
            return _Try(wanted, proven, uploaded=True)
        except ArchiveError as error:
            return _Try(wanted, error)
        except (IntegrityError, CacheError) as error:
            return _Try(wanted, SourceChanged(error.message))

    # --- in the one that decides ----------------------------------------------------------------------------

    def _note(self, tried: _Try) -> None:
        """Keep a try for the next batch; what is allowed for none spends nobody's try."""
        if not self._tries:
            self._first = time.monotonic()
        if not isinstance(tried.outcome, ArchiveDenied):
            self._tries.append(tried)

    def _judge(self, done: Iterable[Future[_Try]]) -> None:
        """Stop at a store that refuses; give one that does not answer time, and stop when that does not help."""
        for outcome in (future.result().outcome for future in done):
            if isinstance(outcome, ArchiveDenied):
                raise outcome
            if not isinstance(outcome, ArchiveUnavailable):
                self._silent = self._rests = 0
                self._unanswered = None
                continue
            self._silent += 1
            self._unanswered = outcome
            if self._silent >= _SILENT and self._rests == len(_RESTS):
                raise ArchiveUnavailable(f"{outcome.message}; what is left goes on with the next run")
        if self._silent >= _SILENT:
            self.rest(_RESTS[self._rests])
            self._rests += 1
            self._silent = 0

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
