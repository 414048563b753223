"""Tiny valid files of every kind the cache keeps, made by code; `seed` makes the content another one."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 3, height: int = 2, seed: bytes = b"") -> bytes:
    rows = (b"\x00" + b"\x80" * width) * height
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"tEXt", b"Comment\x00" + seed.hex().encode()),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def gif(width: int = 3, height: int = 2, seed: bytes = b"") -> bytes:
    """One black frame; the picture data are clear codes and zeros, so that the code size never grows."""
    codes = [code for _ in range(width * height) for code in (4, 0)] + [5]
    bits = sum(code << 3 * at for at, code in enumerate(codes))
    packed = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
    comment = b"!\xfe" + _sub_blocks(seed) if seed else b""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02" + _sub_blocks(packed)
    return b"GIF89a" + screen + comment + frame + b";"


def _sub_blocks(raw: bytes) -> bytes:
    cut = [raw[at : at + 255] for at in range(0, len(raw), 255)]
    return b"".join(bytes([len(part)]) + part for part in cut) + b"\x00"


def jpeg(width: int = 16, height: int = 8, seed: bytes = b"", frame: int = 0xC0, before: bytes = b"") -> bytes:
    """A grey baseline picture: each 8x8 block is the two bits `no difference, end of block`."""
    blocks = max(1, -(-width // 8) * -(-height // 8))
    bits = "00" * blocks
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    one_code = bytes([1] + [0] * 15) + b"\x00"
    return (
        b"\xff\xd8"
        + _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + before
        + (_segment(0xFE, seed) if seed else b"")
        + _segment(0xDB, b"\x00" + b"\x01" * 64)
        + _segment(frame, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
        + _segment(0xC4, b"\x00" + one_code)
        + _segment(0xC4, b"\x10" + one_code)
        + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + scan
        + b"\xff\xd9"
    )


def _segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int) -> bytes:
    """An APP1 segment that asks for a rotation, and carries a thumbnail of another size."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    return _segment(0xE1, b"Exif\x00\x00" + tiff + jpeg(8, 8))


def webp(width: int = 5, height: int = 4, seed: bytes = b"", form: str = "VP8L") -> bytes:
    """A one-colour lossless picture; `form` VP8X wraps it, VP8 is a lossy key frame's header alone."""
    # No transform, no colour cache, no meta codes, then five codes of one symbol each.
    bits = (width - 1) | (height - 1) << 14 | 0 << 28
    at = 32 + 3
    for _ in range(5):
        bits |= 1 << at
        at += 4
    lossless = b"\x2f" + bits.to_bytes((at + 7) // 8, "little")
    if form == "VP8":
        body = _riff(b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\x00" * 8)
    elif form == "VP8X":
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = _riff(b"VP8X", b"\x00\x00\x00\x00" + sides) + _riff(b"VP8L", lossless)
    else:
        body = _riff(b"VP8L", lossless)
    return _riff(b"RIFF", b"WEBP" + body + (_riff(b"seed", seed) if seed else b""))


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def box(name: bytes, *bodies: bytes, wide: bool = False) -> bytes:
    body = b"".join(bodies)
    if wide:
        return struct.pack(">I4sQ", 1, name, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, name) + body


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", major, b"\x00\x00\x00\x00", *compatible)


def heif(
    width: int = 12,
    height: int = 10,
    seed: bytes = b"",
    major: bytes = b"avif",
    compatible: tuple[bytes, ...] = (b"mif1", b"miaf"),
    others: tuple[tuple[int, int], ...] = ((4, 4),),
    associated: bool = True,
) -> bytes:
    """A picture file with boxes but no pixels: item 1 is the primary one, `others` are sizes of the others."""
    sizes = [*others, (width, height)]
    spatial = [box(b"ispe", bytes(4), struct.pack(">II", *sides)) for sides in sizes]
    owners = [(1, len(sizes)), *((number + 2, number + 1) for number in range(len(others)))]
    ipma = struct.pack(">II", 0, len(owners))
    for owner, number in owners:
        ipma += struct.pack(">HBB", owner, 1, 0x80 | number)
    meta = box(
        b"meta",
        bytes(4),
        box(b"hdlr", bytes(8), b"pict", bytes(13)),
        box(b"pitm", bytes(4), b"\x00\x01"),
        box(b"iprp", box(b"ipco", *spatial), box(b"ipma", ipma) if associated else b""),
    )
    return ftyp(major, major, *compatible) + meta + box(b"mdat", seed)


def avif(width: int = 12, height: int = 10, seed: bytes = b"") -> bytes:
    return heif(width, height, seed)


def heic(width: int = 14, height: int = 9, seed: bytes = b"") -> bytes:
    return heif(width, height, seed, b"heic", (b"mif1", b"heic"))


def mp4(
    width: int = 64,
    height: int = 36,
    seconds: float = 2.5,
    seed: bytes = b"",
    brand: bytes = b"isom",
    version: int = 0,
    moov_first: bool = False,
    fragmented: bool = False,
    wide_mdat: bool = False,
    others: tuple[tuple[bytes, int, int], ...] = (),
) -> bytes:
    """Movie, track and handler headers around a media box that holds `seed`.

    An audio track comes first, `others` (handler, width, height) come around the video track, one before it.
    """
    ticks = round(seconds * 1000)
    own, extension = (0, box(b"mvex", _mehd(version, ticks))) if fragmented else (ticks, b"")
    tracks = [(b"soun", 0, 0), *others[:1], (b"vide", width, height), *others[1:]]
    moov = box(
        b"moov",
        _mvhd(version, own),
        *(
            box(b"trak", _tkhd(version, *sides), box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13))))
            for handler, *sides in tracks
        ),
        extension,
    )
    mdat = box(b"mdat", seed, wide=wide_mdat)
    return ftyp(brand, brand) + (moov + mdat if moov_first else mdat + moov)


