"""The files everybody fetches, the same for a seed, and a home whose media are these files and all due."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import orjson

LEAST, MOST = 30_000, 500_000
_MU, _SIGMA = 11.744, 0.6  # the median is 126 KB, the mean about 150
_PICTURES_A_POST = 8
_FIRST_POST = 1_740_000_000_000
_SIDES = ((2048, 1536), (1080, 1350), (1920, 1080), (1280, 720), (800, 800))

_JFIF = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_FRAME = b"\xff\xc0\x00\x11\x08"
_COMPONENTS = b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
_SCAN = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
_END = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Picture:
    """What a served file is, so that what a client made of it can be checked."""

    name: str
    size: int
    md5: str
    sha256: str
    width: int
    height: int


def write_pictures(folder: Path, count: int, *, seed: int) -> tuple[Picture, ...]:
    """Write `count` files like JPEGs, 30 to 500 KB, no two alike; a longer set begins with a shorter."""
    folder.mkdir(parents=True)
    return tuple(_write(folder / f"{number}.jpg", Random(f"{seed} {number}")) for number in range(count))


def _write(path: Path, random: Random) -> Picture:
    width, height = random.choice(_SIDES)
    size = min(MOST, max(LEAST, int(random.lognormvariate(_MU, _SIGMA))))
    head = _JFIF + _FRAME + struct.pack(">HH", height, width) + _COMPONENTS + _SCAN
    body = head + random.randbytes(size - len(head) - len(_END)) + _END
    path.write_bytes(body)
    return Picture(path.name, size, hashlib.md5(body).hexdigest(), hashlib.sha256(body).hexdigest(), width, height)


# --- posts --------------------------------------------------------------------------------------------


def write_posts(folder: Path, urls: Sequence[str], *, videos: Sequence[str] = ()) -> Path:
    """Write the scraped posts these media hang on, eight pictures or one video each, into one file of `folder`."""
    folder.mkdir(parents=True)
    path = folder / "dataset_jane-doe_2025-11-25_23-22-57-717.json"
    shown = [_gallery(urls[at : at + _PICTURES_A_POST]) for at in range(0, len(urls), _PICTURES_A_POST)]
    shown += [{"type": "video", "url": url} for url in videos]
    path.write_bytes(orjson.dumps([_post(number, media) for number, media in enumerate(shown)]))
    return path


def _gallery(urls: Sequence[str]) -> dict[str, Any]:
    images = [{"url": url, "width": 2048, "height": 1536} for url in urls]
    return {"type": "images" if len(urls) > 1 else "image", "url": urls[0], "images": images}


def _post(number: int, media: dict[str, Any]) -> dict[str, Any]:
    milliseconds = _FIRST_POST + number * 60_000
    activity = str(milliseconds << 22)
    kinds = {"like": number, "support": 0, "love": 0, "insight": 0, "celebrate": 0, "funny": 0}
    return {
        "urn": {"activity_urn": activity, "share_urn": str(int(activity) - 7), "ugcPost_urn": None},
        "full_urn": f"urn:li:activity:{activity}",
        "posted_at": {"date": "2025-03-01 09:00:00", "relative": "3 days ago", "timestamp": milliseconds},
        "text": f"Post {number}",
        "url": f"https://www.linkedin.com/posts/jane-doe_post-activity-{activity}-AbCd",
        "post_type": "regular",
        "author": {
            "first_name": "Jane",
            "last_name": "Doe",
            "headline": "Potter",
            "username": "jane-doe",
            "profile_url": "https://www.linkedin.com/in/jane-doe",
        },
        "stats": {"total_reactions": number, **kinds, "comments": 0, "reposts": 0},
        "media": media,
    }


# --- what came of it ----------------------------------------------------------------------------------


def digests(paths: Iterator[Path]) -> list[str]:
    """The MD5s of files, sorted."""
    return sorted(_md5(path) for path in paths)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


# --- a video ------------------------------------------------------------------------------------------

VIDEO_SIDES = (1920, 1080)
VIDEO_SECONDS = 3600


def write_video(path: Path, size: int) -> None:
    """Write an MP4 of `size` bytes whose frames are a hole in the file: it takes hardly any room here."""
    head = _box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2mp41") + _moov()
    with path.open("wb") as file:
        file.write(head)
        _write_mdat(file, size - len(head))


def _write_mdat(file: BinaryIO, length: int) -> None:
    # A length of 1 says that the real one follows in 64 bits.
    file.write(struct.pack(">I4sQ", 1, b"mdat", length))
    file.truncate(file.tell() - 16 + length)


def _moov() -> bytes:
    scale = 1000
    clock = struct.pack(">IIIII", 0, 0, 0, scale, VIDEO_SECONDS * scale) + b"\x00" * 80
    sides = struct.pack(">II", VIDEO_SIDES[0] << 16, VIDEO_SIDES[1] << 16)
    track = _box(b"tkhd", b"\x00" * 76 + sides) + _box(
        b"mdia", _box(b"hdlr", b"\x00" * 8 + b"vide" + b"\x00" * 13)
    )
    return _box(b"moov", _box(b"mvhd", clock) + _box(b"trak", track))


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content
