"""Proves the cache: every file is hashed, what is damaged is put aside, what is missing is queued again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath

from postkeep.errors import FileDamaged, FileMissing, NotMedia
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.model import Proof
from postkeep.stages.hosts import host_of
from postkeep.store import Store, media, runs
from postkeep.store.media import StoredFile

log = get_logger("verify")

_PAGE = 200
_THREADS = 4
_STRANGERS_TOLD = 1000


@dataclass(slots=True)
class VerifyTally:
    total: int = 0
    checked: int = 0
    sound: int = 0
    adopted: int = 0
    queued: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Look:
    file: StoredFile
    proof: Proof | None
    damaged: bool = False


class Verify:
    """One pass over the cache: rows against files, then files against rows. Can be run again, beside others."""

    def __init__(
        self,
        store: Store,
        cache: Cache,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        run_id: str,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[VerifyTally], None] = lambda tally: None,
    ) -> None:
        self.store, self.cache, self.ids, self.clock, self.run_id = store, cache, ids, clock, run_id
        self.stop, self.progress = stop, progress
        self.tally = VerifyTally()

    def run(self) -> VerifyTally:
        with self.store.reading() as tx:
            self.tally.total = media.cached_count(tx)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="postkeep-verify") as pool:
            for page in self._pages():
                self._settle(list(pool.map(self._look, page)))
        if not self.stop():
            self._adopt_orphans()
            self.tally.strangers += islice(self.cache.strangers(), _STRANGERS_TOLD)
        return self.tally

    def _pages(self) -> Iterator[list[StoredFile]]:
        last = ""
        while not self.stop():
            with self.store.reading() as tx:
                page = media.files_after(tx, last, limit=_PAGE)
            if not page:
                return
            last = page[-1].file_id
            yield page

    def _look(self, file: StoredFile) -> _Look:
        try:
            _, proof = self.cache.prove(
                file.path, sha256=file.sha256, md5=file.md5_sum, proof=file.proof, strict=True
            )
        except FileMissing:
            return _Look(file, None)
        except FileDamaged:
            return _Look(file, None, damaged=True)
        return _Look(file, proof)

    def _settle(self, looks: list[_Look]) -> None:
        """Row first, bytes second: a damaged file is no longer said to be cached before it is moved away."""
        now = self.clock()
        damaged = [look.file for look in looks if look.damaged]
        missing = [look.file for look in looks if look.proof is None and not look.damaged]
        with self.store.writing() as tx:
            media.refresh_proofs(tx, [(look.file.file_id, look.proof) for look in looks if look.proof], now)
            for files, quarantined in ((damaged, True), (missing, False)):
                self.tally.queued += media.mark_uncached(
                    tx, [file.file_id for file in files], now, quarantined=quarantined, hosts=host_of
                )
            runs.beat(tx, self.run_id, now)
        for file in damaged:
            self._set_aside(file.path, file.sha256)
        for file in missing:
            log.error("file_missing", path=file.path, sha256=file.sha256)
        self.tally.damaged += [file.path for file in damaged]
        self.tally.missing += [file.path for file in missing]
        self.tally.checked += len(looks)
        self.tally.sound += len(looks) - len(damaged) - len(missing)
        self.tally.bytes += sum(look.file.size for look in looks if look.proof)
        self.progress(self.tally)

    def _set_aside(self, path: str, sha256: str | None) -> None:
        # A reader may have met the same damage and moved the file before us.
        with suppress(FileMissing):
            moved = self.cache.quarantine(path)
            log.error("file_damaged", path=path, sha256=sha256, quarantined_as=moved.name)

    def _adopt_orphans(self) -> None:
        """Take up sound files that no row knows, as a crash between rename and commit leaves them."""
        paths = self.cache.walk()
        while page := list(islice(paths, _PAGE)):
            if self.stop():
                return
            hashes = {PurePosixPath(path).name[:32] for path in page}
            with self.store.reading() as tx:
                known = {file.path for file in media.files_by(tx, "md5_sum", hashes) if file.cached_at}
            found = []
            for path in page:
                if path in known:
                    continue
                try:
                    found.append(self.cache.adopt(path))
                except FileDamaged:
                    self._set_aside(path, None)
                    self.tally.damaged.append(path)
                except NotMedia:
                    self.tally.strangers.append(path)
                except FileMissing:
                    continue
            if found:
                with self.store.writing() as tx:
                    media.keep_files(tx, found, ids=self.ids, now=self.clock())
                self.tally.adopted += len(found)
                log.info("orphans_adopted", files=len(found))
