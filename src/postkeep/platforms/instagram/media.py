"""Where Instagram keeps a post's media, which rendition of each is the best, and when its address ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from ...model import Json, MediaRef, MediaType, Role
from ..fields import (
    LONGEST_NAME,
    LONGEST_URL,
    MAX_COUNT,
    Unread,
    as_count,
    as_dict,
    as_line,
    as_list,
    as_moment,
    as_side,
    objects,
)
from ..urls import bounded_key, expiry, is_host, lasting_key, split
from .names import item_number

MOST_MEDIA = 1000
UNUSABLE = "media.url=unusable"
LONGEST_CAPTION = 2000

_HOSTS = ("cdninstagram.com", "fbcdn.net")
_FILE = re.compile(r"/([A-Za-z0-9_-]{8,200})(?:\.[A-Za-z0-9]{1,5})?$")
_ENDS = re.compile(r"(?:^|&)oe=([0-9A-Fa-f]{8})(?=&|$)")
_SIGNED = re.compile(r"(?:^|&)oh=")
_FRAMES = ("first_frame", "igtv_first_frame", "smart_frame")

PHOTO, VIDEO, CAROUSEL = 1, 2, 8


class Place(NamedTuple):
    """What a media URL says: the key that outlives its signature, and when the signature ends."""

    url: str
    key: str
    expires_at: datetime | None


class Version(NamedTuple):
    """One rendition of a picture or video, with the size the record claims."""

    place: Place
    width: int | None = None
    height: int | None = None
    bandwidth: int = 0

    @property
    def area(self) -> int:
        return (self.width or 0) * (self.height or 0)


@lru_cache(maxsize=4096)
def locate(url: str) -> Place | None:
    """Read a media URL; None when it is not an http or https URL with a host, or above 4,000 characters.

    Only on Instagram's own hosts is the file's name the key: it is the same whatever size is served.
    """
    address = split(url)
    if address is None:
        return None
    own = any(is_host(address.host, host) for host in _HOSTS)
    file = _FILE.search(address.path) if own else None
    ends = _ENDS.search(address.query) if own or _SIGNED.search(address.query) else None
    return Place(
        url,
        bounded_key(file[1]) if file else lasting_key(address),
        as_moment(int(ends[1], 16)) if ends else expiry(address),
    )


def best(versions: Iterable[Version]) -> Version | None:
    """The version of the largest area, among equals that of the highest bandwidth, among those the first."""
    return max(versions, key=lambda version: (version.area, version.bandwidth), default=None)


class MediaWalk:
    """Collects the media of one post in order and gives each its position and occurrence.

    `complete` turns false as soon as something stood there that could not be read, or was said to be there and
    is not. `first` is the position of the first.
    """

    __slots__ = ("_first", "_prefix", "_refs", "_seen", "_unread", "complete")

    def __init__(self, unread: Unread, prefix: str, *, first: int = 0) -> None:
        self._first = first
        self._refs: list[MediaRef] = []
        self._seen: dict[tuple[Role, str], int] = {}
        self._unread = unread
        self._prefix = prefix
        self.complete = True

    def refs(self) -> tuple[MediaRef, ...]:
        return tuple(self._refs)

    def place(self, value: Json) -> Place | None:
        """The place a URL names; what is unusable is noted."""
        if value is None or value == "":
            return None
        place = locate(value) if isinstance(value, str) and len(value) <= LONGEST_URL else None
        if place is None:
            self.damaged(UNUSABLE)
        return place

    def damaged(self, name: str) -> None:
        """Note something that may have hidden media."""
        self._unread.note(f"{self._prefix}{name}")
        self.complete = False

    def versions(
        self, value: Json, url: str = "url", width: str = "width", height: str = "height"
    ) -> list[Version]:
        """The renditions in a list of objects, whose keys the names give."""
        found = []
        for each in objects(value):
            place = self.place(each.get(url))
            if place is not None:
                sides = as_side(each.get(width)), as_side(each.get(height))
                found.append(Version(place, *sides, as_count(each.get("bandwidth")) or 0))
        return found

    def add(
        self,
        role: Role,
        media_type: MediaType,
        version: Version | None,
        *,
        key: str | None = None,
        caption: Json = None,
    ) -> None:
        """Append a rendition; `key` is the number of the picture or video itself, where that is known.

        Without one, and for thumbnails (a reel may get another cover), the key is the file's name.
        """
        if version is None:
            return
        if len(self._refs) >= MOST_MEDIA:
            self.damaged("media=too_many")
            return
        key = key or version.place.key
        seen = self._seen.get((role, key), 0)
        self._seen[role, key] = seen + 1
        ref = sized(role, media_type, version)
        caption = as_line(caption, LONGEST_CAPTION)
        self._refs.append(
            replace(ref, media_key=key, position=self._first + len(self._refs), occurrence=seen, caption=caption)
        )

    # --- the flat dialect of the API ---

    def item(self, item: dict[str, Json], number: str) -> None:
        """Walk a picture, a video or a carousel as the API shows them; `number` is the post's own."""
        children = item.get("carousel_media")
        if isinstance(children, list) and children:
            for child in children:
                if isinstance(child, dict):
                    self._single(child, item_number(child))
                else:
                    self.damaged("carousel_media=unusable")
            told = as_count(item.get("carousel_media_count"))
            if told is not None and told > len(children):
                self.complete = False
            return
        if children or item.get("media_type") == CAROUSEL:
            self.damaged("carousel_media=absent")
            self.add(Role.THUMBNAIL, MediaType.IMAGE, self._still(item))
            return
        self._single(item, number)

    def _single(self, item: dict[str, Json], number: str | None) -> None:
        still = self._still(item)
        moving = best(self.versions(item.get("video_versions")))
        caption = item.get("accessibility_caption")
        if moving is not None:
            self.add(Role.OWN, MediaType.VIDEO, moving, key=number, caption=caption)
            self.add(Role.THUMBNAIL, MediaType.IMAGE, still)
        elif item.get("media_type") == VIDEO:
            self.add(Role.THUMBNAIL, MediaType.IMAGE, still)
            self.damaged("video_versions=absent")
        elif still is not None:
            self.add(Role.OWN, MediaType.IMAGE, still, key=number, caption=caption)
        else:
            self.damaged("image_versions2=absent")

    def _still(self, item: dict[str, Json]) -> Version | None:
        images = as_dict(item.get("image_versions2"))
        found = best(self.versions(images.get("candidates")))
        if found is None:
            frames = as_dict(images.get("additional_candidates"))
            found = best(self.versions([frames.get(name) for name in _FRAMES]))
        if found is None and (place := self.place(item.get("display_uri"))):
            found = Version(place)
        return found

    # --- the nested dialect of GraphQL ---

    def node(self, node: dict[str, Json], number: str) -> None:
        """Walk a picture, a video or a sidecar as GraphQL shows them."""
        sidecar = node.get("edge_sidecar_to_children")
        edges = as_list(as_dict(sidecar).get("edges"))
        for edge in edges:
            child = as_dict(as_dict(edge).get("node"))
            if child:
                self._node(child, item_number(child))
            else:
                self.damaged("edge_sidecar_to_children=unusable")
        if edges:
            return
        whole = sidecar is None and not is_sidecar(node)
        self._node(node, number, whole=whole)

    def _node(self, node: dict[str, Json], number: str | None, *, whole: bool = True) -> None:
        size = as_dict(node.get("dimensions"))
        sides = as_side(size.get("width")), as_side(size.get("height"))
        shown = self.place(node.get("display_url") or node.get("display_src"))
        stills = [Version(shown, *sides)] if shown else []
        stills += self.versions(node.get("display_resources"), "src", "config_width", "config_height")
        films = self.versions(node.get("video_resources"), "src", "config_width", "config_height")
        film = self.place(node.get("video_url"))
        if film:
            films.insert(0, Version(film, *sides))
        moving, still, caption = best(films), best(stills), node.get("accessibility_caption")
        if not whole or (moving is None and node.get("is_video") is True):
            # Short forms show the still of a video, or of a sidecar's first picture, and no more.
            self.add(Role.THUMBNAIL, MediaType.IMAGE, still)
            self.complete = False
        elif moving is not None:
            self.add(Role.OWN, MediaType.VIDEO, moving, key=number, caption=caption)
            self.add(Role.THUMBNAIL, MediaType.IMAGE, still)
        elif still is not None:
            self.add(Role.OWN, MediaType.IMAGE, still, key=number, caption=caption)
        else:
            self.damaged("display_url=absent")


def is_sidecar(node: dict[str, Json]) -> bool:
    """Whether a GraphQL node is a carousel."""
    kind = as_line(node.get("__typename"), LONGEST_NAME)
    return kind is not None and kind.endswith("Sidecar")


def sized(role: Role, media_type: MediaType, version: Version) -> MediaRef:
    """The rendition as a medium of its own at position 0, with its key from the URL and its area as its rank."""
    width, height = version.width, version.height
    known = width is not None and height is not None
    moving = media_type is MediaType.VIDEO
    return MediaRef(
        role,
        media_type,
        version.place.url,
        version.place.key,
        position=0,
        # A still may have the size of its video, and both may have one key.
        rendition=f"{'video' if moving else 'image'}-{width}x{height}" if known else None,
        rendition_rank=min(version.area, MAX_COUNT) if known else None,
        width=width,
        height=height,
        expires_at=version.place.expires_at,
    )
