"""Removes the bytes of what was erased: rows went first and left work, which any later run can end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from postkeep.archive import open_archive
from postkeep.archive.counting import counted
from postkeep.archive.names import key_in
from postkeep.archive.port import Archive
from postkeep.errors import ArchiveError, ConfigError, ExtraMissing, FileMissing
from postkeep.log import get_logger
from postkeep.media.disk import speaking
from postkeep.points import passing
from postkeep.stages.archive.same import must_be_the_same
from postkeep.stages.costs import accounted
from postkeep.stages.parts import Parts
from postkeep.store import archive_objects, proving, removing
from postkeep.store.removing import CACHE, NAMED, Removal
from postkeep.views import Stop
from postkeep.views.erasing import Removals

log = get_logger("erasing")

_PAGE = 200


@dataclass(slots=True)
class Removing:
    """One pass over what is to be removed; idempotent, and what fails stays queued."""

    parts: Parts
    stop: Stop = lambda: False
    files: int = 0
    objects: int = 0
    waiting_for: str | None = None

    def run(self) -> Removals:
        """Remove files, then objects; raises CacheError when the cache is not there."""
        with self.parts.store.reading() as tx:
            files, objects = removing.waiting(tx)
        if files:
            self.files = remove_files(self.parts, stop=self.stop)
        if objects and not self.stop():
            self._objects()
        with self.parts.store.reading() as tx:
            files, objects = removing.waiting(tx)
        return Removals(self.files, self.objects, files, objects, self.waiting_for if objects else None)

    def _objects(self) -> None:
        try:
            archive = open_archive(self.parts.config.archive)
            must_be_the_same(self.parts.store, archive)
        except (ConfigError, ExtraMissing, ArchiveError) as error:
            self.waiting_for = error.message
            return
        with accounted(self.parts, counted(archive)) as asked:
            try:
                self._of_store(asked)
                self._by_name(asked)
            except ArchiveError as error:
                self.waiting_for = error.message
                log.warning("objects_not_removed", reason=error.message)
                return
        self.waiting_for = f"they are not in {archive.place}, the archive that is set up"

    def _of_store(self, archive: Archive) -> None:
        last = ""
        while not self.stop():
            with self.parts.store.reading() as tx:
                page = removing.page(tx, archive.place, after=last, limit=_PAGE)
                kept = archive_objects.known_keys(tx, archive.place, [each.key for each in page])
                kept_names = removing.named(tx, [archive.url(each.key) for each in page])
            if not page:
                return
            last = page[-1].subject
            for each in page:
                if each.key not in kept and archive.url(each.key) not in kept_names:
                    self._delete(archive, each.key)
            self._settle(page)

    def _by_name(self, archive: Archive) -> None:
        last = ""
        while not self.stop():
            with self.parts.store.reading() as tx:
                page = removing.page(tx, NAMED, after=last, limit=_PAGE)
                keys = {each: key_in(each.subject, archive.place) for each in page}
                kept = archive_objects.known_keys(tx, archive.place, [key for key in keys.values() if key])
                kept_names = removing.named(tx, [each.subject for each in page])
            if not page:
                return
            last = page[-1].subject
            ours = [(each, key) for each, key in keys.items() if key is not None]
            for each, key in ours:
                if key not in kept and each.subject not in kept_names:
                    self._delete(archive, key)
            self._settle([each for each, _ in ours])

    def _delete(self, archive: Archive, key: str) -> None:
        archive.delete(key)
        self.objects += 1
        log.info("object_removed", object=key, place=archive.place)
        passing("bytes_removed")

    def _settle(self, removals: list[Removal]) -> None:
        with self.parts.store.writing() as tx:
            removing.done(tx, removals)
        passing("removals_settled")


def remove_files(parts: Parts, *, stop: Stop = lambda: False) -> int:
    """Remove the cache's files that are queued, but for what came back since; returns how many there were.

    With the cache to ourselves. Raises CacheError; costs one look when there is nothing.
    """
    removed, last = 0, ""
    while not stop():
        with parts.store.reading() as tx:
            page = removing.page(tx, CACHE, after=last, limit=_PAGE)
        if not page:
            return removed
        last = page[-1].subject
        with parts.cache.alone():
            with parts.store.reading() as tx:
                md5s = {PurePosixPath(each.subject).name[:32] for each in page}
                back = proving.paths_by_md5(tx, md5s)
                known = proving.by_hash(tx, md5=md5s, sha256=set())
            for each in page:
                if each.subject not in back:
                    removed += _remove(parts, each.subject)
            for md5 in md5s - {row.md5_sum for row in known}:
                _remove_set_aside(parts, md5)
            parts.cache.sync_directories()
        with parts.store.writing() as tx:
            removing.done(tx, page)
        passing("removals_settled")
    return removed


def _remove(parts: Parts, path: str) -> bool:
    try:
        there = parts.cache.remove(path)
    except FileMissing as error:
        # A row with a path that is none of ours must not stand in the way of all others for good.
        log.error("file_not_removed", path=path, reason=error.message)
        return False
    passing("bytes_removed")
    if there:
        log.info("file_removed", because="erased", path=path)
    return there


def _remove_set_aside(parts: Parts, md5: str) -> None:
    """Remove damaged copies that lie in quarantine: they hold most of the same bytes."""
    folder = parts.cache.root / "quarantine"
    with speaking("removing a file", folder):
        for path in folder.glob(f"{md5}*"):
            path.unlink(missing_ok=True)
