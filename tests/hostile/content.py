"""Hostile files, made by code: what strangers put where a picture, a video or a document should be."""

from __future__ import annotations

import struct
import zlib
from functools import cache

from tests.media_bytes import box, ftyp, gif, jpeg, mp4, pdf, png

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><script>alert(1)</script></body></html>"
JSON = b'{"error": {"code": 404, "message": "no such picture"}}'
XML = b'<?xml version="1.0" encoding="UTF-8"?><feed><entry>no picture</entry></feed>'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script><rect/></svg>'
SVG_LATE = b'<?xml version="1.0"?><!-- a picture -->\n<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG
XML_BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'
EXPIRED_S3 = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message>"
    b"<Expires>2025-01-01T00:00:00Z</Expires><ServerTime>2025-03-01T00:00:00Z</ServerTime></Error>"
)
EXPIRED_HTML = b"<html><body><h1>URL signature expired</h1></body></html>"

HLS = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
HLS_CONCAT = b"#EXTM3U\n#EXTINF:10.0,\nconcat:http://127.0.0.1/header.m3u8|file:///etc/passwd\n#EXT-X-ENDLIST\n"
CONCAT = b"concat:file:///etc/passwd|http://169.254.169.254/latest/meta-data/"
FFCONCAT = b"ffconcat version 1.0\nfile /etc/passwd\nduration 10\n"
DASH = b'<?xml version="1.0"?><MPD type="static"><BaseURL>http://127.0.0.1/</BaseURL></MPD>'
SUBFILE = b"subfile,,start,0,end,100,,:/etc/passwd"
INTERNET_SHORTCUT = b"[InternetShortcut]\r\nURL=file:///etc/passwd\r\n"
DESKTOP_ENTRY = b"[Desktop Entry]\nType=Application\nExec=sh -c id\n"
PHP = b"<?php system($_GET['c']); ?>"
SHELL = b"#!/bin/sh\nid\n"

SCRIPT = b"<html><script>alert(document.domain)</script></html>"
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x00\x00" + bytes(16) + b"\x0a\x00\x00\x00../../evil" + b"PK\x05\x06" + bytes(18)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


# --- bombs ----------------------------------------------------------------------------------------------


def zeros(pack: object, megabytes: int) -> bytes:
    """So many MB of zeros, packed piece by piece."""
    piece = bytes(1024 * 1024)
    return b"".join(pack.compress(piece) for _ in range(megabytes)) + pack.flush()  # type: ignore[attr-defined]


@cache
def gzip_bomb() -> bytes:
    """50 KB that unpack to 50 MB."""
    return zeros(zlib.compressobj(9, wbits=31), 50)


@cache
def png_bomb(side: int = 50_000) -> bytes:
    """44 KB with a header that claims 2,500 million pixels; those bytes alone unpack to 43 MB."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    packed = zeros(zlib.compressobj(9), 43)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def png_beyond_all_sizes() -> bytes:
    return png(8, 8).replace(struct.pack(">II", 8, 8), b"\xff" * 8, 1)


def jpeg_bomb() -> bytes:
    """A header that claims 65,535 by 65,535 pixels."""
    return jpeg(16, 8, b"large").replace(struct.pack(">HH", 8, 16), b"\xff" * 4, 1)


@cache
def text_bomb() -> bytes:
    """A good picture beside a compressed text chunk that unpacks to 50 MB."""
    packed = zeros(zlib.compressobj(9), 50)
    good = png(9, 9, b"text")
    return good[:33] + chunk(b"zTXt", b"Comment\x00\x00" + packed) + good[33:]


@cache
def gif_of_frames(count: int) -> bytes:
    """So many frames of one pixel, 15 bytes each."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 2, 2, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff" + frame * count + b";"


@cache
def many_segments() -> bytes:
    """A JPEG whose frame stands behind 100,000 empty segments."""
    good = jpeg(seed=b"segments")
    return good[:2] + segment(0xFE, b"") * 100_000 + good[2:]


@cache
def deep_boxes() -> bytes:
    """An MP4 whose boxes are nested 2,000 deep."""
    inner = b""
    for _ in range(2000):
        inner = box(b"moov", inner)
    return ftyp(b"isom", b"isom") + inner + box(b"mdat", b"deep")


def endless_box() -> bytes:
    """An MP4 with a box that claims 2^63 bytes."""
    return ftyp(b"isom", b"isom") + struct.pack(">I4sQ", 1, b"moov", 2**63) + b"x" * 100


@cache
def empty_boxes() -> bytes:
    """An MP4 of 100,000 boxes without content."""
    return ftyp(b"isom", b"isom") + box(b"free") * 100_000 + mp4(seed=b"after")[16:]


# --- two things at once ---------------------------------------------------------------------------------


def jpeg_and_html() -> bytes:
    """A picture whose comment is a page."""
    return jpeg(seed=b"/*" + SCRIPT + b"*/")


def jpeg_then_html() -> bytes:
    return jpeg(seed=b"then") + SCRIPT


def gif_and_html() -> bytes:
    return gif(seed=SCRIPT)


def gif_and_javascript() -> bytes:
    """GIF89a/*...*/=1: a width and height that open a comment."""
    plain = gif(seed=b"js*/=alert(1)//")
    return b"GIF89a/*" + plain[8:]


def jpeg_and_zip() -> bytes:
    return jpeg(seed=b"zip") + ZIP


def png_and_php() -> bytes:
    return png(7, 7, b"php") + PHP


def pdf_with_javascript() -> bytes:
    return pdf(seed=b"js").replace(
        b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"
    )


def pdf_and_html() -> bytes:
    return pdf(seed=b"html") + SCRIPT


def exif_with_gps() -> bytes:
    """A picture that says where it was taken: 52 degrees 31 minutes north, 13 degrees 24 minutes east."""

    def place(degrees: int, minutes: int) -> bytes:
        return struct.pack(">6I", degrees, 1, minutes, 1, 0, 1)

    gps_at = 8 + 2 + 12 + 4
    values_at = gps_at + 2 + 4 * 12 + 4
    tiff = b"MM\x00\x2a" + struct.pack(">I", 8)
    tiff += struct.pack(">HHHIII", 1, 0x8825, 4, 1, gps_at, 0)
    tiff += struct.pack(">H", 4)
    tiff += struct.pack(">HHI4s", 1, 2, 2, b"N\x00\x00\x00")
    tiff += struct.pack(">HHII", 2, 5, 3, values_at)
    tiff += struct.pack(">HHI4s", 3, 2, 2, b"E\x00\x00\x00")
    tiff += struct.pack(">HHII", 4, 5, 3, values_at + 24) + struct.pack(">I", 0)
    tiff += place(52, 31) + place(13, 24)
    return jpeg(seed=b"gps", before=segment(0xE1, b"Exif\x00\x00" + tiff))
