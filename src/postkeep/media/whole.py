"""Tells a file that was cut short at its source: the length was right, but the end its format promises is missing.

What comes after that end is the maker's own business: padding, a second picture, a phone's short video. So a
file is whole when its end stands anywhere behind its beginning, and it is cut short only when that is sure or
all but sure; what is not understood counts as whole.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from postkeep.media import boxes, ebml, sniff
from postkeep.media.header import Header, Odd
from postkeep.model import Kind

_MAX_BYTES = 9 * 1024 * 1024
_MAX_READS = 20_000
_STEP = 64 * 1024
_TAIL = 64 * 1024
_SCAN = 8 * 1024 * 1024
_TAKES = 100_000  # a picture of _SCAN bytes takes 33,000

_PNG_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
_PDF_TAIL = 2048
_BLANK = b" \t\r\n\f\x00"
_LINEARIZED = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+(\d{1,15})\b")
_BOX_NAME = re.compile(rb"[ -~]{4}")


def is_whole(file: BinaryIO, kind: Kind, size: int) -> bool:
    """Whether the end that its format promises is in a file of `size` bytes; moves the position in `file`.

    At most 9 MiB are read, however large the file is, and most kinds need a few dozen bytes. Never raises.
    """
    look = _ENDS.get(kind.mime_type)
    if look is None:
        return True
    try:
        return look(Header(file, size, most_bytes=_MAX_BYTES, most_reads=_MAX_READS))
    except (Odd, OSError, ValueError, IndexError, OverflowError, struct.error):
        return True


def _tail(header: Header, length: int = _TAIL) -> bytes:
    return header.upto(max(0, header.size - length), length)


def _jpeg(header: Header) -> bool:
    """Whether FF D9 stands behind the first scan's header.

    In a scan FF is followed by 00 or a restart only, so the first FF D9 there ends the picture, wherever more
    is appended; before the scan it may end a thumbnail. Files whose tail has none are searched from the scan
    on, as far as the bounds of reading go.
    """
    scan = _scan_start(header)
    if scan is None:
        return False
    if header.size >= scan + 2 and header.upto(header.size - 2, 2) == b"\xff\xd9":
        return True
    start = max(scan, header.size - _TAIL)
    if b"\xff\xd9" in header.upto(start, header.size - start):
        return True
    return any(b"\xff\xd9" in piece for piece in _windows(header, scan, overlap=1))


def _scan_start(header: Header) -> int | None:
    """Where the entropy-coded bytes, or segments that are none, begin; None when the file ends before."""
    at = 2
    while True:
        raw = header.upto(at, 4) if at < header.size else b""
        if len(raw) < 2:
            return None
        if raw[0] != 0xFF:
            return at
        if raw[1] == 0xFF:  # padding before a marker
            at += 1
        elif raw[1] == 0xD9:
            return at
        elif raw[1] == 0x01 or 0xD0 <= raw[1] <= 0xD8:
            at += 2
        elif len(raw) < 4:
            return None
        else:
            at += 2 + max(2, int.from_bytes(raw[2:], "big"))
            if raw[1] == 0xDA:
                return at if at <= header.size else None


def _windows(header: Header, start: int, *, overlap: int = 0) -> Iterator[bytes]:
    """Pieces of a file from an offset on, at most _SCAN bytes in all, each with the end of the one before."""
    end = min(header.size, start + _SCAN)
    while start < end:
        piece = header.upto(start, min(_STEP, end - start))
        if not piece:
            return
        yield piece
        if start + len(piece) >= end:
            return
        start += max(1, len(piece) - overlap)


def _png(header: Header) -> bool:
    if _PNG_END in _tail(header, len(_PNG_END)) or _PNG_END in _tail(header):
        return True
    at = 8
    while at + 12 <= header.size:
        raw = header.upto(at, 12)
        if len(raw) < 12 or raw[4:8] == b"IEND":
            return raw == _PNG_END
        at += 12 + int.from_bytes(raw[:4], "big")
    return False


def _gif(header: Header) -> bool:
    """Whether the blocks lead to a trailer; in a file too long to follow, whether it ends like one that does."""
    try:
        return _gif_blocks(_Bytes(header))
    except _Ended:
        return False
    except _TooLong:
        return _tail(header).rstrip(b"\x00").endswith(b"\x00\x3b")


def _gif_blocks(stream: _Bytes) -> bool:
    flags = stream.take(13)[10]
    stream.skip(_colours(flags))
    while True:
        block = stream.take(1)[0]
        if block == 0x3B:
            return True
        if block == 0x2C:
            stream.skip(_colours(stream.take(9)[8]) + 1)
        elif block == 0x21:
            stream.skip(1)
        elif block != 0:  # some write a spare terminator
            return True
        else:
            continue
        while length := stream.take(1)[0]:
            stream.skip(length)


def _colours(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


class _Ended(Exception):
    """The file ended where more was promised."""


class _TooLong(Exception):
    """The bounds of reading are reached."""


class _Bytes:
    """A file read from its beginning on, at most _SCAN bytes of it in at most _TAKES steps."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._piece = b""
        self._start = 0
        self._at = 0
        self._left = _TAKES

    def take(self, length: int) -> bytes:
        self._left -= 1
        if not self._left:
            raise _TooLong
        if self._at + length > len(self._piece):
            self._start += self._at
            self._at = 0
            if self._start + length > self._header.size:
                raise _Ended
            if self._start + length > _SCAN:
                raise _TooLong
            self._piece = self._header.upto(self._start, _STEP)
            if len(self._piece) < length:
                raise _Ended
        self._at += length
        return self._piece[self._at - length : self._at]

    def skip(self, length: int) -> None:
        self._at += length


