"""Beginnings of large bodies, kept from one run to the next: what broke off need not be asked for twice.

A note in JSON names the file it speaks of, and both have names of their own, so that a note never stands beside
other bytes, whatever a crash leaves. A beginning that is lost costs a longer download, so it is never an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from postkeep.media.disk import PRIVATE_FILE, REAL, Disk, discard, open_regular, speaking, write_new
from postkeep.model import Partial

_MAX_NOTE = 64 * 1024
_NAME = re.compile(r"([0-9a-f]{64})(?:\.json|-[0-9a-f]{16}\.part)")


class _Note(msgspec.Struct, frozen=True):
    file: str
    size: int
    total: int | None
    etag: str | None
    last_modified: str | None


class Partials:
    """The beginnings below `{root}/partial`; making the object touches nothing.

    Keys may be any text: names are their SHA-256. Several processes may share a root; who comes second to a
    beginning finds none.
    """

    def __init__(self, root: Path, *, disk: Disk = REAL) -> None:
        self.folder = root.absolute() / "partial"
        self._disk = disk

    def put(self, key: str, partial: Partial) -> bool:
        """Keep a beginning; its file is gone from where it was afterwards, kept or not.

        It is not kept when a larger one with the same validators is here, when it is not as it says, or when
        the disk refuses: never raises for that.
        """
        try:
            return self._put(_hashed(key), partial)
        except OSError:
            return False
        finally:
            discard(partial.path, self._disk)

    def get(self, key: str, spool: Callable[[], Path]) -> Partial | None:
        """Hand out a beginning, moved to a path from `spool`: it is the receiver's now and no longer here.

        None when there is none, or what is here is not as its note says (it is removed then). Never raises for
        a disk that refuses.
        """
        name = _hashed(key)
        note = self._note(name)
        if note is None:
            return None
        path = spool()
        try:
            self._disk.rename(self._path(note.file), str(path))
            discard(self._path(f"{name}.json"), self._disk)
            if not _is_file_of(path, note.size):
                discard(path, self._disk)
                return None
        except OSError:
            self.drop(key)
            return None
        return Partial(path, note.size, note.total, note.etag, note.last_modified)

    def drop(self, key: str) -> None:
        """Forget a beginning; idempotent."""
        name = _hashed(key)
        note = self._note(name)
        discard(self._path(f"{name}.json"), self._disk)
        if note is not None:
            discard(self._path(note.file), self._disk)

    def sweep(self, older_than: timedelta, now: datetime, *, keep_bytes: int) -> int:
        """Remove beginnings of that age, then the oldest until all fit into `keep_bytes`; returns how many.

        Files without a note and notes without a file go as well, uncounted. Raises CacheError when the folder
        cannot be listed.
        """
        files = {path.name: state for path, state in self._files()}
        kept: list[tuple[float, str, _Note]] = []
        for name in [name for name in files if name.endswith(".json")]:
            note = self._note(name.removesuffix(".json"))
            if note is not None and note.file in files:
                kept.append((files[name].st_mtime, name, note))
                del files[name], files[note.file]
        for stray in files:
            discard(self._path(stray), self._disk)
        kept.sort(reverse=True)
        oldest, room, removed = (now - older_than).timestamp(), keep_bytes, 0
        for noted, name, note in kept:
            room -= note.size
            if noted <= oldest or room < 0:
                room += note.size
                discard(self._path(name), self._disk)
                discard(self._path(note.file), self._disk)
                removed += 1
        return removed

    def size(self) -> int:
        """Bytes of all beginnings; raises CacheError when the folder cannot be listed."""
        return sum(state.st_size for path, state in self._files() if path.suffix == ".part")

    def _put(self, name: str, partial: Partial) -> bool:
        if not (partial.etag or partial.last_modified) or not _is_file_of(partial.path, partial.size):
            return False
        older = self._note(name)
        if older is not None:
            same = (older.etag, older.last_modified) == (partial.etag, partial.last_modified)
            # One that the source has replaced meanwhile can never be gone on with.
            if same and older.size >= partial.size and _is_file_of(Path(self._path(older.file)), older.size):
                return False
        with contextlib.suppress(FileExistsError):
            self._disk.make_folder(str(self.folder))
        self._restrict(partial.path)
        self._disk.sync_file(str(partial.path))
        note = _Note(
            f"{name}-{secrets.token_hex(8)}.part",
            partial.size,
            partial.total,
            partial.etag,
            partial.last_modified,
        )
        self._disk.rename(str(partial.path), self._path(note.file))
        try:
            self._write(name, note)
        except BaseException:
            discard(self._path(note.file), self._disk)
            raise
        if older is not None:
            discard(self._path(older.file), self._disk)
        return True

    def _restrict(self, path: Path) -> None:
        descriptor = open_regular(path)
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != PRIVATE_FILE:
                self._disk.restrict(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, name: str, note: _Note) -> None:
        fresh = self._path(f"{name}.{secrets.token_hex(8)}.new")
        write_new(fresh, msgspec.json.encode(note), self._disk)
        try:
            self._disk.sync_file(fresh)
            self._disk.rename(fresh, self._path(f"{name}.json"))
        except BaseException:
            discard(fresh, self._disk)
            raise
        # Without it a power cut costs the beginning, which is no error.
        with contextlib.suppress(OSError):
            self._disk.sync_folder(str(self.folder))

    def _note(self, name: str) -> _Note | None:
        """The note of a key's hash; None where there is none, or none that can be believed."""
        try:
            descriptor = open_regular(self._path(f"{name}.json"))
            with open(descriptor, "rb") as file:  # noqa: PTH123
                raw = file.read(_MAX_NOTE + 1)
            note = msgspec.json.decode(raw[:_MAX_NOTE], type=_Note)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        named = _NAME.fullmatch(note.file)
        sound = named is not None and named.group(1) == name and note.file.endswith(".part")
        whole = note.total is None or note.total >= note.size
        return note if sound and whole and note.size > 0 and (note.etag or note.last_modified) else None

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        with speaking("listing what broke off", self.folder):
            try:
                entries = list(os.scandir(self.folder))
            except FileNotFoundError:
                return
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    state = entry.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(state.st_mode):
                        yield Path(entry.path), state

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}"


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _is_file_of(path: Path, size: int) -> bool:
    try:
        state = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(state.st_mode) and state.st_size == size
