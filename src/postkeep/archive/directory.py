"""An archive in a folder, such as another disk: the same keys as files, written so that a power cut loses none."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from postkeep.archive.port import SetUpStep, Stored
from postkeep.errors import ArchiveDenied, ArchiveUnavailable, ObjectMissing

_STEP = 1024 * 1024
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ELOOP})
# Uploads under way have a folder of their own, so that what broke off is found without a walk over all objects.
_UNDER_WAY = ".under-way"


class DirectoryArchive:
    """Objects as files below one folder, which must exist: an unmounted disk is not an empty archive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        return self._folder.as_uri()

    @property
    def address(self) -> str:
        return ""

    def url(self, key: str) -> str:
        return (self._folder / key).as_uri()

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        self._write(key, iter((content,)))
        with self._speaking(key), self._path(key).open("rb") as stored:
            return hashlib.file_digest(stored, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        self._write(key, parts)
        return ""

    def head(self, key: str) -> Stored | None:
        with self._speaking(key):
            try:
                return Stored(key, self._path(key).stat().st_size)
            except FileNotFoundError:
                self._must_be_there()
                return None

    def read(self, key: str) -> Iterator[memoryview]:
        with self._speaking(key):
            try:
                file = self._path(key).open("rb", buffering=0)
            except FileNotFoundError:
                self._must_be_there()
                raise ObjectMissing(self.url(key)) from None
            with file:
                while piece := file.read(_STEP):
                    yield memoryview(piece)

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        self._must_be_there()
        with self._speaking(prefix):
            yield from self._below(self._path(prefix) if prefix else self._folder, after)

    def delete(self, key: str) -> None:
        with self._speaking(key):
            try:
                self._path(key).unlink()
            except FileNotFoundError:
                self._must_be_there()
            else:
                _sync_folder(self._path(key).parent)

    def sweep(self, before: datetime) -> int:
        self._must_be_there()
        swept = 0
        with self._speaking(""):
            for path in (self._folder / _UNDER_WAY).glob("*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_mtime < before.timestamp():
                        path.unlink()
                        swept += 1
        return swept

    def set_up(self, prefix: str) -> list[SetUpStep]:
        made = not self._folder.is_dir()
        with self._speaking(""):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            open_to_others = self._folder.stat().st_mode & 0o077
        return [
            SetUpStep(
                "folder", "exists, or is made now", done=True, note="it was made" if made else "it is there"
            ),
            SetUpStep(
                "private",
                "readable by its user only",
                done=not open_to_others,
                note="others may look in: chmod 700" if open_to_others else "nobody else may look in",
            ),
        ]

    def link(self, key: str, seconds: int) -> str:
        return self.url(key)

    def _below(self, folder: Path, after: str) -> Iterator[Stored]:
        try:
            entries = sorted(os.scandir(folder), key=lambda each: each.name + "/" * each.is_dir())
        except FileNotFoundError:
            return
        for entry in entries:
            if entry.name == _UNDER_WAY:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(Path(entry.path), after)
            elif entry.is_file(follow_symlinks=False):
                key = Path(entry.path).relative_to(self._folder).as_posix()
                if key > after:
                    yield Stored(key, entry.stat(follow_symlinks=False).st_size)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if {"", ".", "..", _UNDER_WAY} & {*parts} or "\0" in key:
            raise ArchiveDenied(f"{key!r} is no key of an archive")
        return self._folder.joinpath(*parts)

    def _write(self, key: str, pieces: Iterator[bytes]) -> None:
        """Write apart, bring to the disk, give the name."""
        self._must_be_there()
        target = self._path(key)
        with self._speaking(key):
            made = _make_folders(target.parent, self._folder)
            apart = self._folder / _UNDER_WAY / secrets.token_hex(8)
            apart.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                with apart.open("xb", buffering=0) as file:
                    for piece in pieces:
                        _write_all(file.fileno(), piece)
                    os.fsync(file.fileno())
                apart.replace(target)
            except BaseException:
                with contextlib.suppress(OSError):
                    apart.unlink()
                raise
            for folder in (target.parent, *made):
                _sync_folder(folder)

    def _must_be_there(self) -> None:
        if not self._folder.is_dir():
            raise ArchiveUnavailable(f"the archive's folder {self._folder} is not there: mount or make it first")

    @contextlib.contextmanager
    def _speaking(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            told = f"the archive {self._folder} refused {key or 'a listing'}: {error.strerror or error}"
            raise (ArchiveDenied if error.errno in _DENIED else ArchiveUnavailable)(told) from error


def _make_folders(folder: Path, root: Path) -> list[Path]:
    """Make what is missing between root and folder; returns the folders in which something is new."""
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    return [each.parent for each in missing]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