def _webp(header: Header) -> bool:
    raw = header.upto(0, 8)
    return len(raw) == 8 and 8 + int.from_bytes(raw[4:], "little") <= header.size


def _video(header: Header) -> bool:
    seen = _top_boxes(header)
    return seen is not None and b"moov" in seen and b"mdat" in seen


def _picture(header: Header) -> bool:
    seen = _top_boxes(header)
    if seen is None or b"meta" not in seen:
        return False
    return b"mdat" in seen or boxes.holds(header, seen[b"meta"], b"idat")


def _top_boxes(header: Header) -> dict[bytes, boxes.Box] | None:
    """The first top-level box of each name; None when one claims more bytes than there are."""
    seen: dict[bytes, boxes.Box] = {}
    end = 0
    for box in boxes.claims(header, 0, header.size):
        if not _BOX_NAME.fullmatch(box.name):
            return seen  # something appended that is no box
        if box.end > header.size:
            return None
        seen.setdefault(box.name, box)
        end = box.end
    # A few bytes more are the beginning of one more box, unless they are padding.
    return seen if not header.upto(end, 8).strip(_BLANK) else None


def _webm(header: Header) -> bool:
    """Whether the segment is all there; a live recording names no length, it ends where it ends."""
    end = ebml.segment_end(header)
    return end is not None and end <= header.size


def _pdf(header: Header) -> bool:
    """Whether the end names its index.

    Many writers leave out the last line, %%EOF, so the one before, startxref, is enough; only a file with
    neither in its last 2 KB (blanks left aside) is cut short, or one that states its length and is shorter.
    """
    stated = _LINEARIZED.search(header.upto(0, min(1024, header.size)))
    if stated and int(stated.group(1)) > header.size:
        return False
    end = _tail(header).rstrip(_BLANK)[-_PDF_TAIL:]
    return b"%%EOF" in end or b"startxref" in end


_ENDS: Mapping[str, Callable[[Header], bool]] = {
    sniff.JPEG.mime_type: _jpeg,
    sniff.PNG.mime_type: _png,
    sniff.GIF.mime_type: _gif,
    sniff.WEBP.mime_type: _webp,
    sniff.AVIF.mime_type: _picture,
    sniff.HEIC.mime_type: _picture,
    sniff.MP4.mime_type: _video,
    sniff.QUICKTIME.mime_type: _video,
    sniff.WEBM.mime_type: _webm,
    sniff.PDF.mime_type: _pdf,
}
