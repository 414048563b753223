"""The little of EBML that a WebM file's type, size and length need."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

from postkeep.media.header import Header, Odd, pixels, seconds
from postkeep.model import Dimensions

_HEADER, _DOCTYPE, _SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
_INFO, _SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _TRACK, _VIDEO, _WIDTH, _HEIGHT = 0x1654AE6B, 0xAE, 0xE0, 0xB0, 0xBA
_LONGEST_CLAIM = 12  # bytes of an element's name and length
_DEFAULT_SCALE = 1_000_000  # nanoseconds a tick where the file names none


class _Element(NamedTuple):
    name: int
    start: int
    end: int


def doctype(head: bytes) -> bytes:
    """The document type in an EBML header, `matroska` where it names none, empty where it is broken."""
    header = Header(io.BytesIO(head), len(head))
    try:
        first = next(_elements(header, 0, len(head)), None)
        if first is None or first.name != _HEADER:
            return b""
        for element in _elements(header, first.start, first.end):
            if element.name == _DOCTYPE:
                return header.at(element.start, min(element.end - element.start, 32)).rstrip(b"\x00")
    except Odd:
        return b""
    return b"matroska"


def webm(header: Header) -> Dimensions:
    """Size of the first video track and length of a WebM file, as far as its header can be read.

    A recording written live names no length: it has none here either.
    """
    width = height = length = None
    left = {_INFO, _TRACKS}
    try:
        segment = next(top for top in _elements(header, 0, header.size) if top.name == _SEGMENT)
        for element in _elements(header, segment.start, segment.end):
            if element.name == _INFO:
                length = _length(header, element)
            elif element.name == _TRACKS:
                width, height = _size(header, element)
            left.discard(element.name)
            if not left:
                break
    except (Odd, StopIteration):
        pass
    return Dimensions(width, height, length)


def segment_end(header: Header) -> int | None:
    """Where the segment says it ends, the file's end where it does not say; None when the file ends before it.

    Raises Odd on a broken file.
    """
    at = 0
    while at < header.size:
        try:
            name, body, length = _claim(header, at)
        except Odd:
            if header.size - at < _LONGEST_CLAIM:
                return None
            raise
        if name == _SEGMENT:
            return header.size if length is None else body + length
        if length is None:
            raise Odd
        at = body + length
    return None


def _length(header: Header, info: _Element) -> float | None:
    scale, ticks = _DEFAULT_SCALE, 0.0
    for element in _elements(header, info.start, info.end):
        if element.name == _SCALE:
            scale = _number(header, element)
        elif element.name == _DURATION:
            raw = header.at(element.start, min(element.end - element.start, 8))
            if len(raw) in (4, 8):
                (ticks,) = struct.unpack(">f" if len(raw) == 4 else ">d", raw)
    return seconds(ticks * scale, 1e9)


def _size(header: Header, tracks: _Element) -> tuple[int | None, int | None]:
    for track in _elements(header, tracks.start, tracks.end):
        if track.name != _TRACK:
            continue
        for video in _elements(header, track.start, track.end):
            if video.name != _VIDEO:
                continue
            sides = {
                side.name: _number(header, side)
                for side in _elements(header, video.start, video.end)
                if side.name in (_WIDTH, _HEIGHT)
            }
            width, height = pixels(sides.get(_WIDTH, 0), sides.get(_HEIGHT, 0))
            if width is not None:
                return width, height
    return None, None


def _number(header: Header, element: _Element) -> int:
    return int.from_bytes(header.at(element.start, min(element.end - element.start, 8)), "big")


def _elements(header: Header, start: int, end: int) -> Iterator[_Element]:
    """The children between two offsets, in order; ends quietly where the bytes do."""
    end = min(end, header.size)
    while start < end:
        name, body, length = _claim(header, start)
        # Without a length, the element goes on to the end of its parent.
        stop = end if length is None else min(body + length, end)
        yield _Element(name, body, stop)
        start = stop


def _claim(header: Header, at: int) -> tuple[int, int, int | None]:
    """An element's name, where its body begins, and how long it says that is; None is unknown."""
    raw = header.upto(at, _LONGEST_CLAIM)
    name, taken = _vint(raw, keep_marker=True)
    length, more = _vint(raw[taken:], keep_marker=False)
    # All ones: the length is unknown.
    return name, at + taken + more, None if length == (1 << 7 * more) - 1 else length


def _vint(raw: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """A variable-length number and how many bytes it took."""
    if not raw or raw[0] == 0:
        raise Odd
    width = 9 - raw[0].bit_length()
    if len(raw) < width or (keep_marker and width > 4):
        raise Odd
    value = int.from_bytes(raw[:width], "big")
    return (value if keep_marker else value & ((1 << 7 * width) - 1)), width
