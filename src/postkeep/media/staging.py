"""Brings bytes under a temporary name: recognised, hashed and measured before anything relies on them."""

from __future__ import annotations

import io
import itertools
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from postkeep.errors import CacheError, FileMissing, NotMedia
from postkeep.media.disk import ABSENT, PRIVATE_FILE, Disk, discard, open_regular, refusal, write_all, write_new
from postkeep.media.folders import Folders
from postkeep.media.hashing import Hasher, digest_content, digest_open, pieces
from postkeep.media.measure import measure
from postkeep.media.owner import OwnFolder
from postkeep.media.sniff import SNIFF_BYTES, sniff
from postkeep.media.staged import Staged
from postkeep.media.syncing import Syncing
from postkeep.media.whole import is_whole
from postkeep.model import Digest, Dimensions, Kind

_PREFIX = secrets.token_hex(8)
_numbers = itertools.count(1)


class Staging:
    """Temporary files of this process below one root; safe to share between threads. Raises OSError."""

    def __init__(self, folders: Folders, syncing: Syncing, disk: Disk) -> None:
        self._folders = folders
        self._syncing = syncing
        self._disk = disk
        self._own = OwnFolder(folders.root / "tmp", disk)

    def close(self) -> None:
        self._own.close()

    def path(self, *, again: bool = False) -> str:
        """A fresh path in this process's folder; `again` looks whether the folder is still there."""
        if again:
            self._folders.again("tmp")
        else:
            self._folders.need("tmp")
        return f"{self._own.path(again=again)}/{_PREFIX}-{next(_numbers):x}"

    def content(self, content: bytes) -> Staged:
        """Stage bytes in memory; raises NotMedia, too."""
        kind = sniff(content)
        opened = io.BytesIO(content)
        dimensions = measure(opened, kind, len(content))
        whole = is_whole(opened, kind, len(content))
        digest = digest_content(content)
        return Staged(Path(self._written(content)), digest, kind, dimensions, whole)

    def file(self, path: Path, digest: Digest | None) -> Staged:
        """Stage a temporary file, whose digest is believed; raises NotMedia or CacheError, too."""
        try:
            with path.open("rb", buffering=0) as file:
                kind = sniff(file.read(SNIFF_BYTES))
                digest = digest or digest_open(file.fileno())
                state = os.fstat(file.fileno())
                if state.st_size != digest.size:
                    raise CacheError(f"{path} holds {state.st_size} bytes where {digest.size} were written")
                self._restrict(file.fileno(), state)
                dimensions = measure(file, kind, digest.size)
                staged = Staged(path, digest, kind, dimensions, is_whole(file, kind, digest.size))
            self._syncing.wrote(str(path))
        except BaseException:
            discard(path, self._disk)
            raise
        return staged

    def known(self, path: Path, digest: Digest, kind: Kind) -> Staged:
        """Stage a temporary file whose content was hashed on its way, and recognised and measured long before."""
        try:
            with path.open("rb", buffering=0) as file:
                self._restrict(file.fileno(), os.fstat(file.fileno()))
            self._syncing.wrote(str(path))
        except BaseException:
            discard(path, self._disk)
            raise
        return Staged(path, digest, kind, Dimensions(None, None))

    def _restrict(self, descriptor: int, state: os.stat_result) -> None:
        if stat.S_IMODE(state.st_mode) != PRIVATE_FILE:
            self._disk.restrict(descriptor)

    def copy(self, source: Path, most: int | None) -> Staged:
        """Stage a copy of a foreign file; raises FileMissing, NotMedia or CacheError, too."""
        descriptor = _open_foreign(source)
        try:
            temp = self.path(again=True)
            try:
                kind, digest = self._copied(descriptor, source, temp, most)
                with open(temp, "rb", buffering=0) as file:  # noqa: PTH123
                    dimensions = measure(file, kind, digest.size)
                    whole = is_whole(file, kind, digest.size)
                self._syncing.wrote(temp)
            except BaseException:
                discard(temp, self._disk)
                raise
        finally:
            os.close(descriptor)
        return Staged(Path(temp), digest, kind, dimensions, whole)

    def discard(self, path: Path) -> None:
        """Remove a temporary file where that is possible."""
        discard(path, self._disk)
        self._syncing.forget(str(path))

    def _copied(self, descriptor: int, source: Path, temp: str, most: int | None) -> tuple[Kind, Digest]:
        hasher, kind, target = Hasher(), None, -1
        try:
            for piece in _read(descriptor, source):
                if kind is None:
                    kind = sniff(bytes(piece[:SNIFF_BYTES]))
                    target = self._disk.create(temp)
                hasher.update(piece)
                if most is not None and hasher.size > most:
                    raise NotMedia(f"a file of more than {most:,} bytes")
                write_all(target, piece, self._disk)
        finally:
            if target >= 0:
                os.close(target)
        return kind or sniff(b""), hasher.digest()

    def _written(self, content: bytes) -> str:
        temp = self.path()
        try:
            write_new(temp, content, self._disk)
        except FileNotFoundError:
            # Somebody cleared our folder away.
            temp = self.path(again=True)
            write_new(temp, content, self._disk)
        try:
            self._syncing.wrote(temp)
        except BaseException:
            discard(temp, self._disk)
            raise
        return temp


def _open_foreign(source: Path) -> int:
    try:
        descriptor = open_regular(source)
    except OSError as error:
        if error.errno in ABSENT:
            raise FileMissing(ascii(str(source)), "There is no such file:") from error
        raise refusal("reading a file", source, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileMissing(ascii(str(source)), "This is not a regular file:")
    return descriptor


def _read(descriptor: int, source: Path) -> Iterator[memoryview]:
    try:
        yield from pieces(descriptor)
    except OSError as error:
        raise refusal("reading a file", source, error) from error
