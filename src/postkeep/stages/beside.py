"""Media files that a downloader left beside its records are taken in by content and not downloaded again."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from postkeep.errors import ParseError
from postkeep.log import get_logger
from postkeep.media.census import identify
from postkeep.model import CachedFile, Platform, RawRecord, SourceDone
from postkeep.platforms import recognise
from postkeep.sources.decode import decode
from postkeep.sources.reading import SourceEvent, read_sources
from postkeep.stages.fetch.keep import stands_in
from postkeep.stages.neighbours import (
    Neighbour,
    Subject,
    may_be_sidecar,
    neighbours,
    profile_pictures,
    subjects_of,
)
from postkeep.stages.parts import Parts
from postkeep.stages.taking import Sound, TakingIn, arrival
from postkeep.store import beside, caching, linking
from postkeep.store.media import Arrival
from postkeep.views import OnProgress, Progress, Stop

log = get_logger("beside")

_BATCH = 200
"""Sidecars that are looked at together: what they know is held, and their files are one transaction."""
_MOST_FILES = 200
_BATCH_BYTES = 256 * 1024**2
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is there and may be of one of these media rows; `size` in bytes."""

    path: Path
    size: int
    of: Neighbour


@dataclass(frozen=True, slots=True)
class _Match(Sound):
    """A file that is media, and the media row it belongs to."""

    media_id: str


