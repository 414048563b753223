"""An archive in a folder, such as another disk: the same keys as files, written so that a power cut loses none.

Below the folder no link is followed, wherever it leads: one in the place of an object could be the very file of
which the archive is to be the second copy.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from postkeep.archive.names import UNDER_WAY, can_stand
from postkeep.archive.port import SetUpStep, Stored
from postkeep.errors import ArchiveDenied, ArchiveError, ArchiveUnavailable, ObjectMissing

_STEP = 1024 * 1024
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# What is said where something stands that is no file of ours: a link, a file in the place of a folder.
_SOMETHING_ELSE = frozenset({errno.ENOTDIR, errno.ELOOP, errno.EISDIR})
_ABSENT = frozenset({errno.ENOENT, errno.ENAMETOOLONG, errno.ENXIO}) | _SOMETHING_ELSE
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


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
        with self._speaking(key), self._object(key) as (stored, _), open(stored, "rb", closefd=False) as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        self._write(key, parts)
        return ""

    def head(self, key: str) -> Stored | None:
        with self._speaking(key):
            try:
                with self._object(key) as (_, size):
                    return Stored(key, size)
            except ObjectMissing:
                return None

    def read(self, key: str) -> Iterator[memoryview]:
        with self._speaking(key), self._object(key) as (stored, _):
            while piece := os.read(stored, _STEP):
                yield memoryview(piece)

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        self._must_be_there()
        with self._speaking(prefix):
            try:
                folder = self._folder_of(prefix.split("/") if prefix else [])
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                return
            try:
                yield from _below(folder, f"{prefix}/" if prefix else "", after)
            finally:
                os.close(folder)

    def delete(self, key: str) -> None:
        if not can_stand(key):
            return
        with self._speaking(key):
            *folders, name = key.split("/")
            try:
                with _open(self._folder_of(folders)) as folder:
                    os.unlink(name, dir_fd=folder)
                    os.fsync(folder)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                self._must_be_there()

    def sweep(self, before: datetime) -> int:
        self._must_be_there()
        swept = 0
        with self._speaking(""):
            try:
                folder = self._folder_of([UNDER_WAY])
            except FileNotFoundError:
                return 0
            with _open(folder), os.scandir(folder) as found:
                for each in found:
                    with contextlib.suppress(FileNotFoundError):
                        if each.stat(follow_symlinks=False).st_mtime < before.timestamp():
                            os.unlink(each.name, dir_fd=folder)
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

    def _folder_of(self, names: list[str], *, made: bool = False) -> int:
        """Open a folder below ours without following links; with `made`, what is missing is made, and durable."""
        folder = os.open(self._folder, _FOLDER)
        for name in names:
            with _open(folder):
                if made:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=folder)
                        os.fsync(folder)
                folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        return folder

    @contextlib.contextmanager
    def _object(self, key: str) -> Iterator[tuple[int, int]]:
        """An object, open for reading, and its size; whatever else stands there is none."""
        *folders, name = key.split("/")
        try:
            if not can_stand(key):
                raise FileNotFoundError
            with _open(self._folder_of(folders)) as folder:
                stored = os.open(name, _READ, dir_fd=folder)
        except OSError as error:
            if error.errno not in {None, *_ABSENT}:
                raise
            self._must_be_there()
            raise ObjectMissing(f"{self.place}/{key!r}") from None
        with _open(stored):
            found = os.fstat(stored)
            if not stat.S_ISREG(found.st_mode):
                raise ObjectMissing(self.url(key))
            yield stored, found.st_size

    def _write(self, key: str, pieces: Iterator[bytes]) -> None:
        """Write apart, bring to the disk, give the name."""
        self._must_be_there()
        if not can_stand(key):
            raise ArchiveError(f"the archive {self._folder}: {key!r} is no key an object can have")
        *folders, name = key.split("/")
        with (
            self._speaking(key),
            _open(self._folder_of(folders, made=True)) as target,
            _open(self._folder_of([UNDER_WAY], made=True)) as apart,
        ):
            while_written = secrets.token_hex(8)
            try:
                with _open(os.open(while_written, _NEW, 0o600, dir_fd=apart)) as file:
                    for piece in pieces:
                        _write_all(file, piece)
                    os.fsync(file)
                os.replace(while_written, name, src_dir_fd=apart, dst_dir_fd=target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(while_written, dir_fd=apart)
                raise
            os.fsync(target)

    def _must_be_there(self) -> None:
        if not self._folder.is_dir():
            raise ArchiveUnavailable(
                f"the archive's folder {self._folder} is not there:"
                " mount it, or make it with `postkeep archive setup`"
            )

    @contextlib.contextmanager
    def _speaking(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = f"the archive {self._folder}"
            if error.errno in _SOMETHING_ELSE:
                told = f"{where}: a link or a file stands in the place of a folder of {key or UNDER_WAY}"
                raise ArchiveError(told) from error
            told = f"{where} refused {key or 'a listing'}: {error.strerror or error}"
            raise (ArchiveDenied if error.errno in _DENIED else ArchiveUnavailable)(told) from error


@contextlib.contextmanager
def _open(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _below(folder: int, before: str, after: str) -> Iterator[Stored]:
    """The files below an open folder in the order of their keys, which begin with `before`."""
    with os.scandir(folder) as found:
        entries = sorted(
            ((_readable(each.name) + "/" * each.is_dir(follow_symlinks=False), each) for each in found),
            key=_first,
        )
    for name, entry in entries:
        key = before + name
        if entry.name == UNDER_WAY:
            continue
        if name.endswith("/"):
            try:
                inner = os.open(entry.name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                continue
            with _open(inner):
                yield from _below(inner, key, after)
        elif key > after and entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):
                yield Stored(key, entry.stat(follow_symlinks=False).st_size)


def _first(pair: tuple[str, object]) -> str:
    return pair[0]


def _readable(name: str) -> str:
    """A name as text; a stranger's bytes that are none are spelled out."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