def sound(*compatible: bytes, major: bytes = b"isom", seconds: float = 2.5, seed: bytes = b"") -> bytes:
    """An MP4 with an audio track and no other."""
    track = box(b"trak", _tkhd(0, 0, 0), box(b"mdia", box(b"hdlr", bytes(8), b"soun", bytes(13))))
    moov = box(b"moov", _mvhd(0, round(seconds * 1000)), track)
    return ftyp(major, *compatible) + moov + box(b"mdat", seed)


def mov(width: int = 32, height: int = 18, seconds: float = 1.5, seed: bytes = b"") -> bytes:
    return mp4(width, height, seconds, seed, brand=b"qt  ")


def _mvhd(version: int, ticks: int) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 1000, ticks)
    return box(b"mvhd", struct.pack(">I", version << 24), times, bytes(80))


def _mehd(version: int, ticks: int) -> bytes:
    return box(b"mehd", struct.pack(">I", version << 24), struct.pack(">Q" if version else ">I", ticks))


def _tkhd(version: int, width: int, height: int) -> bytes:
    times = struct.pack(">QQIIQ" if version else ">IIIII", 0, 0, 1, 0, 0)
    sides = struct.pack(">II", width << 16, height << 16)
    return box(b"tkhd", struct.pack(">I", version << 24), times, bytes(16), bytes(36), sides)


def element(name: int, body: bytes, *, unknown: bool = False) -> bytes:
    """An EBML element; `unknown` leaves its length open, as live recordings do."""
    short = bytes([0x80 | len(body)]) if len(body) < 0x7F else struct.pack(">Q", len(body) | 1 << 56)
    length = b"\x01" + b"\xff" * 7 if unknown else short
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + length + body


def webm(
    width: int = 80,
    height: int = 60,
    seconds: float | None = 4.25,
    seed: bytes = b"",
    doctype: bytes = b"webm",
    live: bool = False,
    scale: int = 1_000_000,
) -> bytes:
    info = element(0x2AD7B1, scale.to_bytes(4, "big"))
    if seconds is not None:
        info += element(0x4489, struct.pack(">d", seconds * 1e9 / scale))
    video = element(0xE0, element(0xB0, width.to_bytes(2, "big")) + element(0xBA, height.to_bytes(2, "big")))
    tracks = element(0xAE, element(0x83, b"\x02")) + element(0xAE, element(0x83, b"\x01") + video)
    cluster = element(0x1F43B675, element(0xEC, seed))
    segment = element(0xEC, bytes(20)) + element(0x1549A966, info) + element(0x1654AE6B, tracks) + cluster
    header = element(0x4286, b"\x01") + element(0x4282, doctype)
    return element(0x1A45DFA3, header) + element(0x18538067, segment, unknown=live)


def pdf(width: int = 200, height: int = 100, seed: bytes = b"") -> bytes:
    """One empty page of so many points."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] >>" % (width, height),
    ]
    out = b"%PDF-1.4\n%" + seed.hex().encode() + b"\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    xref = b"xref\n0 4\n0000000000 65535 f \n" + table
    return out + xref + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)


ALL = {
    "image/png": png,
    "image/gif": gif,
    "image/jpeg": jpeg,
    "image/webp": webp,
    "image/avif": avif,
    "image/heic": heic,
    "video/mp4": mp4,
    "video/quicktime": mov,
    "video/webm": webm,
    "application/pdf": pdf,
}
"""A maker for each MIME type; every one takes `seed` by name."""
