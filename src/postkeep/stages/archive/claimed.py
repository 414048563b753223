"""Takes up objects that rows only say to be in the archive, as a predecessor's do: each is read and hashed first.

What such a row knows is an MD5. An object whose bytes have it is that content: the row learns what it is, the
bytes come into the cache, and the object counts as proven under the name it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from postkeep.archive.names import key_in, md5_in
from postkeep.archive.port import Archive, Stored
from postkeep.archive.proof import Proof
from postkeep.errors import (
    ArchiveDenied,
    ArchiveError,
    ArchiveUnavailable,
    CacheError,
    NotMedia,
    ObjectDiffers,
    ObjectMissing,
    PostkeepError,
)
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache, Staged
from postkeep.media.hashing import Hasher
from postkeep.model import Body, CachedFile, Digest, ObjectState
from postkeep.store import Store, archive_choice, archiving, caching, proving, work
from postkeep.store.archive_choice import OfPosts, Said
from postkeep.store.archiving import Claim, ProvenObject

log = get_logger("archive")

_AT_ONCE = 8
_BATCH = 32


@dataclass(frozen=True, slots=True)
class _Come:
    """An object's bytes as a staged file, which is what its row names."""

    said: Said
    stored: Stored
    staged: Staged


class TakingUp:
    """One pass over what is said to be in an archive; can be broken off anywhere, and run again.

    `failed` are those whose object is missing, is something else or cannot be had, with the reason: their rows
    stay as they are.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        archive: Archive,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        room: Callable[[int], None],
    ) -> None:
        self.store, self.cache, self.archive = store, cache, archive
        self.ids, self.clock, self.room = ids, clock, room
        self.taken = 0
        self.bytes = 0
        self.failed: list[tuple[Said, str]] = []

    def run(
        self,
        *,
        of: OfPosts,
        limit: int | None,
        stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> None:
        """Take up all, or what some posts show.

        Raises CacheError when the cache takes no more, ArchiveError when the archive as a whole refuses.
        """
        last, left = "", limit
        while not stop() and left != 0:
            size = _BATCH if left is None else min(_BATCH, left)
            with self.store.reading() as tx:
                page = archive_choice.said(tx, self.archive.place, last, limit=size, of=of)
            if not page:
                return
            last, left = page[-1].file_id, None if left is None else left - len(page)
            self._batch(page)
            progress()

    def _batch(self, page: Sequence[Said]) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="postkeep-restore") as pool:
            found = list(zip(page, pool.map(self._look, page), strict=True))
            there = [(said, stored) for said, stored in found if isinstance(stored, Stored)]
            self.room(sum(stored.size for _, stored in there))
            came = list(pool.map(lambda each: self._come(*each), there))
        refused = [(said, error) for said, error in found if isinstance(error, PostkeepError)]
        refused += [
            (said, error) for (said, _), error in zip(there, came, strict=True) if isinstance(error, PostkeepError)
        ]
        self._keep([each for each in came if isinstance(each, _Come)])
        unanswered = [error for _, error in refused if isinstance(error, ArchiveUnavailable | ArchiveDenied)]
        if unanswered and len(unanswered) == len(page):
            raise unanswered[0]
        for said, error in refused:
            self._refuse(said, error.message)

    def _key(self, said: Said) -> str:
        key = key_in(said.url, self.archive.place)
        if key is None or md5_in(key) not in (None, said.md5):
            raise ObjectDiffers(said.url)
        return key

    def _look(self, said: Said) -> Stored | PostkeepError:
        try:
            return self.archive.head(self._key(said)) or ObjectMissing(said.url)
        except ArchiveError as error:
            return error

    def _come(self, said: Said, stored: Stored) -> _Come | PostkeepError:
        path = self.cache.spool()
        try:
            digest = self._written(path, stored)
            if digest.md5 != said.md5 or said.sha256 not in (None, digest.sha256):
                path.unlink()
                return ObjectDiffers(said.url)
            return _Come(said, stored, self.cache.stage(Body(digest.size, path=path, digest=digest)))
        except (ArchiveError, NotMedia) as error:
            path.unlink(missing_ok=True)
            return error
        except OSError as error:
            path.unlink(missing_ok=True)
            raise CacheError(f"writing {path} failed: {error.strerror}") from error

    def _written(self, path: Path, stored: Stored) -> Digest:
        """Write an object's bytes, but no more than it was said to have; returns the digest of what was read."""
        hasher = Hasher()
        with path.open("xb") as file:
            for piece in self.archive.read(stored.key):
                hasher.update(piece)
                if hasher.size > stored.size:
                    break
                file.write(piece)
        return hasher.digest()

    def _keep(self, came: Sequence[_Come]) -> None:
        if not came:
            return
        with self.cache.sharing():
            self.cache.sync([each.staged for each in came])
            files = [self.cache.commit(each.staged).file for each in came]
            self.cache.sync_directories()
            with self.store.writing() as tx:
                now = self.clock()
                stored = caching.keep_files(tx, files, ids=self.ids, now=now)
                proving.correct_kind(tx, files, now)
                caching.mark_incomplete(tx, {each.staged.digest.sha256 for each in came if not each.staged.whole})
                known = {each.said.file_id: each for each in came}
                its_own = [each.file_id for each in stored.values() if each.file_id in known]
                claims = [Claim(each, known[each].stored.key, ObjectState.FOREIGN) for each in its_own]
                kept = archiving.claim(tx, self.archive.place, claims, ids=self.ids, now=now)
                archiving.reclaim(tx, self.archive.place, [each for each in claims if each.file_id in kept])
                proven = [self._proven(known[each]) for each in its_own if each in kept]
                taken = archiving.record_proven(tx, self.archive.place, proven, now)
                work.done_for_files(tx, taken)
        self._tell(came, files, taken)

    def _proven(self, come: _Come) -> ProvenObject:
        key = come.stored.key
        url = self.archive.url(key)
        return ProvenObject(come.said.file_id, key, url, Proof.READ_BACK, come.stored.etag, None)

    def _tell(self, came: Sequence[_Come], files: Sequence[CachedFile], taken: set[str]) -> None:
        for each, file in zip(came, files, strict=True):
            if each.said.file_id not in taken:
                self._refuse(each.said, "another row has its content or its object")
                continue
            self.taken += 1
            self.bytes += file.digest.size
            log.info(
                "media_restored",
                file_id=each.said.file_id,
                object=each.stored.key,
                size=file.digest.size,
                sha256=file.digest.sha256,
            )

    def _refuse(self, said: Said, reason: str) -> None:
        self.failed.append((said, reason))
        log.error("restoring_failed", file_id=said.file_id, url=said.url, reason=reason)