class Beside:
    """Watches what an import reads, and takes in afterwards what lies beside it.

    Nothing is sent, and the files stay as they are. It may be broken off anywhere: an import of the same files
    goes on. `linked` counts the places that got their file. Close it to give up the list it keeps.
    """

    def __init__(self, parts: Parts, platforms: Sequence[Platform], run_id: str) -> None:
        self.parts, self.platforms = parts, platforms
        self.linked = 0
        self._seen = 0
        self._room = 0
        self._list: IO[bytes] | None = None
        self._taking = TakingIn(
            parts.store,
            parts.cache,
            ids=parts.ids,
            clock=parts.clock,
            run_id=run_id,
            changed=lambda path: _leave(path, "it changed while it was read"),
            only_whole=True,
        )

    def close(self) -> None:
        if self._list is not None:
            self._list.close()
            self._list = None

    def watching(self, events: Iterable[SourceEvent]) -> Iterator[SourceEvent]:
        """The events as they come; sources of one record that may be a sidecar are noted, in a file."""
        name = ""
        for event in events:
            if isinstance(event, RawRecord):
                place = event.place
                alone = place.number == 1 and may_be_sidecar(place.source, event.body)
                name = place.source if alone else ""
            elif isinstance(event, SourceDone) and event.records == 1 and name == event.source:
                self._note(name)
            yield event

    def take_in(self, *, stop: Stop, progress: OnProgress) -> None:
        """Take in what the noted sources have beside them; raises CacheError and StoreError."""
        if not self._seen:
            return
        with self.parts.store.reading() as tx:
            self._room = self.parts.config.cache.max_bytes - caching.cached_bytes(tx)
        noted, done = self._noted(), 0
        with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) + 1), thread_name_prefix="postkeep-beside") as pool:
            while not stop() and (batch := list(islice(noted, _BATCH))):
                self._batch(batch, pool, stop)
                done += len(batch)
                progress(Progress("adopting", done, self._seen, "records", f"{self.linked} files beside them"))

    def _note(self, source: str) -> None:
        if self._list is None:
            self._list = tempfile.TemporaryFile(prefix="postkeep-")  # noqa: SIM115  closed by close()
        self._list.write(orjson.dumps(source) + b"\n")
        self._seen += 1

    def _noted(self) -> Iterator[str]:
        if self._list is not None:
            self._list.seek(0)
            yield from map(orjson.loads, self._list)

    # --- one batch: what should be there, what is, what it is of ---

    def _batch(self, sources: Sequence[str], pool: Executor, stop: Stop) -> None:
        expected = [(Path(source).parent, each) for source in sources for each in self._expected(source)]
        rows = self._rows(subjects_of(each for _, each in expected))
        files: list[_File] = []
        size = 0
        for folder, neighbour in expected:
            if not any(subject in rows for subject, _ in neighbour.subjects):
                continue
            if (file := _there(folder, neighbour)) is None:
                continue
            files.append(file)
            size += file.size
            if len(files) >= _MOST_FILES or size >= _BATCH_BYTES:
                self._take(files, rows, pool)
                files, size = [], 0
                if stop():
                    return
        if files:
            self._take(files, rows, pool)

    def _expected(self, source: str) -> list[Neighbour]:
        record = _only_record(source, self.parts.clock)
        if record is None:
            return []
        try:
            value = decode(record.body).value
            platform = recognise(value, self.platforms)
            parsed = platform.parse(value)
        except ParseError:
            return []
        name = Path(source).name
        found = neighbours(name, platform.name, value, parsed)
        if not parsed.posts and not found:
            found = profile_pictures(name, platform.name, parsed, _names(Path(source).parent))
        return found

    def _rows(self, subjects: set[Subject]) -> dict[Subject, str]:
        """The media rows that still want their bytes."""
        found: dict[Subject, str] = {}
        for platform in {each.platform for each in subjects}:
            of_platform = [each for each in subjects if each.platform == platform]
            with self.parts.store.reading() as tx:
                rows = beside.wanting(tx, platform, {each.native_id for each in of_platform})
            for each in of_platform:
                row = rows.get((each.native_id, each.role, each.media_key, each.occurrence))
                if row is not None:
                    found[each] = row
        return found

    def _take(self, files: Sequence[_File], rows: Mapping[Subject, str], pool: Executor) -> None:
        taken: set[str] = set()
        matches: list[_Match] = []
        for file, sound in zip(files, pool.map(self._look, files), strict=True):
            if sound is None:
                continue
            fitting = [rows[each] for each in file.of.of_type(sound.kind.media_type) if each in rows]
            media_id = next((each for each in fitting if each not in taken), None)
            if media_id is None:
                if not fitting:
                    _leave(file.path, f"{sound.kind.mime_type} is not what its record says")
                continue
            taken.add(media_id)
            matches.append(_Match(sound.path, sound.identity, sound.digest, sound.kind, media_id))
        if not matches:
            return
        with self.parts.store.reading() as tx:
            here = self._taking.present(tx, matches)
        _, arrivals = self._taking.keep(
            self._new(matches, here), pool, lambda tx, kept: _links(tx, matches, here, kept)
        )
        self.linked += len(arrivals)

    def _look(self, file: _File) -> Sound | None:
        if file.size > self.parts.config.fetch.max_bytes:
            _leave(file.path, "it is larger than fetch.max_bytes")
            return None
        try:
            identity = identify(file.path, only_media=True)
        except OSError as error:
            _leave(file.path, error.strerror or "it cannot be read")
            return None
        if identity.kind is None or identity.digest is None:
            _leave(file.path, f"it is no media but {identity.found}")
            return None
        reason = stands_in(
            identity.kind, identity.digest, identity.dimensions, self.parts.config.fetch.placeholders
        )
        if reason is not None:
            _leave(file.path, reason)
            return None
        return Sound(file.path, identity, identity.digest, identity.kind)

    def _new(self, matches: Sequence[_Match], here: Mapping[str, CachedFile]) -> list[Sound]:
        """The contents to copy, as far as there is room; the rest is left to the fetch, which may make some."""
        new: dict[str, Sound] = {}
        for each in matches:
            sha256, size = each.digest.sha256, each.digest.size
            if sha256 in here or sha256 in new:
                continue
            if size > self._room:
                _leave(each.path, "the cache has no room for it")
                continue
            self._room -= size
            new[sha256] = each
        return list(new.values())


def _links(
    tx: Connection,
    matches: Sequence[_Match],
    here: Mapping[str, CachedFile],
    kept: Mapping[str, CachedFile],
) -> list[Arrival]:
    places = linking.places(tx, {each.media_id for each in matches})
    found = []
    for each in matches:
        sha256 = each.digest.sha256
        file, place = kept.get(sha256) or here.get(sha256), places.get(each.media_id)
        if file is not None and place is not None:
            # A place that knows its content gets that back and no other.
            gets = arrival(place, file, fresh=True)
            if gets is not None:
                found.append(gets)
    return found


def _only_record(source: str, clock: Callable[[], datetime]) -> RawRecord | None:
    events = list(islice(read_sources([source], zone=_UTC, now=clock), 3))
    match events:
        case [RawRecord() as record, SourceDone(records=1)]:
            return record
    return None


def _there(folder: Path, neighbour: Neighbour) -> _File | None:
    path = folder / neighbour.name
    try:
        state = path.lstat()
    except (OSError, ValueError):
        return None
    return _File(path, state.st_size, neighbour) if stat.S_ISREG(state.st_mode) else None


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return []


def _leave(path: Path, reason: str) -> None:
    log.info("neighbour_left", path=ascii(str(path)), reason=reason)
