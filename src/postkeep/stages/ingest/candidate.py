"""A raw record made ready to be stored: read, recognised, parsed and hashed, without a database."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postkeep.errors import ParseError
from postkeep.model import BadRecord, Parsed, Platform, RawRecord
from postkeep.platforms import recognise
from postkeep.sources.decode import decode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODEC = "zstd"
UNPACKING_ERROR = zstd.ZstdError
_PACKER = zstd.ZstdCompressor(level=3)


@dataclass(slots=True)
class Candidate:
    """A record that was parsed; `altered` says that text a database cannot hold was replaced in it.

    `contents` are the content hashes of its posts, in their order; `content_hash` is that of the whole record.
    """

    raw: RawRecord
    sha256: str
    platform: str
    parsed: Parsed
    content_hash: str
    contents: tuple[str, ...]
    altered: bool


@dataclass(slots=True)
class Rejected:
    """A record, or an entry of a page, that nobody could parse.

    It goes to the quarantine, unless it is `kept_away` for naming what was erased.
    """

    bad: BadRecord
    field: str | None
    kept_away: bool = False


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def compress(body: bytes) -> bytes:
    """Pack a record's bytes for the raw_records table."""
    # One compressor for all: making one costs as much as packing a record.
    return _PACKER.compress(body, mode=zstd.ZstdCompressor.FLUSH_FRAME)


def decompress(codec: str, body: bytes) -> bytes:
    """The exact bytes of a stored record; raises ValueError for a codec this version does not know."""
    if codec != CODEC:
        raise ValueError(f"records packed as {codec!r} need a newer postkeep")
    return zstd.decompress(body)


def candidate(raw: RawRecord, sha256: str, platforms: Sequence[Platform]) -> Candidate | Rejected:
    """Read one record; whatever is wrong with it is a Rejected, never an exception."""
    try:
        decoded = decode(raw.body)
        platform = recognise(decoded.value, platforms)
        parsed = platform.parse(decoded.value, raw.via)
        content = digest(platform.canonical(decoded.value))
    except ParseError as error:
        return Rejected(
            BadRecord(raw.place, raw.observation, error.message, len(raw.body), sha256, raw.body, raw.via),
            error.field,
        )
    contents = tuple(map(digest, parsed.contents)) or (content,) * len(parsed.posts)
    return Candidate(raw, sha256, platform.name, parsed, content, contents, decoded.altered)


def refused(candidate: Candidate) -> Iterator[Rejected]:
    """The entries of a page that could not be read, each with its own bytes at the page's place."""
    raw = candidate.raw
    for each in candidate.parsed.refused:
        bad = BadRecord(
            raw.place, raw.observation, each.reason, len(each.body), digest(each.body), each.body, raw.via
        )
        yield Rejected(bad, each.field)
