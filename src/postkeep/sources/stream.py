"""The bytes of one source in chunks, unpacked when they are gzip or xz; trouble ends them and never raises."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_GZIP_HEADER = 16 + zlib.MAX_WBITS
# What the strongest preset needs; a file may ask for gigabytes.
_XZ_MEMORY = 128 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that are read at once, that are read whole, that one record may have, and that a packed file may hold.

    Unpacking ends above `unpacked` bytes only when they are also more than `ratio` times the packed ones.
    """

    chunk: int = 1 << 20
    whole: int = 8 << 20
    record: int = 64 << 20
    unpacked: int = 1 << 30
    ratio: int = 200


class ByteStream:
    """Iterate once over the chunks of an open file; when it ended early, `trouble` says why.

    Gzip and xz are recognised by their first bytes, and may have several members. The file stays the caller's to
    close.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self.trouble: str | None = None
        self._file = file
        self._limits = limits
        self._taken = 0

    def __iter__(self) -> Iterator[bytes]:
        first = self._read()
        while len(first) < _LONGEST_MAGIC and (more := self._read()):
            first += more
        magic = next((each for each in _PACKED if first.startswith(each)), None)
        yield from self._plain(first) if magic is None else self._unpacked(first, magic)

    def _plain(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield chunk
            chunk = self._read()

    def _read(self) -> bytes:
        try:
            chunk = self._file.read(self._limits.chunk)
        except (OSError, ValueError) as error:
            self.trouble = f"it could not be read further: {said(error)}"
            return b""
        self._taken += len(chunk)
        return chunk

    def _unpacked(self, packed: bytes, magic: bytes) -> Iterator[bytes]:
        most, produced = self._limits.chunk, 0
        while packed:
            if not packed.startswith(magic):
                self.trouble = "bytes that are not compressed follow the compressed ones"
                return
            member = _PACKED[magic]()
            while not member.eof:
                try:
                    chunk = member.unpack(packed, most)
                except (zlib.error, lzma.LZMAError):
                    self.trouble = "the compressed file is damaged; what came before the damage was read"
                    return
                produced += len(chunk)
                if produced > self._limits.unpacked and produced > self._limits.ratio * self._taken:
                    self.trouble = (
                        f"compression ratio above {self._limits.ratio}:1 after {produced} bytes; "
                        "if the file is meant to be so, unpack it first"
                    )
                    return
                if chunk:
                    yield chunk
                packed = b""
                if member.is_hungry and not member.eof and not (packed := self._read()):
                    self.trouble = self.trouble or "the compressed file is cut off; what came before was read"
                    return
            packed = member.rest
            # Members may be padded with zeros, as tapes do.
            while not (packed := packed.lstrip(b"\0")):
                if not (packed := self._read()):
                    return
            while len(packed) < len(magic) and (more := self._read()):
                packed += more


class _Member(Protocol):
    """One packed member: what it holds comes in pieces, and no more of it is unpacked than was asked for."""

    eof: bool
    is_hungry: bool
    rest: bytes

    def unpack(self, packed: bytes, most: int) -> bytes: ...


class _GzipMember:
    def __init__(self) -> None:
        self.eof = self.is_hungry = False
        self.rest = b""
        self._object = zlib.decompressobj(_GZIP_HEADER)
        self._tail = b""

    def unpack(self, packed: bytes, most: int) -> bytes:
        chunk = self._object.decompress(self._tail + packed, most)
        self._tail = self._object.unconsumed_tail
        self.eof, self.rest = self._object.eof, self._object.unused_data
        # A full chunk may mean that zlib holds more without needing more.
        self.is_hungry = not self._tail and len(chunk) < most
        return chunk


class _XzMember:
    def __init__(self) -> None:
        self.eof = self.is_hungry = False
        self.rest = b""
        self._object = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def unpack(self, packed: bytes, most: int) -> bytes:
        chunk = self._object.decompress(packed, most)
        self.eof, self.is_hungry = self._object.eof, self._object.needs_input
        self.rest = self._object.unused_data
        return chunk


_PACKED: Mapping[bytes, Callable[[], _Member]] = {b"\x1f\x8b": _GzipMember, b"\xfd7zXZ\0": _XzMember}
"""How packed files begin, and what unpacks them."""
_LONGEST_MAGIC = max(map(len, _PACKED))


def said(error: OSError | ValueError) -> str:
    """The operating system's own words for what went wrong."""
    return (getattr(error, "strerror", None) or str(error)).lower()
