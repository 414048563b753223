"""Takes over a predecessor's cache without downloading: files are copied, named by content, and joined to rows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from postkeep.errors import SourceError
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.census import identify
from postkeep.media.foreign import Foreign, foreign_files
from postkeep.media.hashing import md5_bytes
from postkeep.model import CachedFile
from postkeep.stages.presence import must_be_there
from postkeep.stages.taking import Sound, TakingIn, arrival
from postkeep.store import Store, caching, linking, tombstones
from postkeep.store.media import Arrival
from postkeep.views import Finding

log = get_logger("adopting")

_GROUP = 50_000
"""Files whose names are compared with all rows in one pass: some 20 MB, whatever the database holds."""
_BATCH = 200
_BATCH_BYTES = 256 * 1024**2
_OWN = ("media", "tmp", "quarantine", "journal")
_LOCKS = (".lock", ".turn")

Owners = Mapping[bytes | str, list[str]]
"""Media rows (their ids) by the MD5 of their URL, and by the file name of their path."""


@dataclass(slots=True)
class AdoptTally:
    """What adopting did so far. `unknown` are contents that no media row shows; `bytes` were copied."""

    total_bytes: int = 0
    done_bytes: int = 0
    seen: int = 0
    adopted: int = 0
    known: int = 0
    linked: int = 0
    unknown: int = 0
    bytes: int = 0
    not_media: list[Finding] = field(default_factory=list)
    damaged: list[Finding] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)
    full: bool = False


@dataclass(frozen=True, slots=True)
class _Sound(Sound):
    """A foreign file that is media, and what its name claims."""

    foreign: Foreign

    def owners(self, showing: Mapping[str, list[str]], named: Owners) -> list[str]:
        """The media rows it may belong to, those that state its content first."""
        stem, name = self.foreign.stem or b"", self.foreign.name
        found = (*showing.get(self.digest.md5, ()), *named.get(stem, ()), *named.get(name, ()))
        return list(dict.fromkeys(found))


class Adopting:
    """One pass over a folder; it may be broken off anywhere and run again. Files there are never changed.

    The names in the folder are the smaller side: they are held, group by group, while all rows are read past
    them once. `room` is how many bytes the cache may hold. With `dry_run` everything is read and nothing kept.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        folder: Path,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        room: int,
        run_id: str | None,
        dry_run: bool,
        stop: Callable[[], bool],
        progress: Callable[[AdoptTally], None],
    ) -> None:
        self.store, self.cache = store, cache
        self._taking = TakingIn(store, cache, ids=ids, clock=clock, run_id=run_id, changed=self._changed)
        self.folder = _usable(folder, cache.root)
        self.room, self.dry_run, self.stop, self.progress = room, dry_run, stop, progress
        self.tally = AdoptTally()
        self._pretended: set[str] = set()

    def run(self) -> AdoptTally:
        """Take over what there is; raises SourceError for a folder that cannot be, CacheError, StoreError."""
        must_be_there(self.store, self.cache)
        with self.store.reading() as tx:
            self.room -= caching.cached_bytes(tx)
        self.tally.total_bytes = sum(each.size for each in self._files(lambda path, error: None) if each.plain)
        pool = ThreadPoolExecutor(min(16, (os.cpu_count() or 2) + 1), thread_name_prefix="postkeep-adopt")
        try:
            files = self._files(self._not_listed)
            while (group := list(islice(files, _GROUP))) and not self._over():
                self._take_over(group, pool)
        finally:
            pool.shutdown(cancel_futures=True)
        return self.tally

    def _over(self) -> bool:
        return self.tally.full or self.stop()

    def _files(self, failed: Callable[[str, OSError], None]) -> Iterator[Foreign]:
        own = {str(Path(os.path.realpath(self.cache.root)) / name) for name in (*_OWN, *_LOCKS)}
        return foreign_files(self.folder, skip=own.__contains__, failed=failed)

    def _not_listed(self, path: str, error: OSError) -> None:
        self.tally.unreadable.append(Finding(self._shown(path), error.strerror or "it cannot be read"))

    def _shown(self, path: str) -> str:
        return os.fsencode(os.path.relpath(path, self.folder)).decode("utf-8", "replace")

    # --- one group: names against rows ---

    def _take_over(self, group: Sequence[Foreign], pool: Executor) -> None:
        owners = self._owners(group)
        batch: list[Foreign] = []
        size = 0
        for foreign in group:
            if self._over():
                return
            batch.append(foreign)
            size += foreign.size
            if len(batch) >= _BATCH or size >= _BATCH_BYTES:
                self._batch(batch, owners, pool)
                batch, size = [], 0
        if batch and not self._over():
            self._batch(batch, owners, pool)

    def _owners(self, group: Sequence[Foreign]) -> Owners:
        """The media rows (their ids) whose URL a file is named by, or whose path ends with its name."""
        stems = {each.stem for each in group if each.stem and not each.of_content}
        names = {each.name for each in group}
        found: defaultdict[bytes | str, list[str]] = defaultdict(list)
        for media_id, url, path in linking.stated(self.store):
            for spelling in {url, url.partition("#")[0]}:
                stem = bytes.fromhex(md5_bytes(spelling.encode("utf-8", "surrogatepass")))
                if stem in stems:
                    found[stem].append(media_id)
            if path and (name := path.rpartition("/")[2]) in names:
                found[name].append(media_id)
        return found

    # --- one batch: bytes, then rows ---

    def _batch(self, batch: Sequence[Foreign], owners: Owners, pool: Executor) -> None:
        sound = [each for each in pool.map(self._look, batch) if each is not None]
        with self.store.reading() as tx:
            here = self._taking.present(tx, sound)
            showing = linking.showing(tx, {each.digest.md5 for each in sound})
            erased = tombstones.standing(tx, [tombstones.of_content(each.digest.sha256) for each in sound])
        wanted = {each.foreign.path: each.owners(showing, owners) for each in sound}
        if erased:
            sound = [each for each in sound if not self._is_erased(each, erased, wanted)]
        new = self._new(sound, here)
        if self.dry_run:
            kept = {sha256: each.as_kept() for sha256, each in new.items()}
            self._pretended |= kept.keys()
            with self.store.reading() as tx:
                links = self._links(tx, sound, here, kept, wanted)
        else:
            kept, links = self._taking.keep(
                new.values(), pool, lambda tx, kept: self._links(tx, sound, here, kept, wanted)
            )
        self.tally.linked += len(links)
        self._count(batch, sound, here, kept, wanted)
        self.progress(self.tally)

    def _is_erased(
        self, each: _Sound, erased: Collection[tombstones.Tombstone], wanted: Mapping[str, list[str]]
    ) -> bool:
        """Whether the content was erased and nobody shows it: then it stays away."""
        if wanted[each.foreign.path] or tombstones.of_content(each.digest.sha256) not in erased:
            return False
        self.tally.not_media.append(Finding(self._shown(each.foreign.path), "erased, and not to come back"))
        return True

    def _look(self, foreign: Foreign) -> _Sound | None:
        shown = self._shown(foreign.path)
        if not foreign.plain:
            self.tally.not_media.append(Finding(shown, "a link, or no plain file"))
            return None
        path = Path(foreign.path)
        try:
            identity = identify(path, only_media=True)
        except OSError as error:
            self.tally.unreadable.append(Finding(shown, error.strerror or "it cannot be read"))
            return None
        if identity.kind is None or identity.digest is None:
            self.tally.not_media.append(Finding(shown, identity.found if foreign.size else "empty"))
            return None
        if foreign.of_content and foreign.stem is not None and foreign.stem.hex() != identity.digest.md5:
            said = foreign.stem.hex()
            self.tally.damaged.append(
                Finding(shown, "other content than its name says", said, identity.digest.md5)
            )
            return None
        return _Sound(path, identity, identity.digest, identity.kind, foreign)

    def _new(self, sound: Sequence[_Sound], here: Mapping[str, CachedFile]) -> dict[str, _Sound]:
        """The contents to take in, by SHA-256, as far as there is room."""
        new: dict[str, _Sound] = {}
        for each in sound:
            sha256 = each.digest.sha256
            if sha256 in here or sha256 in new or sha256 in self._pretended:
                continue
            if each.digest.size > self.room:
                self.tally.full = True
                break
            self.room -= each.digest.size
            new[sha256] = each
        return new

    def _changed(self, path: Path) -> None:
        self.tally.unreadable.append(Finding(self._shown(str(path)), "it changed while it was read"))

    def _links(
        self,
        tx: Connection,
        sound: Sequence[_Sound],
        here: Mapping[str, CachedFile],
        kept: Mapping[str, CachedFile],
        wanted: Mapping[str, list[str]],
    ) -> list[Arrival]:
        """The media rows that get a file now, each the first one that fits."""
        places = linking.places(tx, {media_id for ids in wanted.values() for media_id in ids})
        found: dict[str, Arrival] = {}
        for each in sound:
            sha256 = each.digest.sha256
            file = kept.get(sha256) or here.get(sha256)
            for media_id in wanted[each.foreign.path] if file is not None else ():
                place = places.get(media_id)
                if file is not None and place is not None and media_id not in found:
                    gets = arrival(place, file, fresh=sha256 in kept)
                    if gets is not None:
                        found[media_id] = gets
        return list(found.values())

    def _count(
        self,
        batch: Sequence[Foreign],
        sound: Sequence[_Sound],
        here: Mapping[str, CachedFile],
        kept: Mapping[str, CachedFile],
        wanted: Mapping[str, list[str]],
    ) -> None:
        tally, first = self.tally, set[str]()
        tally.seen += len(batch)
        tally.done_bytes += sum(foreign.size for foreign in batch if foreign.plain)
        shown = {each.digest.sha256 for each in sound if wanted[each.foreign.path]}
        for each in sound:
            sha256 = each.digest.sha256
            if sha256 in kept and sha256 not in first:
                first.add(sha256)
                tally.adopted += 1
                tally.bytes += each.digest.size
                tally.unknown += sha256 not in shown
            else:
                # Neither: it changed while it was read, or there was no room for it.
                tally.known += sha256 in here or sha256 in kept or sha256 in self._pretended


def _usable(folder: Path, root: Path) -> Path:
    """The folder without links in its path; raises SourceError when nothing can be adopted from it."""
    real, own = Path(os.path.realpath(folder)), Path(os.path.realpath(root))
    if not real.is_dir():
        raise SourceError(f"{folder} is no folder")
    if any(real.is_relative_to(own / name) for name in _OWN):
        raise SourceError(f"{folder} is a part of this library's own cache: `media verify-cache` looks after it")
    return real
