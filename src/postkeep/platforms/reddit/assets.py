"""Where Reddit keeps its files, and which part of an address is the asset itself."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from ...model import Json
from ..fields import LONGEST_URL
from ..urls import bounded_key, is_host, lasting_key, split
from .escapes import unescape

IMAGES: Final = "i.redd.it"
PREVIEWS: Final = "preview.redd.it"
OUTSIDE: Final = "external-preview.redd.it"
VIDEOS: Final = "v.redd.it"
_UPLOADS = "i.reddituploads.com"

# A name may lead with words of the title: `my-cat-v0-abc123.jpg`.
_FILE = re.compile(r"/(?:[^/]*-v[0-9]-)?([A-Za-z0-9_-]{4,200})(?:\.([A-Za-z0-9]{1,5}))?")
_VIDEO = re.compile(r"/(?:link/[0-9a-z]+/(?:asset|video)/)?([A-Za-z0-9]{4,64})(?:/([^/]{1,100}))?(?:/.*)?")
_RENDITION = re.compile(r"([A-Z]{2,10})_([0-9A-Z_]{1,20})(?:\.mp4)?")
_ASSET = re.compile(r"[A-Za-z0-9_-]{4,64}")

LADDER: Final = (1080, 720, 480, 360, 240)
"""The shorter sides, in pixels, of the renditions Reddit makes of a video."""

_AUDIO = {
    "CMAF": ("CMAF_AUDIO_128.mp4", "CMAF_AUDIO_64.mp4"),
    "DASH": ("DASH_AUDIO_128.mp4", "DASH_AUDIO_64.mp4", "DASH_audio.mp4", "audio"),
}


class Place(NamedTuple):
    """What an address says: its host, and the key that outlives its signature."""

    url: str
    host: str
    key: str
    extension: str | None


class Film(NamedTuple):
    """What an address at the video host says: the video's id and the rendition it serves."""

    url: str
    key: str
    rendition: str | None
    rank: int | None
    family: str | None


def locate(value: Json) -> Place | None:
    """Read a media address, escaped or not; None when it is none (Reddit writes words there: `self`, `nsfw`)."""
    return _locate(value) if isinstance(value, str) and len(value) <= LONGEST_URL else None


@lru_cache(maxsize=2048)
def _locate(value: str) -> Place | None:
    url = unescape(value)
    address = split(url)
    if address is None:
        return None
    host = address.host
    if host in (IMAGES, PREVIEWS, OUTSIDE, _UPLOADS) and (found := _FILE.fullmatch(address.path)):
        return Place(url, host, found[1], found[2].lower() if found[2] else None)
    if is_host(host, "redditmedia.com"):
        # What is asked for there (size, crop) is signed, and the path names the file.
        return Place(url, host, bounded_key(f"{host}{address.path}"), None)
    return Place(url, host, lasting_key(address), None)


def is_own_image(place: Place) -> bool:
    """Whether the address leads to a picture that was uploaded to Reddit."""
    return place.host in (IMAGES, PREVIEWS, _UPLOADS) and "/" not in place.key


def original_of(place: Place) -> str:
    """The address of the picture as it was uploaded: unsigned, so that it does not expire."""
    if place.host != PREVIEWS:
        return place.url
    return image_address(place.key, place.extension) if place.extension else place.url


def image_address(asset: str, extension: str) -> str:
    return f"https://{IMAGES}/{asset}.{extension}"


def is_asset(value: Json) -> bool:
    """Whether it can be the id of something uploaded to Reddit; pictures from elsewhere have a `|` in theirs."""
    return isinstance(value, str) and _ASSET.fullmatch(value) is not None


def film(value: Json) -> Film | None:
    """Read an address at the video host, of a rendition, a playlist or the video itself; None for another."""
    place = locate(value)
    if place is None or place.host != VIDEOS:
        return None
    address = split(place.url)
    found = _VIDEO.fullmatch(address.path) if address else None
    if found is None:
        return None
    named = _RENDITION.fullmatch(found[2]) if found[2] else None
    if named is None:
        return Film(place.url, found[1], None, None, None)
    rank = int(named[2]) if named[2].isdecimal() and len(named[2]) <= 4 else None
    return Film(place.url, found[1], found[2].removesuffix(".mp4"), rank, named[1])


def guessed_film(key: str, short_side: int | None) -> tuple[Film, tuple[str, ...]]:
    """The rendition a video of this size should have, and the other names it may have, better ones first."""
    steps = [step for step in LADDER if short_side is None or step <= short_side] or [LADDER[-1]]
    names = [f"{family}_{step}.mp4" for step in steps for family in ("CMAF", "DASH")]
    best = names[0].removesuffix(".mp4")
    rank = None if short_side is None else steps[0]
    return Film(f"https://{VIDEOS}/{key}/{names[0]}", key, best, rank, None), tuple(names[1:])


def audio_names(family: str | None) -> tuple[str, ...]:
    """The names a video's sound may have beside it, likeliest first; of every family when it is unknown."""
    if family is None:
        return (*_AUDIO["CMAF"], *_AUDIO["DASH"])
    return _AUDIO.get(family) or (f"{family}_AUDIO_128.mp4", f"{family}_AUDIO_64.mp4")


def beside(key: str, name: str) -> str:
    """The address of a file of a video."""
    return f"https://{VIDEOS}/{key}/{name}"
