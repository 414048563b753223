"""Reads a file's pixels and seconds from its header: bounded, without decoding, safe in the main process."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import BinaryIO

from postkeep.media import boxes, ebml, sniff
from postkeep.media.header import Header, Odd, pixels
from postkeep.model import Dimensions, Kind

_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def measure(read: BinaryIO, kind: Kind, size: int) -> Dimensions:
    """Read width and height in pixels and duration in seconds from the header of a file of `size` bytes.

    Pixels are those stored: an orientation the file asks for is left to whoever shows it. Documents are not
    measured. What a header does not say, or says oddly, is None; nothing is raised. At most 1 MiB is read,
    from wherever the header stands; the position in `read` is moved.
    """
    look = _MEASURES.get(kind.mime_type)
    if look is None:
        return Dimensions()
    try:
        return look(Header(read, size))
    except (Odd, OSError, ValueError, IndexError, OverflowError, struct.error):
        return Dimensions()


def _sides(width: int, height: int) -> Dimensions:
    return Dimensions(*pixels(width, height))


def _jpeg(header: Header) -> Dimensions:
    at = 2
    while True:
        mark, code = header.at(at, 2)
        if mark != 0xFF:
            raise Odd
        if code == 0xFF:  # padding before a marker
            at += 1
        elif code in _STANDALONE:
            at += 2
        elif code in _FRAMES:
            height, width = struct.unpack(">HH", header.at(at + 5, 4))
            return _sides(width, height)
        elif code in (0xD9, 0xDA):
            raise Odd
        else:
            at += 2 + max(2, int.from_bytes(header.at(at + 2, 2), "big"))


def _png(header: Header) -> Dimensions:
    name, width, height = struct.unpack(">4sII", header.at(12, 12))
    return _sides(width, height) if name == b"IHDR" else Dimensions()


def _gif(header: Header) -> Dimensions:
    return _sides(*struct.unpack("<HH", header.at(6, 4)))


def _webp(header: Header) -> Dimensions:
    form = header.at(12, 4)
    raw = header.at(20, 10) if form != b"VP8L" else header.at(20, 5)
    if form == b"VP8X":
        return _sides(int.from_bytes(raw[4:7], "little") + 1, int.from_bytes(raw[7:10], "little") + 1)
    if form == b"VP8L" and raw[0] == 0x2F:
        bits = int.from_bytes(raw[1:5], "little")
        return _sides((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 " and raw[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", raw[6:10])
        return _sides(width & 0x3FFF, height & 0x3FFF)
    return Dimensions()


_MEASURES: Mapping[str, Callable[[Header], Dimensions]] = {
    sniff.JPEG.mime_type: _jpeg,
    sniff.PNG.mime_type: _png,
    sniff.GIF.mime_type: _gif,
    sniff.WEBP.mime_type: _webp,
    sniff.AVIF.mime_type: boxes.picture,
    sniff.HEIC.mime_type: boxes.picture,
    sniff.MP4.mime_type: boxes.video,
    sniff.QUICKTIME.mime_type: boxes.video,
    sniff.WEBM.mime_type: ebml.webm,
}
