"""Asks the archive what it still has, by listing it once, and reads back what a listing cannot prove."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postkeep.archive.names import can_stand
from postkeep.archive.port import Archive, Stored
from postkeep.archive.uploading import equals
from postkeep.errors import ArchiveError, ObjectMissing
from postkeep.log import get_logger
from postkeep.model import Digest
from postkeep.store import Store, archive_objects
from postkeep.store.archive_objects import KnownObject

log = get_logger("archive")

_PAGE = 500
_STRANGERS_NAMED = 20
# Whoever is told may write to the database, which is too much for each object.
_TELLING_SECONDS = 1.0


class Fault(StrEnum):
    """What an object is when it is not what it was proven to be."""

    MISSING = "missing"
    SIZE = "size"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is not what it was proven to be."""

    known: KnownObject
    fault: Fault


@dataclass(slots=True)
class CheckTally:
    """Counts of a check: `checked` of `known` proven objects, with their bytes, and `read` of them read back.

    `back` are objects that were missed once, and are there again as they were proven.

    `strangers` are objects nobody here knows; the first few are named.
    """

    known: int = 0
    known_bytes: int = 0
    checked: int = 0
    checked_bytes: int = 0
    read: int = 0
    strangers: int = 0
    strange_bytes: int = 0
    named: list[Stored] = field(default_factory=list)
    faults: list[Found] = field(default_factory=list)
    back: list[tuple[KnownObject, Stored]] = field(default_factory=list)
    stopped: bool = False


class Checking:
    """One walk over a store's objects beside the rows that say they are there; both come in the order of keys.

    `sample` is the share (0 to 1) of objects that are read back besides those whose tag has changed. With
    `look_again` those are read, too, that were missed once and whose bytes are not here.
    """

    def __init__(
        self,
        store: Store,
        archive: Archive,
        *,
        prefix: str,
        sample: float,
        clock: Callable[[], datetime],
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[CheckTally], None] = lambda tally: None,
        chance: Callable[[], float] = random.random,
        look_again: bool = False,
    ) -> None:
        self.store, self.archive, self.prefix, self.sample = store, archive, prefix, sample
        self.clock, self.stop, self.progress, self.chance = clock, stop, progress, chance
        self.look_again = look_again
        self.tally = CheckTally()
        self._tags: list[tuple[str, str]] = []
        self._strangers: list[Stored] = []
        self._told_at = 0.0

    def run(self) -> CheckTally:
        """Walk to the end, or until `stop`; raises ArchiveError when the store cannot be listed."""
        with self.store.reading() as tx:
            self.tally.known, self.tally.known_bytes = archive_objects.proven_total(tx, self.archive.place)
        self._tell()
        listed = self._listed()
        there = next(listed, None)
        for known in self._known():
            if self.stop():
                self.tally.stopped = True
                break
            while there is not None and there.key.encode() < known.key.encode():
                self._stranger(there)
                there = next(listed, None)
            if there is None or there.key != known.key:
                self._judge_absent(known)
            else:
                self._judge(known, there)
                there = next(listed, None)
            self.tally.checked += 1
            self.tally.checked_bytes += known.size
            if self.tally.checked % _PAGE == 0:
                self._note()
            elif time.monotonic() - self._told_at > _TELLING_SECONDS:
                self._tell()
        else:
            while there is not None and not self.stop():
                self._stranger(there)
                there = next(listed, None)
        self._judge_strangers()
        self._note()
        return self.tally

    def _known(self) -> Iterator[KnownObject]:
        last = ""
        while True:
            with self.store.reading() as tx:
                page = archive_objects.proven_after(tx, self.archive.place, last, limit=_PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].key

    def _listed(self) -> Iterator[Stored]:
        last = b""
        for stored in self.archive.listing(self.prefix):
            key = stored.key.encode()
            if key <= last:
                raise ArchiveError(f"{self.archive.place} does not list its objects in order")
            last = key
            yield stored

    def _judge_absent(self, known: KnownObject) -> None:
        """Adopted objects may lie outside the prefix that was listed, so the store is asked for each by itself."""
        stored = self.archive.head(known.key)
        if stored is None:
            self._fault(known, Fault.MISSING)
        else:
            self._judge(known, stored)

    def _judge(self, known: KnownObject, stored: Stored) -> None:
        if stored.size != known.size:
            self._fault(known, Fault.SIZE)
            return
        # A folder has no tags, and no other answer than its bytes.
        changed = bool(known.etag and stored.etag) and stored.etag != known.etag
        if not changed and self.chance() >= self.sample:
            return
        self.tally.read += 1
        try:
            sound = equals(self.archive, known.key, Digest(known.md5, known.sha256, known.size))
        except ObjectMissing:
            self._fault(known, Fault.MISSING)
            return
        if not sound:
            self._fault(known, Fault.DAMAGED)
        elif changed:
            self._tags.append((stored.etag, known.file_id))

    def _stranger(self, stored: Stored) -> None:
        self._strangers.append(stored)
        if len(self._strangers) == _PAGE:
            self._judge_strangers()

    def _judge_strangers(self) -> None:
        """What is claimed and not yet proven is ours as well."""
        strangers, self._strangers = self._strangers, []
        keys = [each.key for each in strangers if can_stand(each.key)]
        with self.store.reading() as tx:
            ours = archive_objects.known_keys(tx, self.archive.place, keys)
            missed = archive_objects.missed_objects(tx, self.archive.place, keys) if self.look_again else []
        there = {each.key: each for each in strangers}
        for each in strangers:
            if each.key not in ours:
                self.tally.strangers += 1
                self.tally.strange_bytes += each.size
                if len(self.tally.named) < _STRANGERS_NAMED:
                    self.tally.named.append(each)
        for known in missed:
            digest = Digest(known.md5, known.sha256, known.size)
            if there[known.key].size == known.size and equals(self.archive, known.key, digest):
                self.tally.back.append((known, there[known.key]))

    def _fault(self, known: KnownObject, fault: Fault) -> None:
        self.tally.faults.append(Found(known, fault))
        # Whoever asked for the check is told of each by its answer.
        log.info("archived_object_unsound", file_id=known.file_id, object=known.key, fault=fault)

    def _note(self) -> None:
        tags, self._tags = self._tags, []
        if tags:
            with self.store.writing() as tx:
                archive_objects.refresh_tags(tx, self.archive.place, tags, self.clock())
        self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self.progress(self.tally)
