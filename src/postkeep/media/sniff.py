"""Tells what bytes are from the bytes themselves: servers answer with login pages under picture names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import urlsplit

from postkeep.errors import NotMedia
from postkeep.media.ebml import doctype
from postkeep.model import Kind, MediaType

SNIFF_BYTES = 4096
"""As many bytes as `sniff` looks at; more of them change nothing."""

JPEG = Kind("image/jpeg", "jpg", MediaType.IMAGE)
PNG = Kind("image/png", "png", MediaType.IMAGE)
GIF = Kind("image/gif", "gif", MediaType.IMAGE)
WEBP = Kind("image/webp", "webp", MediaType.IMAGE)
AVIF = Kind("image/avif", "avif", MediaType.IMAGE)
HEIC = Kind("image/heic", "heic", MediaType.IMAGE)
MP4 = Kind("video/mp4", "mp4", MediaType.VIDEO)
WEBM = Kind("video/webm", "webm", MediaType.VIDEO)
QUICKTIME = Kind("video/quicktime", "mov", MediaType.VIDEO)
PDF = Kind("application/pdf", "pdf", MediaType.DOCUMENT)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.mime_type: kind for kind in (JPEG, PNG, GIF, WEBP, AVIF, HEIC, MP4, WEBM, QUICKTIME, PDF)}
)
"""Every kind the cache keeps, by MIME type."""

_DOCUMENT_TYPES = ("application/pdf", "application/msword", "application/vnd.ms-powerpoint")
_DOCUMENT_PREFIX = "application/vnd.openxmlformats-officedocument."
_EXTENSIONS: Mapping[str, MediaType] = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp"), MediaType.IMAGE),
    **dict.fromkeys(("avif", "heic", "heif", "bmp", "tif", "tiff", "svg"), MediaType.IMAGE),
    **dict.fromkeys(("mp4", "m4v", "mov", "qt", "webm", "mkv", "avi", "3gp", "m3u8", "mpd"), MediaType.VIDEO),
    **dict.fromkeys(("pdf", "doc", "docx", "ppt", "pptx"), MediaType.DOCUMENT),
}

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
_MP4_BRANDS = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 mp71 avc1 M4VH M4VP dash cmfc cmf2 mmp4 MSNV "
    b"XAVC NDSC NDSH NDSM NDSP NDSS NDXC NDXH NDXM NDXP NDXS".split()
) | {b"M4V ", b"f4v ", b"F4V "}
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
_TRACK_BRANDS = frozenset({b"dash", b"cmfc", b"cmf2"})
"""What a stream's single track is made for: the sound of a video that is kept beside it, an MP4 like the video."""
_OLD_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"pnot"})

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"ID3", "audio"),
    (b"fLaC", "audio"),
    (b"OggS", "audio"),
    (b"#!AMR", "audio"),
    (b"MThd", "audio"),
    (b"caff", "audio"),
    (b"PK\x03\x04", "an archive (zip)"),
    (b"PK\x05\x06", "an archive (zip)"),
    (b"\x1f\x8b", "an archive (gzip)"),
    (b"BZh", "an archive (bzip2)"),
    (b"\xfd7zXZ\x00", "an archive (xz)"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)"),
    (b"\x28\xb5\x2f\xfd", "an archive (zstd)"),
    (b"Rar!\x1a\x07", "an archive (rar)"),
    (b"II*\x00", "a picture of another type (tiff)"),
    (b"MM\x00*", "a picture of another type (tiff)"),
    (b"\x00\x00\x01\x00", "a picture of another type (icon)"),
    (b"8BPS", "a picture of another type (psd)"),
    (b"\xff\x0a", "a picture of another type (jxl)"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a picture of another type (jxl)"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a picture of another type (jpeg 2000)"),
    (b"FLV\x01", "a video of another type (flv)"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video of another type (asf)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    (b"{\\rtf", "an office document"),
    (b"%!PS", "a PostScript document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)

_FRONTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-")
"""What a page may be given for a disguise: named by what follows when nothing of the format does."""
_DISGUISED = frozenset({"html", "svg", "xml", "json"})
_JPEG_START = re.compile(rb"\xff\xd8(?:\xff+\x01)*\xff+[\xc0-\xd7\xda-\xfe]")
_PDF_START = re.compile(rb"%PDF-\d")

_BLANK = b" \t\r\n\f\v\x00"
_SKIPPED_MARKUP = re.compile(rb"<!--.*?(?:-->|\Z)|<\?(?!xml).*?(?:\?>|\Z)", re.DOTALL)
_XML_DECLARATION = re.compile(rb"<\?xml\b.*?(?:\?>|\Z)", re.DOTALL)
_DOCTYPE = re.compile(rb"<!doctype\s+([a-z:]+)", re.IGNORECASE)
_TAG = re.compile(rb"</?([a-zA-Z][\w:.-]*)(?=[\s/>]|\Z)")
_HTML_TAGS = frozenset(
    b"html head body title meta link script style base div span p a h1 h2 h3 br hr table form center font "
    b"iframe img pre noscript ul ol b i".split()
)
_JSON_START = re.compile(rb'\{\s*(?:["}]|\Z)|\[\s*(?:["\[{\]\d-]|true|false|null|\Z)')
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> Kind:
    """Say what a body is from its first bytes (4,096 are enough, more are not looked at).

    What the bytes start with decides, whatever follows. Raises NotMedia, whose `found` names what came
    instead: html, json, xml, svg, an HLS playlist, text, audio, an archive, an empty body, unknown bytes.
    """
    if not head:
        raise NotMedia("an empty body")
    head = head[:SNIFF_BYTES]
    kind = _picture(head) or _boxes(head) or _matroska(head) or _pdf(head)
    if kind is None:
        raise NotMedia(_other(head))
    return kind


def media_type_of(mime: str) -> MediaType | None:
    """The media type a MIME type announces; None for one that tells nothing, such as octet-stream."""
    mime = mime.partition(";")[0].strip().lower()
    if mime.startswith("image/"):
        return MediaType.IMAGE
    if mime.startswith("video/"):
        return MediaType.VIDEO
    if mime in _DOCUMENT_TYPES or mime.startswith(_DOCUMENT_PREFIX):
        return MediaType.DOCUMENT
    return None


def guess_media_type(url: str, mime_type: str | None = None) -> MediaType:
    """What a URL probably serves before its bytes are here: by MIME type, else extension, else an image."""
    announced = media_type_of(mime_type) if mime_type else None
    if announced is not None:
        return announced
    try:
        path = urlsplit(url).path
    except ValueError:
        path = url
    return _EXTENSIONS.get(PurePosixPath(path).suffix[1:].lower(), MediaType.IMAGE)


def _picture(head: bytes) -> Kind | None:
    if _JPEG_START.match(head):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"RIFF") and head[8:15] == b"WEBPVP8":
        return WEBP
    return None


def _boxes(head: bytes) -> Kind | None:
    """The kinds built of ISO boxes, told apart by their brands."""
    size, box = int.from_bytes(head[:4], "big"), head[4:8]
    if box in _OLD_QUICKTIME_BOXES and (size >= 8 or size in (0, 1)):
        return QUICKTIME
    if box == b"styp":
        raise NotMedia("a fragment of a video")
    if box != b"ftyp" or size < 12:
        return None
    major, listed = head[8:12], head[16 : min(size, len(head))]
    compatible = [listed[at : at + 4] for at in range(0, len(listed) - 3, 4)]
    if major in _AUDIO_BRANDS and _TRACK_BRANDS.isdisjoint(compatible):
        raise NotMedia("audio")
    # A general picture brand names no codec, the compatible ones do; a brand of videos decides nothing then.
    kinds = [kind for kind in map(_by_brand, (major, *compatible)) if kind is not None]
    if major in _HEIF_BRANDS:
        kinds = [kind for kind in kinds if kind.media_type is MediaType.IMAGE]
    if kinds and len(head) <= size and len(head) < SNIFF_BYTES:
        raise NotMedia("a file that ends with its type")
    if kinds:
        return kinds[0]
    raise NotMedia("a file of an unknown ISO brand")


def _by_brand(brand: bytes) -> Kind | None:
    if brand in _AVIF_BRANDS:
        return AVIF
    if brand in _HEIC_BRANDS:
        return HEIC
    if brand == b"qt  ":
        return QUICKTIME
    if brand in _MP4_BRANDS or brand[:3] in (b"3gp", b"3g2"):
        return MP4
    return None


def _matroska(head: bytes) -> Kind | None:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    kind = doctype(head)
    if kind == b"webm":
        return WEBM
    raise NotMedia("matroska video" if kind == b"matroska" else "unknown bytes")


def _pdf(head: bytes) -> Kind | None:
    return PDF if _PDF_START.match(_unmarked(head[:1024])) else None


def _unmarked(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)


def _other(head: bytes) -> str:
    bare = _unmarked(head)
    for front in _FRONTS:
        if bare.startswith(front):
            behind = _written(bare.removeprefix(front))
            return behind if behind in _DISGUISED else "unknown bytes"
    for start, found in _OTHERS:
        if head.startswith(start):
            return found
    if head.startswith(b"RIFF"):
        return {b"WAVE": "audio", b"AVI ": "a video of another type (avi)"}.get(head[8:12], "unknown bytes")
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio"
    if head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00":
        return "a picture of another type (bmp)"
    if head.startswith(b"G") and head[188:189] == b"G" and len(head) >= 189 and _CONTROL.search(head):
        return "a video of another type (mpeg-ts)"
    if head.startswith(b"\x00\x00\x01\xba"):
        return "a video of another type (mpeg)"
    # MPEG audio frames (ADTS included) start with eleven set bits and a known version; FF FE marks UTF-16.
    if head[0] == 0xFF and head[1:2] not in (b"\xff", b"\xfe", b"") and head[1] & 0xE0 == 0xE0:
        return "audio" if head[1] & 0x18 != 0x08 else "unknown bytes"
    return _written(head)


def _written(head: bytes) -> str:
    """Names bodies that are text of some kind."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[2:].decode(encoding, "replace").encode()
            break
    bare = _unmarked(head)
    if not bare:
        return "unknown bytes" if b"\x00" in head else "text"
    if bare.startswith(b"#EXTM3U"):
        return "an HLS playlist"
    if bare.startswith(b"<"):
        marked = _markup(bare)
        if marked:
            return marked
    if not _is_text(bare):
        return "unknown bytes"
    return "json" if _JSON_START.match(bare) else "text"


def _markup(text: bytes) -> str | None:
    """html, svg or xml for a text that starts with a tag, its comments and declarations left aside."""
    declared = False
    while True:
        skipped = _SKIPPED_MARKUP.match(text)
        declaration = None if skipped else _XML_DECLARATION.match(text)
        declared = declared or declaration is not None
        step = skipped or declaration
        if step is None:
            break
        text = text[step.end() :].lstrip(_BLANK)
    named = _DOCTYPE.match(text) or _TAG.match(text)
    name = named[1].lower() if named else b""
    if name in (b"svg", b"svg:svg"):
        return "svg"
    if name in _HTML_TAGS:
        return "html"
    if declared or name:
        return "xml"
    return None if text else "html"


def _is_text(head: bytes) -> bool:
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The cut at the end of the head may go through a character.
        return error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return True
