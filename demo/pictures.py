"""Pictures, a film and a booklet made by arithmetic, so that the demonstration needs nobody's files."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache

WIDTH, HEIGHT = 640, 480

Pattern = Callable[[int, int, int], Iterator[bytes]]
"""Rows of colour numbers for a width, a height and a seed; a row costs one table look-up, not one a pixel."""


# --- patterns -----------------------------------------------------------------------------------


def rings(width: int, height: int, seed: int) -> Iterator[bytes]:
    """Circles around a point, and the ghosts that appear where they become too fine."""
    left, top, pitch = width * (2 + seed % 5) // 8, height * (3 + seed % 3) // 8, 700 + 90 * (seed % 7)
    return _sums(
        [(x - left) ** 2 * 256 // (pitch * 64) for x in range(width)],
        [(y - top) ** 2 * 256 // (pitch * 64) for y in range(height)],
    )


def waves(width: int, height: int, seed: int) -> Iterator[bytes]:
    """Two swells that cross."""
    across, down = 1 + seed % 3, 1 + seed % 4
    return _sums(
        [round(70 * math.sin(math.tau * across * x / width) + x / 6) for x in range(width)],
        [round(60 * math.cos(math.tau * down * y / height) - y / 5) for y in range(height)],
    )


def dunes(width: int, height: int, seed: int) -> Iterator[bytes]:
    """Slopes whose ridges wander from line to line."""
    slope = bytes(round(127 + 127 * math.sin(math.tau * (2 + seed % 3) * x / width)) for x in range(width))
    for y in range(height):
        shift = (
            round(width / 9 * math.sin(math.tau * y / height * (1 + seed % 2)) + y * (1 + seed % 3) / 4) % width
        )
        yield (slope[shift:] + slope[:shift]).translate(_shifted(y // 5))


def mosaic(width: int, height: int, seed: int) -> Iterator[bytes]:
    """Tiles numbered by the exclusive or of their places, which makes squares within squares."""
    tile = 10 + 2 * (seed % 4)
    row = bytes((x // tile * 8 + seed * 5) & 255 for x in range(width))
    for y in range(height):
        mask = y // tile * 8 & 255
        yield row.translate(bytes(number ^ mask for number in range(256)))


def _sums(across: list[int], down: list[int]) -> Iterator[bytes]:
    row = bytes(number & 255 for number in across)
    return (row.translate(_shifted(number)) for number in down)


@cache
def _shifted(by: int) -> bytes:
    return bytes((number + by) & 255 for number in range(256))


PATTERNS: tuple[Pattern, ...] = (rings, waves, dunes, mosaic)


def palette(seed: int, colours: int = 256) -> bytes:
    """Colours that run in a circle, so that a pattern may count past the end without an edge."""
    ring = bytearray()
    for number in range(colours):
        turn = math.tau * number / colours
        for tone in range(3):
            swing = math.sin(turn + tone * 1.2 + seed * 0.9) + 0.35 * math.sin(2 * turn + seed + tone)
            ring.append(round(max(0, min(255, 140 + 85 * swing))))
    return bytes(ring)


# --- files --------------------------------------------------------------------------------------


def png(seed: int, width: int = WIDTH, height: int = HEIGHT, *, turn: float = 0.0) -> bytes:
    """A PNG with a palette; every seed is another picture, and `turn` (0 to 1) walks its colours on."""
    colours, start = palette(seed), 3 * round(256 * turn)
    rows = PATTERNS[seed % len(PATTERNS)](width, height, seed)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", colours[start:] + colours[:start]),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def gif(seed: int, width: int = 240, height: int = 180, frames: int = 8) -> bytes:
    """An animated GIF whose colours walk around their circle."""
    rows = b"".join(PATTERNS[seed % len(PATTERNS)](width, height, seed))
    screen = struct.pack("<HHBBB", width, height, 0xF6, 0, 0) + palette(seed, 128)
    forever = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    shown = b"".join(
        _gif_frame(rows.translate(bytes((at + step * 128 // frames) & 127 for at in range(256))), width, height)
        for step in range(frames)
    )
    return b"GIF89a" + screen + forever + shown + b";"


def _gif_frame(pixels: bytes, width: int, height: int) -> bytes:
    # With 128 colours a code is a byte as long as the table is cleared before it grows.
    codes = b"".join(b"\x80" + pixels[at : at + 126] for at in range(0, len(pixels), 126)) + b"\x81"
    blocks = b"".join(
        bytes([len(part)]) + part for part in (codes[at : at + 255] for at in range(0, len(codes), 255))
    )
    timing = b"!\xf9\x04\x04" + struct.pack("<HBB", 9, 0, 0)
    return timing + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x07" + blocks + b"\0"


def pdf(title: str, pages: int = 3) -> bytes:
    """A booklet of coloured pages with a line of text each (ASCII without brackets)."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(pages))
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        red, green, blue = (0.55 + 0.4 * math.sin(number + tone) for tone in range(3))
        drawing = (
            f"{red:.2f} {green:.2f} {blue:.2f} rg 0 0 420 595 re f 1 g "
            f"BT /F1 24 Tf 40 480 Td ({title}) Tj 0 -40 Td ({number + 1} / {pages}) Tj ET"
        )
        parts += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        ]
    body, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{part}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(parts) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{body}{end}startxref\n{len(body)}\n%%EOF\n".encode("ascii")


