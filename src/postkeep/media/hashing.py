"""MD5 names a file and SHA-256 identifies it: both are taken in one pass over the bytes."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
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
        self.size = 0

    def update(self, chunk: bytes | memoryview) -> None:
        self._md5.update(chunk)
        self._sha256.update(chunk)
        self.size += len(chunk)

    def digest(self) -> Digest:
        return Digest(self._md5.hexdigest(), self._sha256.hexdigest(), self.size)


def digest_bytes(chunks: Iterable[bytes]) -> Digest:
    """Digest the chunks in order, as if they were one."""
    hasher = Hasher()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.digest()


def digest_content(content: bytes) -> Digest:
    """Digest bytes in one go, which keeps the interpreter free for other threads meanwhile."""
    md5, sha256 = hashlib.md5(content, usedforsecurity=False), hashlib.sha256(content)
    return Digest(md5.hexdigest(), sha256.hexdigest(), len(content))


def digest_open(descriptor: int) -> Digest:
    """Digest an open file from its beginning to its end; moves the file's position. Raises OSError."""
    hasher = Hasher()
    for piece in pieces(descriptor):
        hasher.update(piece)
    return hasher.digest()


def digest_fresh(descriptor: int, size: int) -> Digest:
    """Digest the `size` bytes of a file just opened, or as many as it has. Raises OSError.

    A file that fits into the buffer costs one read, and one call for each hash.
    """
    view = _buffer.view
    if size >= len(view) or os.readv(descriptor, [view]) != size:
        return digest_open(descriptor)
    piece = view[:size]
    md5, sha256 = hashlib.md5(piece, usedforsecurity=False), hashlib.sha256(piece)
    return Digest(md5.hexdigest(), sha256.hexdigest(), size)


def md5_fresh(descriptor: int, size: int) -> str:
    """MD5 of a file just opened, as `digest_fresh`; half the price. Raises OSError."""
    view = _buffer.view
    if size < len(view) and os.readv(descriptor, [view]) == size:
        return hashlib.md5(view[:size], usedforsecurity=False).hexdigest()
    md5 = hashlib.md5(usedforsecurity=False)
    for piece in pieces(descriptor):
        md5.update(piece)
    return md5.hexdigest()


def pieces(descriptor: int) -> Iterator[memoryview]:
    """An open file from its beginning to its end, 1 MiB at a time; a piece is overwritten by the next."""
    view = _buffer.view
    os.lseek(descriptor, 0, os.SEEK_SET)
    while count := os.readv(descriptor, [view]):
        yield view[:count]


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
