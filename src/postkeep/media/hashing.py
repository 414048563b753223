"""MD5 names a file and SHA-256 identifies it: both are taken in one pass over the bytes."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable
from pathlib import Path

from postkeep.model import Digest

_STEP = 1024 * 1024


class _Buffer(threading.local):
    """One read buffer a thread: a fresh megabyte for every small file costs more than its hash."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_STEP))


_buffer = _Buffer()


class Hasher:
    """Both hashes and the size of bytes that come in pieces; not to be shared between threads."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0

    def update(self, chunk: bytes | memoryview) -> None:
        self._md5.update(chunk)
        self._sha256.update(chunk)
        self._size += len(chunk)

    def digest(self) -> Digest:
        return Digest(self._md5.hexdigest(), self._sha256.hexdigest(), self._size)


def digest_bytes(chunks: Iterable[bytes]) -> Digest:
    """Digest the chunks in order, as if they were one."""
    hasher = Hasher()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.digest()


def digest_open(descriptor: int) -> Digest:
    """Digest an open file from its beginning to its end; moves the file's position. Raises OSError."""
    hasher, view = Hasher(), _buffer.view
    with io.FileIO(descriptor, closefd=False) as file:
        file.seek(0)
        while count := file.readinto(view):
            hasher.update(view[:count])
    return hasher.digest()


def digest_file(path: Path) -> Digest:
    """Digest a file in pieces of 1 MiB, however large it is. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return digest_open(file.fileno())


def md5_file(path: Path) -> str:
    """MD5 of a file's content as lowercase hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def md5_bytes(content: bytes) -> str:
    """MD5 of bytes as lowercase hex."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
