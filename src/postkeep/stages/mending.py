"""Sets files in the cache right whose names or rows are not what their content is, and notes what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from postkeep.errors import FileMissing, NotMedia
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.media.census import right_paths
from postkeep.model import CachedFile, MediaType
from postkeep.stages.settling import put_aside
from postkeep.stages.verify_tally import VerifyTally
from postkeep.store import Store, caching, proving
from postkeep.store.proving import Kept
from postkeep.views import Finding

log = get_logger("mending")


def paths_of(row: Kept) -> tuple[str, ...]:
    """Where a row's content may stand in the cache, the usual name first."""
    return right_paths(MediaType(row.media_type), row.extension, row.md5_sum, row.sha256)


class Mender:
    """What may be done to single files; nobody else puts files into the cache while it is done."""

    def __init__(
        self,
        store: Store,
        cache: Cache,
        tally: VerifyTally,
        *,
        ids: IdFactory,
        clock: Callable[[], datetime],
    ) -> None:
        self.store, self.cache, self.tally, self.ids, self.clock = store, cache, tally, ids, clock

    def note_misnamed(self, path: str, right: str) -> None:
        """Tell that a file stands under another name than its content's."""
        self.tally.misnamed.append(Finding(path, "the name is not what the content is", right, path))

    def note_collision(self, path: str, expected: str | None, found: str) -> None:
        """Tell that two contents (by their SHA-256) have one MD5."""
        log.info("md5_collision", path=path, expected=expected, found=found)
        self.tally.collisions.append(Finding(path, "another content has the same MD5", expected or "", found))

    def adopt(self, files: Sequence[CachedFile]) -> None:
        """Let the rows say that these contents are in the cache, where they stand."""
        if files:
            with self.store.writing() as tx:
                caching.keep_files(tx, files, ids=self.ids, now=self.clock())
            self.tally.adopted += len(files)
            log.info("orphans_adopted", files=len(files))

    def rename(self, path: str) -> None:
        """Move a file to its content's name, where other content makes way to quarantine if it is damaged.

        The row is corrected before the old name goes.
        """
        with self.cache.alone():
            try:
                staged = self.cache.take_in(self.cache.absolute(path))
            except (FileMissing, NotMedia):
                return
            file = self.cache.commit(staged).file
            if file.path == path:
                return
            self.cache.sync_directories()
            with self.store.writing() as tx:
                caching.keep_files(tx, [file], ids=self.ids, now=self.clock())
                proving.correct_kind(tx, [file], self.clock())
            self.cache.remove(path)
        self.tally.moved += 1
        log.info("file_renamed", path=path, to=file.path)

    def remove(self, path: str) -> None:
        """Remove a file that no row counts on: its content was evicted, or stands under its right name, too."""
        self.cache.remove(path)
        self.tally.removed += 1
        log.info("orphan_removed", path=path)

    def set_aside(self, path: str) -> None:
        """Move a damaged file that no row counts on to quarantine."""
        put_aside(self.cache, path, told=False)
        self.tally.quarantined += 1