# --- film ---------------------------------------------------------------------------------------


def mp4(seed: int, width: int = 320, height: int = 240, frames: int = 12, rate: int = 6) -> bytes:
    """A film of PNG frames (MPEG-4 object type 0x6D), which common players show; `rate` frames a second."""
    shots = [png(seed, width, height, turn=number / frames) for number in range(frames)]
    start = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    offset = len(start) + 8
    film = _box(b"mdat", b"".join(shots))
    return start + film + _movie(shots, offset, width, height, rate)


def _movie(shots: list[bytes], offset: int, width: int, height: int, rate: int) -> bytes:
    length = len(shots)
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    mvhd = struct.pack(">IIIIIIH10x", 0, 0, 0, rate, length, 0x10000, 0x100) + matrix + bytes(24) + b"\0\0\0\2"
    tkhd = struct.pack(">IIIIII8xHHHH", 7, 0, 0, 1, 0, length, 0, 0, 0, 0) + matrix
    tkhd += struct.pack(">II", width << 16, height << 16)
    mdia = (
        _box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, rate, length, 0x55C4, 0))
        + _box(b"hdlr", struct.pack(">II4s12x", 0, 0, b"vide") + b"pictures\0")
        + _box(
            b"minf",
            _box(b"vmhd", struct.pack(">I8x", 1))
            + _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1) + _box(b"url ", b"\0\0\0\1")))
            + _box(b"stbl", _table(shots, offset, width, height)),
        )
    )
    return _box(b"moov", _box(b"mvhd", mvhd) + _box(b"trak", _box(b"tkhd", tkhd) + _box(b"mdia", mdia)))


def _table(shots: list[bytes], offset: int, width: int, height: int) -> bytes:
    decoder = b"\4\x0d\x6d\x11" + bytes(11)
    esds = bytes(4) + b"\3\x15\0\1\0" + decoder + b"\6\1\2"
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1)
    sizes = struct.pack(f">III{len(shots)}I", 0, 0, len(shots), *map(len, shots))
    return (
        _box(b"stsd", struct.pack(">II", 0, 1) + _box(b"mp4v", entry + _box(b"esds", esds)))
        + _box(b"stts", struct.pack(">IIII", 0, 1, len(shots), 1))
        + _box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(shots), 1))
        + _box(b"stsz", sizes)
        + _box(b"stco", struct.pack(">III", 0, 1, offset))
    )


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body
