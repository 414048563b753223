"""Brings back from the archive what would else be asked of strangers: what was here, and is proven to be there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime

from postkeep.archive import open_archive
from postkeep.archive.counting import counted
from postkeep.archive.port import Archive
from postkeep.errors import ArchiveError, ConfigError, ExtraMissing, PostkeepError
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.stages.archive.restoring import Restoring
from postkeep.stages.archive.same import must_be_the_same
from postkeep.stages.costs import enter_asked
from postkeep.stages.parts import Parts
from postkeep.store import Store, archive_objects
from postkeep.store.archive_objects import KnownObject

log = get_logger("archive")

_BATCH = 32
_BATCH_BYTES = 32 * 1024 * 1024
_TICK_SECONDS = 0.05


class Returning:
    """The way back of one run or command; safe to share between threads.

    The archive is opened when a content is wanted that some archive was proven to hold. One that cannot be opened
    or does not answer is not asked again, and that is said once: sources have to do then.
    `asked` hears of the archive after each batch, for its requests are paid for.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        opening: Callable[[], Archive],
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
        stop: Callable[[], bool] = lambda: False,
        asked: Callable[[Archive], None] = lambda archive: None,
    ) -> None:
        self.store, self.cache, self.ids, self.clock, self.stop = store, cache, ids, clock, stop
        self._asked = asked
        self._opening = opening
        self._archive: Archive | None = None
        self._away = False
        self._lock = threading.Lock()

    def bring(
        self,
        file_ids: Iterable[str],
        *,
        room: Callable[[int], None],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Restore those of these contents that the active archive was proven to hold; returns how many came.

        `room` is asked for the bytes of each batch first, `meanwhile` called often while one is on its way. What
        the archive has no more is no longer said to be there. Raises CacheError when the cache takes no more.
        """
        archive = self._open()
        if archive is None:
            return 0
        with self.store.reading() as tx:
            objects = archive_objects.proven_objects(tx, archive.place, file_ids)
        stage = Restoring(self.store, self.cache, archive, ids=self.ids, clock=self.clock)
        with ThreadPoolExecutor(1, thread_name_prefix="postkeep-return") as pool:
            for batch in _batches(objects):
                if self.stop():
                    break
                room(sum(each.size for each in batch))
                # In the context of the run, whose id the log says.
                coming = pool.submit(copy_context().run, stage.bring, batch)
                while not coming.done():
                    wait([coming], timeout=_TICK_SECONDS)
                    meanwhile()
                try:
                    coming.result()
                except ArchiveError as error:
                    self._give_up(error)
                    break
                finally:
                    self._asked(archive)
        return stage.tally.restored

    def _open(self) -> Archive | None:
        problem: PostkeepError | None = None
        with self._lock:
            if self._archive is None and not self._away:
                try:
                    archive = self._opening()
                    must_be_the_same(self.store, archive)
                    self._archive = archive
                except (ArchiveError, ConfigError, ExtraMissing) as error:
                    problem = error
        if problem is not None:
            self._give_up(problem)
        return None if self._away else self._archive

    def _give_up(self, error: PostkeepError) -> None:
        with self._lock:
            said, self._away = self._away, True
        if not said:
            told = f"the archive is not asked for what is archived, the sources are: {error.message}"
            log.warning("archive_not_asked", told=told)


def returning_for(parts: Parts, *, stop: Callable[[], bool] = lambda: False) -> Returning | None:
    """The way back from the archive that is set up; None when none is."""
    try:
        if parts.config.archive.active is None:
            return None
    except ConfigError:
        # Said, with what is wrong, when something is wanted from there.
        pass

    def opening() -> Archive:
        return counted(open_archive(parts.config.archive))

    def asked(archive: Archive) -> None:
        enter_asked(parts, counted(archive))

    return Returning(parts.store, parts.cache, opening, ids=parts.ids, clock=parts.clock, stop=stop, asked=asked)


def _batches(objects: Sequence[KnownObject]) -> Iterator[list[KnownObject]]:
    batch: list[KnownObject] = []
    size = 0
    for each in objects:
        if batch and (len(batch) == _BATCH or size + each.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size
    if batch:
        yield batch
