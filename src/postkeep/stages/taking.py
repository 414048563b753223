"""Takes files from elsewhere into the cache by content: bytes first, then the rows; the files stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from postkeep.errors import FileDamaged, FileMissing, NotMedia
from postkeep.ids import IdFactory
from postkeep.media.cache import Cache, Staged
from postkeep.media.census import Identity
from postkeep.model import CachedFile, Digest, Kind, Proof
from postkeep.points import passing
from postkeep.store import Store, caching, media, proving, runs
from postkeep.store.linking import Place
from postkeep.store.media import Arrival

Links = Callable[[Connection, Mapping[str, CachedFile]], list[Arrival]]
"""Which rows get which files, asked in the transaction that writes them; files by SHA-256."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A file from elsewhere that was read and is media."""

    path: Path
    identity: Identity
    digest: Digest
    kind: Kind

    def as_kept(self, path: str = "", proof: Proof | None = None) -> CachedFile:
        """The file as the cache has it at a path, or would have it."""
        return CachedFile(path, self.digest, self.kind, self.identity.dimensions, proof or self.identity.proof)


class TakingIn:
    """Copies files in and writes the rows that show them, in batches; it may be broken off anywhere.

    `changed` is told of a file that is no longer what it was when it was read: it is not taken. With
    `only_whole` neither is one without its own end.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        run_id: str | None,
        changed: Callable[[Path], None],
        only_whole: bool = False,
    ) -> None:
        self.store, self.cache, self.ids, self.clock, self.run_id = store, cache, ids, clock, run_id
        self._changed, self._only_whole = changed, only_whole

    def present(self, tx: Connection, sound: Sequence[Sound]) -> dict[str, CachedFile]:
        """The contents that are in the cache under a name of its own, by SHA-256."""
        known = {each.digest.sha256: each for each in sound}
        here = {}
        for row in proving.by_hash(tx, sha256=set(known)):
            proof, sha256 = row.proof, row.sha256
            if proof is None or sha256 is None or not row.cached or not row.path.startswith("media/"):
                continue
            if not self.cache.is_as_proven(row.path, proof):
                # A home that was restored has new inodes and the old contents.
                try:
                    _, proof = self.cache.prove(row.path, sha256=sha256)
                except (FileMissing, FileDamaged):
                    continue
            here[sha256] = known[sha256].as_kept(row.path, proof)
        return here

    def keep(
        self, new: Iterable[Sound], pool: Executor, links: Links
    ) -> tuple[dict[str, CachedFile], list[Arrival]]:
        """Copy, sync, name, sync, and only then the rows; a crash in between leaves files the next run finds."""
        staged = self._stage_all(new, pool)
        try:
            self.cache.sync(staged)
            passing("file_staged")
            with self.cache.sharing():
                kept = {each.digest.sha256: self.cache.commit(each).file for each in staged}
                passing("file_renamed")
                self.cache.sync_directories()
                with self.store.writing() as tx:
                    cut = {each.digest.sha256 for each in staged if not each.whole}
                    arrivals = [
                        replace(each, incomplete=each.file.digest.sha256 in cut) for each in links(tx, kept)
                    ]
                    now = self.clock()
                    caching.keep_files(tx, kept.values(), ids=self.ids, now=now)
                    media.store_arrivals(tx, arrivals, ids=self.ids, now=now)
                    if self.run_id is not None:
                        runs.beat(tx, self.run_id, now)
                passing("outcomes_committed")
        finally:
            for each in staged:
                self.cache.discard(each)
        return kept, arrivals

    def _stage_all(self, new: Iterable[Sound], pool: Executor) -> list[Staged]:
        copies = [pool.submit(self._stage, each) for each in new]
        wait(copies)
        staged = [copy.result() for copy in copies if copy.exception() is None]
        failed = next((error for copy in copies if (error := copy.exception()) is not None), None)
        if failed is not None:
            for each in filter(None, staged):
                self.cache.discard(each)
            raise failed
        return [each for each in staged if each is not None]

    def _stage(self, sound: Sound) -> Staged | None:
        try:
            staged = self.cache.take_in(sound.path)
        except (FileMissing, NotMedia):
            staged = None
        if staged is not None and staged.digest == sound.digest:
            if staged.whole or not self._only_whole:
                return staged
            self.cache.discard(staged)
            return None
        if staged is not None:
            self.cache.discard(staged)
        self._changed(sound.path)
        return None


def arrival(place: Place, file: CachedFile, *, fresh: bool) -> Arrival | None:
    """What a row gets of a file it is joined to: nothing when it has another one, or states another MD5.

    `fresh` says that the file was not in the cache before.
    """
    if place.sha256 is None:
        if place.md5_sum not in (None, file.digest.md5):
            return None
        if place.file_id is not None:
            # Known by its MD5 alone until now.
            return Arrival(place.media_id, file, place.file_rendition, place.file_rank)
        return Arrival(place.media_id, file, place.rendition, place.rank)
    if fresh and place.sha256 == file.digest.sha256:
        return Arrival(place.media_id, file, place.file_rendition, place.file_rank)
    return None
