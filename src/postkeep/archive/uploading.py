"""Brings one file into an archive and proves that what stands there is the file.

Our own bytes are hashed on their way and must be those of the row before the store is told to keep them; then the
store's answer must agree. Whatever proves nothing is read back. Bytes with the row's SHA-256 have its MD5, too, so
that is not computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from postkeep.archive import proof
from postkeep.archive.port import Archive
from postkeep.archive.proof import Proof
from postkeep.errors import ArchiveDenied, ArchiveError, ObjectDiffers, SourceChanged
from postkeep.model import Digest


@dataclass(frozen=True, slots=True)
class Proven:
    """An object that equals our file: by what proof, under which tag, in parts of which size (None: one piece)."""

    key: str
    size: int
    etag: str
    proof: Proof
    part_size: int | None


def upload(
    archive: Archive,
    key: str,
    file: BinaryIO,
    digest: Digest,
    mime_type: str,
    *,
    multipart_at: int,
    part_size: int,
) -> Proven:
    """Store a file under a key, over whatever stands there, and prove it; idempotent.

    Raises SourceChanged when the file is not what its digest says (nothing is stored then), ObjectDiffers when
    the store holds something else than it was given (that object is removed), else ArchiveError.
    """
    if digest.size > multipart_at:
        return _in_parts(archive, key, file, digest, mime_type, part_size)
    with _reading():
        content = file.read(digest.size + 1)
    _must_be(hashlib.sha256(content).hexdigest(), len(content), digest)
    etag = archive.put(key, content, mime_type)
    found = proof.of_tag(etag, digest.md5)
    return Proven(key, digest.size, etag, found or _read_back(archive, key, digest), None)


def prove(
    archive: Archive, key: str, digest: Digest, file: BinaryIO | None = None, part_size: int = 0
) -> Proven | None:
    """Prove an object that stands under a key already; None when there is none or it is something else.

    With our own file, an object that went up in parts of `part_size` is proven by its tag, too.
    """
    stored = archive.head(key)
    if stored is None or stored.size != digest.size:
        return None
    if (found := proof.of_tag(stored.etag, digest.md5)) is not None:
        return Proven(key, stored.size, stored.etag, found, None)
    if file is not None and stored.etag.endswith(f"-{-(-digest.size // part_size)}"):
        part_md5s: list[bytes] = []
        for _ in _parts(file, digest, part_size, part_md5s):
            pass
        if (found := proof.of_part_tags(stored.etag, part_md5s)) is not None:
            return Proven(key, stored.size, stored.etag, found, part_size)
    if not equals(archive, key, digest):
        return None
    return Proven(key, stored.size, stored.etag, Proof.READ_BACK, None)


def equals(archive: Archive, key: str, digest: Digest) -> bool:
    """Read an object through, or as far as it could be the content of a digest, and compare it with that."""
    sha256, size = hashlib.sha256(), 0
    for piece in archive.read(key):
        size += len(piece)
        if size > digest.size:
            return False
        sha256.update(piece)
    return (sha256.hexdigest(), size) == (digest.sha256, digest.size)


def _in_parts(
    archive: Archive, key: str, file: BinaryIO, digest: Digest, mime_type: str, part_size: int
) -> Proven:
    part_md5s: list[bytes] = []
    etag = archive.put_parts(key, _parts(file, digest, part_size, part_md5s), part_size, mime_type)
    if not etag:
        stored = archive.head(key)
        etag = stored.etag if stored is not None and stored.size == digest.size else ""
    found = proof.of_part_tags(etag, part_md5s)
    return Proven(key, digest.size, etag, found or _read_back(archive, key, digest), part_size)


def _parts(file: BinaryIO, digest: Digest, part_size: int, part_md5s: list[bytes]) -> Iterator[bytes]:
    sha256, size = hashlib.sha256(), 0
    while part := _read(file, part_size):
        sha256.update(part)
        size += len(part)
        part_md5s.append(hashlib.md5(part, usedforsecurity=False).digest())
        if size >= digest.size:
            # Before the last part leaves: an upload whose source fails is never completed.
            _must_be(sha256.hexdigest(), size, digest)
        yield part
    _must_be(sha256.hexdigest(), size, digest)


def _must_be(sha256: str, size: int, digest: Digest) -> None:
    if (sha256, size) != (digest.sha256, digest.size):
        raise SourceChanged()


def _read(file: BinaryIO, size: int) -> bytes:
    with _reading():
        return file.read(size)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Tell a disk of ours that fails from a store that does."""
    try:
        yield
    except OSError as error:
        raise SourceChanged(f"the file in the cache cannot be read: {error.strerror}") from error


def _read_back(archive: Archive, key: str, digest: Digest) -> Proof:
    try:
        equal = equals(archive, key, digest)
    except ArchiveDenied as error:
        raise ArchiveDenied(f"{error.message}; the store's tags prove nothing, so objects must be read") from error
    if not equal:
        # It is called archived by nobody, so keys that may not delete do no harm.
        with contextlib.suppress(ArchiveError):
            archive.delete(key)
        raise ObjectDiffers(archive.url(key))
    return Proof.READ_BACK
