"""Takes a body in as it arrives: in memory while it is small, else in a file hashed on the way."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from postkeep.errors import CacheError
from postkeep.model import Body, Digest, Partial

_WRITE_BYTES = 128 * 1024
_READ_BYTES = 1024 * 1024
# Smaller chunks are gathered: each one alone costs more memory than it holds.
_SMALL_BYTES = 4 * 1024
_GATHERED_BYTES = 16 * 1024

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space there and run again",
    errno.EDQUOT: "the disk quota is used up: free some space there and run again",
    errno.EROFS: "the disk is mounted read-only: mount it writable and run again",
}


class Memory:
    """How many bytes of unfinished bodies are in memory, of `limit`; for one thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class Intake:
    """One body being received.

    It goes to a file from `spool` once it is larger than `spill_at`, or once all bodies share more than
    `memory.limit`. With a `part` it goes on in that file behind its bytes, and takes no digest. Ends with one of
    `finish`, `keep` and `discard`.
    """

    __slots__ = ("_chunks", "_file", "_held", "_memory", "_small", "_spill_at", "_spool", "size")

    def __init__(
        self, spool: Callable[[], Path], memory: Memory, spill_at: int, part: Partial | None = None
    ) -> None:
        self.size = part.size if part else 0
        self._spool = spool
        self._memory = memory
        self._spill_at = spill_at
        self._chunks: list[bytes] = []
        self._small = bytearray()
        self._held = 0
        self._file = _Spool(part.path, part.size) if part else None

    def add(self, chunk: bytes) -> None:
        """Take the next bytes; raises CacheError when the disk refuses them."""
        size = len(chunk)
        if size < _SMALL_BYTES:
            self._small += chunk
            if len(self._small) >= _GATHERED_BYTES:
                self._gather()
        else:
            self._gather()
            self._chunks.append(chunk)
        self.size += size
        self._held += size
        self._memory.held += size
        if self._file is None:
            if self.size > self._spill_at or self._memory.held > self._memory.limit:
                self._file = _Spool(self._spool())
                self._spill(self._file)
        elif self._held >= _WRITE_BYTES or self._memory.held > self._memory.limit:
            self._spill(self._file)

    def finish(self) -> Body:
        """The whole body; its memory counts no longer, its file is the receiver's. Raises CacheError.

        The digest of a file that went on from a part is yet to be taken.
        """
        if self._file is None:
            self._gather()
            body = Body(self.size, chunks=tuple(self._chunks))
            self._let_go()
            return body
        self._spill(self._file)
        return Body(self.size, path=self._file.path, digest=self._file.close())

    def keep(self) -> Path | None:
        """The file with what was received, now the caller's; None when there is none. Raises CacheError."""
        if self._file is None:
            self._let_go()
            return None
        self._spill(self._file)
        self._file.close()
        return self._file.path

    def discard(self) -> None:
        """Forget what was received and remove its file; idempotent."""
        self._let_go()
        if self._file is not None:
            self._file.remove()

    def _gather(self) -> None:
        if self._small:
            self._chunks.append(bytes(self._small))
            self._small = bytearray()

    def _spill(self, file: _Spool) -> None:
        self._gather()
        chunks = self._chunks
        if not chunks:
            return
        file.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        self._let_go()

    def _let_go(self) -> None:
        self._memory.held -= self._held
        self._held = 0
        self._chunks = []
        self._small = bytearray()


class _Spool:
    """A new file for this user alone, and the digest of what was written to it.

    With `old` bytes the file is there already and is cut to them; then there is no digest.
    """

    def __init__(self, path: Path, old: int | None = None) -> None:
        self.path = path
        self._size = 0
        self._hashes = () if old is not None else (hashlib.md5(usedforsecurity=False), hashlib.sha256())
        mode = os.O_CREAT | os.O_EXCL if old is None else 0
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | mode, 0o600)
            if old is not None:
                os.ftruncate(self._descriptor, old)
                os.lseek(self._descriptor, old, os.SEEK_SET)
        except OSError as error:
            self.remove()
            raise _refused(path, error) from error

    def write(self, chunk: bytes) -> None:
        for each in self._hashes:
            each.update(chunk)
        self._size += len(chunk)
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self.remove()
            raise _refused(self.path, error) from error

    def close(self) -> Digest | None:
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
        except OSError as error:
            # A network file system or a quota may say only now that the bytes did not fit.
            remove_file(self.path)
            raise _refused(self.path, error) from error
        if not self._hashes:
            return None
        md5, sha256 = self._hashes
        return Digest(md5.hexdigest(), sha256.hexdigest(), self._size)

    def remove(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
        remove_file(self.path)


def discard_body(body: Body) -> None:
    """Remove the file of a body that nobody will take over."""
    if body.path is not None:
        remove_file(body.path)


def digest_file(path: Path) -> Digest:
    """Read a file through, in pieces; raises CacheError."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_READ_BYTES):
                md5.update(piece)
                sha256.update(piece)
                size += len(piece)
    except OSError as error:
        raise CacheError(f"a download cannot be read again: {error.strerror}") from error
    return Digest(md5.hexdigest(), sha256.hexdigest(), size)


def remove_file(path: Path) -> None:
    """Remove a temporary file; what cannot be removed is left to the sweep of its folder."""
    with contextlib.suppress(OSError):
        path.unlink()


def _refused(path: Path, error: OSError) -> CacheError:
    reason = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return CacheError(f"writing a download failed in {path.parent}: {reason}")
