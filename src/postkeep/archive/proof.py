"""What proves that a stored object equals our bytes: the store's own tag where that is a hash, else reading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

_MD5 = re.compile(r"[0-9a-f]{32}")


class Proof(StrEnum):
    """How an object was proven equal. A tag is the store's own MD5 of what it received."""

    ETAG = "etag"
    ETAG_PARTS = "etag_parts"
    READ_BACK = "read_back"


def of_tag(etag: str, md5: str) -> Proof | None:
    """The proof that a tag of an object stored in one request is; None when it proves nothing.

    A tag that is another MD5 is not yet damage: encrypted stores tag what they keep, not what they got.
    """
    return Proof.ETAG if etag.lower() == md5 else None


def of_part_tags(etag: str, part_md5s: Sequence[bytes]) -> Proof | None:
    """The same for an object stored in parts, whose tag is the MD5 of the parts' MD5s and their number."""
    return Proof.ETAG_PARTS if etag.lower() == tag_of_parts(part_md5s) else None


def tag_of_parts(part_md5s: Sequence[bytes]) -> str:
    """The tag S3 gives an object that came in these parts."""
    return f"{hashlib.md5(b''.join(part_md5s), usedforsecurity=False).hexdigest()}-{len(part_md5s)}"


def is_md5(etag: str) -> bool:
    """Whether a tag could be the MD5 of an object's content."""
    return _MD5.fullmatch(etag.lower()) is not None


def sums(pieces: Iterable[bytes | memoryview], *, most: int | None = None) -> tuple[str, str, int]:
    """MD5, SHA-256 and size of what comes in pieces, or of hardly more than `most` bytes of it."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    for piece in pieces:
        md5.update(piece)
        sha256.update(piece)
        size += len(piece)
        if most is not None and size > most:
            break
    return md5.hexdigest(), sha256.hexdigest(), size
