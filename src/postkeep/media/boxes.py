"""The little of the ISO box format that sizes and lengths of MP4, QuickTime, AVIF and HEIC need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from postkeep.media.header import Header, Odd, pixels, seconds
from postkeep.model import Dimensions

_Sides = tuple[int | None, int | None]


class Box(NamedTuple):
    """A box by its name, from the first byte of its content to the one behind its last."""

    name: bytes
    start: int
    end: int


def video(header: Header) -> Dimensions:
    """Size of the first video track and length of an MP4 or QuickTime file, as far as its moov can be read.

    The moov may stand anywhere. Sizes are the track's, before a rotation its matrix may ask for.
    """
    sides: _Sides = (None, None)
    seen_video = False
    ticks = scale = fragments = 0
    try:
        moov = _find(header, b"moov", 0, header.size)
        for box in _boxes(header, moov.start, moov.end) if moov else ():
            if box.name == b"mvhd":
                scale, ticks = _clock(header, box)
            elif box.name == b"mvex":
                fragments = _fragments(header, box)
            elif box.name == b"trak" and not seen_video:
                found, is_video = _track(header, box)
                if found[0] is not None and (is_video or sides[0] is None):
                    sides, seen_video = found, is_video
    except Odd:
        pass
    # A fragmented file's own length is zero; its extension may know the sum of the fragments.
    return Dimensions(*sides, seconds(ticks or fragments, scale))


def picture(header: Header) -> Dimensions:
    """Size of the primary picture of an AVIF or HEIC file as stored, before a rotation or crop it may ask for.

    Where the file does not say which size is the primary picture's, the largest is taken. Raises Odd on a
    broken file.
    """
    meta = _find(header, b"meta", 0, header.size)
    if meta is None:
        return Dimensions()
    primary, sizes, owners = 0, list[tuple[int, _Sides]](), dict[int, list[int]]()
    for box in _boxes(header, meta.start + 4, meta.end):
        if box.name == b"pitm":
            version = header.at(box.start, 1)[0]
            primary = int.from_bytes(header.at(box.start + 4, 2 if version == 0 else 4), "big")
        elif box.name == b"iprp":
            sizes, owners = _properties(header, box)
    if not sizes:
        return Dimensions()
    own = [sides for number, sides in sizes if number in owners.get(primary, ())]
    width, height = max(own or [sides for _, sides in sizes], key=lambda sides: (sides[0] or 0) * (sides[1] or 0))
    return Dimensions(width, height)


def _properties(header: Header, iprp: Box) -> tuple[list[tuple[int, _Sides]], dict[int, list[int]]]:
    """The sizes among a file's properties by their number, and which properties each picture has."""
    sizes: list[tuple[int, _Sides]] = []
    owners: dict[int, list[int]] = {}
    for box in _boxes(header, iprp.start, iprp.end):
        if box.name == b"ipco":
            for number, entry in enumerate(_boxes(header, box.start, box.end), start=1):
                if entry.name == b"ispe":
                    raw = header.at(entry.start, 12)
                    sides = pixels(int.from_bytes(raw[4:8], "big"), int.from_bytes(raw[8:12], "big"))
                    sizes.append((number, sides))
        elif box.name == b"ipma":
            owners.update(_associations(header.at(box.start, box.end - box.start)))
    return sizes, owners


def _associations(raw: bytes) -> dict[int, list[int]]:
    if len(raw) < 8:
        raise Odd
    id_bytes, wide = (2 if raw[0] == 0 else 4), raw[3] & 1
    step, mask = (2, 0x7FFF) if wide else (1, 0x7F)
    owners: dict[int, list[int]] = {}
    at = 8
    for _ in range(int.from_bytes(raw[4:8], "big")):
        if at + id_bytes >= len(raw):
            break
        owner, count = int.from_bytes(raw[at : at + id_bytes], "big"), raw[at + id_bytes]
        at += id_bytes + 1
        stop = at + count * step
        owners[owner] = [int.from_bytes(raw[here : here + step], "big") & mask for here in range(at, stop, step)]
        at = stop
    return owners


def _clock(header: Header, mvhd: Box) -> tuple[int, int]:
    """Ticks a second and length in ticks; a length of all ones is unknown, so 0."""
    version = header.at(mvhd.start, 1)[0]
    offset, width = (20, 8) if version == 1 else (12, 4)
    scale = int.from_bytes(header.at(mvhd.start + offset, 4), "big")
    ticks = int.from_bytes(header.at(mvhd.start + offset + 4, width), "big")
    return scale, 0 if ticks == (1 << 8 * width) - 1 else ticks


def _fragments(header: Header, mvex: Box) -> int:
    mehd = _find(header, b"mehd", mvex.start, mvex.end)
    if mehd is None:
        return 0
    wide = header.at(mehd.start, 1)[0] == 1
    return int.from_bytes(header.at(mehd.start + 4, 8 if wide else 4), "big")


def _track(header: Header, trak: Box) -> tuple[_Sides, bool]:
    """A track's size, and whether it calls itself video."""
    sides: _Sides = (None, None)
    is_video = False
    for box in _boxes(header, trak.start, trak.end):
        if box.name == b"tkhd":
            offset = 88 if header.at(box.start, 1)[0] == 1 else 76
            raw = header.at(box.start + offset, 8)
            # 16.16 fixed point
            sides = pixels(int.from_bytes(raw[:4], "big") >> 16, int.from_bytes(raw[4:], "big") >> 16)
        elif box.name == b"mdia":
            hdlr = _find(header, b"hdlr", box.start, box.end)
            is_video = hdlr is not None and header.at(hdlr.start + 8, 4) == b"vide"
    return sides, is_video


def tracks(header: Header) -> list[bytes]:
    """What each track of an MP4 or QuickTime file calls itself, in order (`vide`, `soun`, others); raises Odd."""
    found = []
    moov = _find(header, b"moov", 0, header.size)
    for box in _boxes(header, moov.start, moov.end) if moov else ():
        if box.name == b"trak" and (mdia := _find(header, b"mdia", box.start, box.end)) is not None:
            hdlr = _find(header, b"hdlr", mdia.start, mdia.end)
            found.append(header.at(hdlr.start + 8, 4) if hdlr is not None else b"")
    return found


def _find(header: Header, name: bytes, start: int, end: int) -> Box | None:
    return next((box for box in _boxes(header, start, end) if box.name == name), None)


def _boxes(header: Header, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets, in order; ends quietly where fewer than 8 bytes are left."""
    end = min(end, header.size)
    for name, body, stop in claims(header, start, end):
        yield Box(name, body, min(stop, end))


def claims(header: Header, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets as they call themselves: the last may end behind `end`.

    Raises Odd at a box smaller than its own beginning.
    """
    while start + 8 <= end:
        raw = header.upto(start, 16)
        length, name, body = int.from_bytes(raw[:4], "big"), raw[4:8], start + 8
        if length == 0:
            length = end - start
        elif length == 1:
            # Cut within the length, it claims at least that.
            length, body = int.from_bytes(raw[8:16], "big") if len(raw) == 16 else 16, start + 16
        if start + length < body:
            raise Odd
        yield Box(name, body, start + length)
        start += length


def holds(header: Header, meta: Box, name: bytes) -> bool:
    """Whether a meta box has a box of this name; raises Odd on a broken one."""
    return _find(header, name, meta.start + 4, meta.end) is not None
