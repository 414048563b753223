"""Brings one file into an archive and proves that what stands there is the file.

Our own bytes are hashed on their way and must be those of the row before the store is told to keep them; then the
store's answer must agree. Whatever proves nothing is read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from postkeep.archive import proof
from postkeep.archive.port import Archive
from postkeep.archive.proof import Proof
from postkeep.errors import ObjectDiffers, SourceChanged
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
    content = file.read(digest.size + 1)
    _must_be((*proof.sums([content]),), digest)
    etag = archive.put(key, content, mime_type)
    found = proof.of_tag(etag, digest.md5)
    return Proven(key, digest.size, etag, found or _read_back(archive, key, digest), None)


def prove(archive: Archive, key: str, digest: Digest) -> Proven | None:
    """Prove an object that stands under a key already; None when there is none or it is something else."""
    stored = archive.head(key)
    if stored is None or stored.size != digest.size:
        return None
    found = proof.of_tag(stored.etag, digest.md5)
    if found is None and not equals(archive, key, digest):
        return None
    return Proven(key, stored.size, stored.etag, found or Proof.READ_BACK, None)


def equals(archive: Archive, key: str, digest: Digest) -> bool:
    """Read an object through and compare it with a digest."""
    return proof.sums(archive.read(key)) == (digest.md5, digest.sha256, digest.size)


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
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    while part := file.read(part_size):
        md5.update(part)
        sha256.update(part)
        size += len(part)
        part_md5s.append(hashlib.md5(part, usedforsecurity=False).digest())
        if size >= digest.size:
            # Before the last part leaves: an upload whose source fails is never completed.
            _must_be((md5.hexdigest(), sha256.hexdigest(), size), digest)
        yield part
    _must_be((md5.hexdigest(), sha256.hexdigest(), size), digest)


def _must_be(found: tuple[str, str, int], digest: Digest) -> None:
    if found != (digest.md5, digest.sha256, digest.size):
        raise SourceChanged()


def _read_back(archive: Archive, key: str, digest: Digest) -> Proof:
    if not equals(archive, key, digest):
        archive.delete(key)
        raise ObjectDiffers(archive.url(key))
    return Proof.READ_BACK
