"""Proves the cache: every file the rows promise is hashed, then everything else that lies there is looked at."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from postkeep.errors import CacheError, FileDamaged, FileMissing
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.census import UNREADABLE, identify
from postkeep.media.listing import FOLDERS
from postkeep.model import Proof
from postkeep.stages.mending import Mender, paths_of
from postkeep.stages.presence import must_be_there
from postkeep.stages.settling import confirm, settle
from postkeep.stages.unclaimed import Unclaimed
from postkeep.stages.verify_tally import VerifyTally
from postkeep.store import Store, caching, proving, renditions, runs
from postkeep.store.proving import Kept

log = get_logger("verify")

_PAGE = 512
_CHUNK = 16
_PAGES_AHEAD = 2
_TWINS_TOLD = 1000
_FOLDERS = {str(kind): f"media/{folder}" for kind, folder in FOLDERS.items()}


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a file found: its proof when it is sound, else that it is missing, damaged, unreadable."""

    file: Kept
    proof: Proof | None = None
    missing: bool = False
    damaged: bool = False
    unreadable: bool = False
    twin: str = ""

    @property
    def lost(self) -> bool:
        return self.missing or self.damaged


class Verify:
    """One pass over the cache: rows against files, then files against rows. Can be run again, beside others.

    Without `repair` nothing changes but the proofs of sound files. With `md5_only` the SHA-256 is not taken,
    and no proof is renewed: equal MD5s do not prove equal content. `room` is how many bytes the cache may hold.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        run_id: str,
        room: int,
        repair: bool = False,
        md5_only: bool = False,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[VerifyTally], None] = lambda tally: None,
    ) -> None:
        self.store, self.cache, self.clock, self.run_id = store, cache, clock, run_id
        self.room, self.repair, self.md5_only = room, repair, md5_only
        self.stop, self.progress = stop, progress
        self.tally = VerifyTally()
        self.mender = Mender(store, cache, self.tally, ids=ids, clock=clock)

    def run(self) -> VerifyTally:
        """Look at everything once; raises CacheError when the cache is not there."""
        must_be_there(self.store, self.cache)
        with self.store.reading() as tx:
            self.tally.files = caching.cached_count(tx)
            self.tally.total_bytes = caching.cached_bytes(tx)
        pool = ThreadPoolExecutor(_threads(), thread_name_prefix="postkeep-verify")
        lister = ThreadPoolExecutor(1, thread_name_prefix="postkeep-list")
        unclaimed = Unclaimed(
            self.store, self.cache, pool, self.mender, room=self.room, repair=self.repair, stop=self.stop
        )
        try:
            # Names cost a core little and the disk nothing: they are compared while files are hashed.
            listing = lister.submit(unclaimed.gather)
            self._prove_rows(pool)
            if not self.stop():
                self._tell_twins()
                unclaimed.judge()
            unclaimed.close()
            listing.result()
        finally:
            unclaimed.close()
            lister.shutdown()
            pool.shutdown(cancel_futures=True)
        return self.tally

    # --- rows against files ---

    def _prove_rows(self, pool: Executor) -> None:
        """Hash page after page; while one is settled, the next ones are under way."""
        under_way: deque[list[Future[list[_Look]]]] = deque()
        for page in self._pages():
            chunks = (page[at : at + _CHUNK] for at in range(0, len(page), _CHUNK))
            under_way.append([pool.submit(self._look_at, chunk) for chunk in chunks])
            while len(under_way) > _PAGES_AHEAD:
                self._take(under_way.popleft())
        while under_way:
            self._take(under_way.popleft())

    def _pages(self) -> Iterator[list[Kept]]:
        last = ""
        while not self.stop():
            with self.store.reading() as tx:
                page = proving.cached_after(tx, last, limit=_PAGE)
            if not page:
                return
            last = page[-1].file_id
            yield page

    def _look_at(self, files: Sequence[Kept]) -> list[_Look]:
        looks = []
        for file in files:
            if self.stop():
                break
            looks.append(self._look(file))
        return looks

    def _look(self, file: Kept) -> _Look:
        try:
            _, proof = self.cache.prove(
                file.path,
                sha256=file.sha256,
                md5=file.md5_sum,
                proof=file.proof,
                strict=True,
                md5_only=self.md5_only,
            )
        except FileMissing:
            return _Look(file, missing=True)
        except FileDamaged as error:
            unreadable = isinstance(error.__cause__, OSError)
            return _Look(file, damaged=True, unreadable=unreadable, twin="" if unreadable else self._twin_of(file))
        except CacheError as error:
            if getattr(error.__cause__, "errno", None) not in UNREADABLE or not self.cache.root.is_dir():
                raise
            log.error("file_unreadable", path=file.path, reason=error.message)
            return _Look(file, unreadable=True)
        return _Look(file, proof)

    def _twin_of(self, file: Kept) -> str:
        """The SHA-256 of what stands there when its MD5 is right all the same."""
        try:
            digest = identify(self.cache.absolute(file.path)).digest
        except (OSError, FileMissing):
            return ""
        return digest.sha256 if digest is not None and digest.md5 == file.md5_sum else ""

    def _take(self, chunks: Sequence[Future[list[_Look]]]) -> None:
        """Store the proofs of sound files, and judge the others once more before they count as lost."""
        looks = [look for chunk in chunks for look in chunk.result()]
        sound = [(look.file, look.proof) for look in looks if look.proof is not None]
        with self.store.writing() as tx:
            if not self.md5_only:
                proving.refresh(tx, sound, self.clock())
            runs.beat(tx, self.run_id, self.clock())
        lost = {look.file.path: look for look in looks if look.lost}
        self._count_sound(looks)
        if lost:
            self._settle(lost)
        self.progress(self.tally)

    def _count_sound(self, looks: Sequence[_Look]) -> None:
        tally, odd = self.tally, []
        for look in looks:
            tally.done_bytes += look.file.size
            if look.proof is not None:
                tally.checked += 1
                tally.sound += 1
                tally.bytes += look.proof.size
                if _is_misnamed(look.file):
                    odd.append(look.file)
            elif not look.lost:
                tally.checked += 1
                tally.unreadable.append(look.file.path)
        for file in odd:
            self.mender.note_misnamed(file.path, paths_of(file)[0])
        if self.repair:
            for file in odd:
                self.mender.rename(file.path)

    def _settle(self, lost: Mapping[str, _Look]) -> None:
        tally, files = self.tally, [look.file for look in lost.values()]
        with self.store.reading() as tx:
            derived = renditions.derived_among(tx, [file.file_id for file in files])
        made = {file.path for file in files if file.file_id in derived}
        if self.repair:
            settled = settle(self.store, self.cache, files, now=self.clock, told=False)
            tally.queued += settled.queued
            tally.quarantined += len(settled.damaged)
        else:
            settled = confirm(self.store, self.cache, files)
        tally.to_remake += [path for path in settled.missing if path in made]
        tally.missing += [path for path in settled.missing if path not in made]
        tally.checked += len(settled.missing) + len(settled.damaged)
        for path in settled.damaged:
            look = lost[path]
            (tally.unreadable if look.unreadable else tally.damaged).append(path)
            if look.twin:
                self.mender.note_collision(path, look.file.sha256, look.twin)

    def _tell_twins(self) -> None:
        """Two contents with one MD5 do not happen by chance: told even when both are sound."""
        with self.store.reading() as tx:
            found = proving.twins(tx, limit=_TWINS_TOLD)
        first: dict[str, Kept] = {}
        for file in found:
            other = first.setdefault(file.md5_sum, file)
            if other is not file:
                self.mender.note_collision(file.path, other.sha256, file.sha256 or "")


def _is_misnamed(file: Kept) -> bool:
    # Nearly every file ends like this, whatever else it may be called: the rest is asked for few.
    if file.path == f"{_FOLDERS.get(file.media_type)}/{file.md5_sum}.{file.extension}":
        return False
    # The predecessor's own folder, read in place, is named by URLs.
    return file.path.startswith("media/") and file.path not in paths_of(file)


def _threads() -> int:
    return min(16, (os.cpu_count() or 2) + 1)
