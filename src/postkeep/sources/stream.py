"""The bytes of one source in chunks, unpacked when they are gzip; trouble on the way ends them, never raises."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_GZIP = b"\x1f\x8b"
_GZIP_HEADER = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that are read at once, that are read whole, that one record may have, and that gzip may unpack to.

    Unpacking ends above `unpacked` bytes only when they are also more than `ratio` times the packed ones.
    """

    chunk: int = 1 << 20
    whole: int = 8 << 20
    record: int = 64 << 20
    unpacked: int = 1 << 30
    ratio: int = 200


class ByteStream:
    """Iterate once over the chunks of an open file; when it ended early, `trouble` says why.

    Gzip is recognised by its first bytes, and may have several members. The file stays the caller's to close.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self.trouble: str | None = None
        self._file = file
        self._limits = limits

    def __iter__(self) -> Iterator[bytes]:
        first = self._at_least_two(self._read())
        yield from self._unpacked(first) if first.startswith(_GZIP) else self._plain(first)

    def _plain(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield chunk
            chunk = self._read()

    def _read(self) -> bytes:
        try:
            return self._file.read(self._limits.chunk)
        except (OSError, ValueError) as error:
            self.trouble = f"it could not be read further: {said(error)}"
            return b""

    def _at_least_two(self, chunk: bytes) -> bytes:
        return chunk + self._read() if len(chunk) == 1 else chunk

    def _unpacked(self, packed: bytes) -> Iterator[bytes]:
        most = self._limits.chunk
        consumed = produced = 0
        while packed:
            if not packed.startswith(_GZIP):
                self.trouble = "bytes that are not compressed follow the compressed ones"
                return
            member = zlib.decompressobj(_GZIP_HEADER)
            while not member.eof:
                try:
                    chunk = member.decompress(packed, most)
                except zlib.error:
                    self.trouble = "the compressed file is damaged; what came before the damage was read"
                    return
                rest = member.unused_data if member.eof else member.unconsumed_tail
                consumed += len(packed) - len(rest)
                produced += len(chunk)
                if produced > self._limits.unpacked and produced > self._limits.ratio * consumed:
                    self.trouble = (
                        f"compression ratio above {self._limits.ratio}:1 after {produced} bytes; "
                        "if the file is meant to be so, unpack it first"
                    )
                    return
                if chunk:
                    yield chunk
                packed = rest
                # A full chunk may mean that zlib holds more without needing more.
                if not packed and not member.eof and len(chunk) < most and not (packed := self._read()):
                    self.trouble = self.trouble or "the compressed file is cut off; what came before was read"
                    return
            # Members may be padded with zeros, as tapes do.
            while not (packed := packed.lstrip(b"\0")):
                if not (packed := self._read()):
                    return
            packed = self._at_least_two(packed)


def said(error: OSError | ValueError) -> str:
    """The operating system's own words for what went wrong."""
    return (getattr(error, "strerror", None) or str(error)).lower()
