"""Brings contents back from the archive into the cache: what comes is hashed before it counts as here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from postkeep.archive.port import Archive
from postkeep.errors import ArchiveError, CacheError, ObjectDiffers, ObjectMissing
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache, Staged
from postkeep.model import CachedFile, Digest
from postkeep.stages.archive.same import must_be_whole, remember
from postkeep.store import Store, archiving, caching, work
from postkeep.store.archive_objects import KnownObject

log = get_logger("archive")

_AT_ONCE = 8


@dataclass(slots=True)
class RestoreTally:
    """Counts of a restoring: contents that are here again, their bytes, and those that did not come."""

    restored: int = 0
    bytes: int = 0
    failed: list[tuple[KnownObject, str]] = field(default_factory=list)


class Restoring:
    """Restores contents batch by batch: bytes first, then the rows that say they are here."""

    def __init__(
        self,
        store: Store,
        cache: Cache,
        archive: Archive,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        room: Callable[[int], None] = lambda size: None,
    ) -> None:
        self.store, self.cache, self.archive = store, cache, archive
        self.ids, self.clock, self.room = ids, clock, room
        self.tally = RestoreTally()

    def bring(self, objects: Sequence[KnownObject]) -> list[CachedFile]:
        """Restore these contents; an object that is missing or something else is no longer called proven.

        `room` is asked for the batch's bytes first. Raises CacheError when the cache takes no more, and
        ArchiveError when the store as a whole refuses, or has nothing of what it should have: then nothing is
        forgotten. What came until then is kept.
        """
        self.room(sum(each.size for each in objects))
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="postkeep-restore") as pool:
            came = list(pool.map(self._come, objects))
        staged = [(each, got) for each, got in zip(objects, came, strict=True) if isinstance(got, Staged)]
        refused = [(each, got) for each, got in zip(objects, came, strict=True) if isinstance(got, ArchiveError)]
        files = self._keep(staged)
        self._judge(refused)
        return files

    def _come(self, known: KnownObject) -> Staged | ArchiveError:
        """One content as a staged file of the cache."""
        wanted = Digest(known.md5, known.sha256, known.size)
        path = self.cache.spool()
        try:
            if self._written(path, known) == wanted:
                return self.cache.stage_known(path, wanted, known.kind)
            path.unlink(missing_ok=True)
            return ObjectDiffers(self.archive.url(known.key))
        except ArchiveError as error:
            path.unlink(missing_ok=True)
            return error
        except OSError as error:
            path.unlink(missing_ok=True)
            raise CacheError(f"writing {path} failed: {error.strerror}") from error

    def _written(self, path: Path, known: KnownObject) -> Digest:
        """Write an object's bytes, but hardly more than it should have; returns the digest of what was written."""
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        with path.open("xb") as file:
            for piece in self.archive.read(known.key):
                md5.update(piece)
                sha256.update(piece)
                size += len(piece)
                if size > known.size:
                    break
                file.write(piece)
        return Digest(md5.hexdigest(), sha256.hexdigest(), size)

    def _keep(self, came: Sequence[tuple[KnownObject, Staged]]) -> list[CachedFile]:
        if not came:
            return []
        with self.cache.sharing():
            self.cache.sync([staged for _, staged in came])
            files = [self.cache.commit(staged).file for _, staged in came]
            self.cache.sync_directories()
            with self.store.writing() as tx:
                now = self.clock()
                caching.keep_files(tx, files, ids=self.ids, now=now)
                work.done_for_files(tx, [known.file_id for known, _ in came])
                if not self.tally.restored:
                    remember(tx, self.archive, now)
        for known, staged in came:
            self.tally.restored += 1
            self.tally.bytes += staged.digest.size
            log.info("media_restored", file_id=known.file_id, object=known.key, size=known.size)
        return files

    def _judge(self, refused: Sequence[tuple[KnownObject, ArchiveError]]) -> None:
        missed = {each.file_id for each, error in refused if isinstance(error, ObjectMissing | ObjectDiffers)}
        if missed and not self.tally.restored:
            must_be_whole(self.store, self.archive, missed)
        whole = [error for _, error in refused if not isinstance(error, ObjectMissing | ObjectDiffers)]
        for known, error in refused:
            self.tally.failed.append((known, error.message))
            # An archive that refuses everything is told once, by whoever gets its error.
            voice = log.info if len(whole) == len(refused) else log.error
            voice("restoring_failed", file_id=known.file_id, object=known.key, reason=error.message)
        for kind in (ObjectMissing, ObjectDiffers):
            gone = [known.file_id for known, error in refused if isinstance(error, kind)]
            if gone:
                with self.store.writing() as tx:
                    archiving.forget_proofs(tx, self.archive.place, gone, kind.kind, self.clock())
        if whole and len(whole) == len(refused):
            raise whole[0]
