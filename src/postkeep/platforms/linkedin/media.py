"""Where LinkedIn keeps a post's media, and which part of a signed URL is the asset itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from ...model import Json, MediaRef, MediaType, PostFormat, Role
from ..fields import LONGEST_URL, Unread, as_dict, as_list, as_side
from ..urls import bounded_key, expiry, is_host, lasting_key, split

MOST_MEDIA = 1000
UNUSABLE = "media.url=unusable"

_ASSET = re.compile(r"/(?:dms/(?:image|document)|playlist/vid)/(?:[a-z]+/)*v2/([A-Za-z0-9_-]+)(?:/([^/]+))?")
_PIXELS = re.compile(r"_([0-9]{2,5})(?:_([0-9]{2,5}))?(?![0-9])")
_LINES = re.compile(r"mp4-([0-9]{3,4})p(?![a-z0-9])")
_LONGEST_RENDITION = 200

_RESHARED = {
    Role.OWN: Role.RESHARED,
    Role.THUMBNAIL: Role.RESHARED_THUMBNAIL,
    Role.DOCUMENT: Role.RESHARED_DOCUMENT,
    Role.COVER: Role.RESHARED_COVER,
    Role.ARTICLE: Role.RESHARED_ARTICLE,
}

_FORMATS = {
    MediaType.IMAGE: PostFormat.IMAGE,
    MediaType.VIDEO: PostFormat.VIDEO,
    MediaType.DOCUMENT: PostFormat.DOCUMENT,
}

_MEDIA_KEYS = frozenset({"type", "url", "images", "items", "thumbnail"})
_IMAGE_KEYS = frozenset({"url", "width", "height"})
_DOCUMENT_KEYS = frozenset({"title", "page_count", "url", "thumbnail"})
_ARTICLE_KEYS = frozenset({"url", "title", "subtitle", "thumbnail"})


class Place(NamedTuple):
    """What a media URL says: the key that outlives its signature, the variant served and its size."""

    url: str
    key: str
    rendition: str | None
    rank: int | None
    expires_at: datetime | None
    media_type: MediaType


@lru_cache(maxsize=4096)
def locate(url: str) -> Place | None:
    """Read a media URL; None when it is not an http or https URL with a host, or above 4,000 characters.

    Only LinkedIn's own hosts have asset keys: a stranger's URL must not pass for a LinkedIn asset.
    """
    address = split(url)
    if address is None:
        return None
    asset = _ASSET.match(address.path) if is_host(address.host, "licdn.com") else None
    key = bounded_key(asset[1]) if asset else lasting_key(address)
    rendition = asset[2] if asset else None
    if rendition is not None and len(rendition) > _LONGEST_RENDITION:
        rendition = None
    return Place(url, key, rendition, _rank(rendition), expiry(address), _guessed(address.path))


@lru_cache(maxsize=512)
def _rank(rendition: str | None) -> int | None:
    if rendition is None:
        return None
    if match := _LINES.match(rendition):
        return int(match[1])
    if match := _PIXELS.search(rendition):
        return max(int(match[1]), int(match[2] or 0))
    return None


def _guessed(path: str) -> MediaType:
    if "/playlist/vid/" in path or "mp4" in path:
        return MediaType.VIDEO
    return MediaType.DOCUMENT if "/dms/document/" in path else MediaType.IMAGE


class MediaWalk:
    """Collects the media of one owner in order and gives each its position and occurrence.

    `complete` turns false as soon as something stood there that could not be read.
    """

    __slots__ = ("_refs", "_seen", "_unread", "complete")

    def __init__(self, unread: Unread) -> None:
        self._refs: list[MediaRef] = []
        self._seen: dict[tuple[Role, str], int] = {}
        self._unread = unread
        self.complete = True

    def refs(self) -> tuple[MediaRef, ...]:
        return tuple(self._refs)

    def place(self, value: Json) -> Place | None:
        """The place a URL, or an object with the key `url`, names; what is unusable is noted."""
        if isinstance(value, dict):
            value = value.get("url")
        if value is None or value == "":
            return None
        place = locate(value) if isinstance(value, str) and len(value) <= LONGEST_URL else None
        if place is None:
            self.damaged(UNUSABLE)
        return place

    def damaged(self, name: str) -> None:
        """Note something that may have hidden media."""
        self._unread.note(name)
        self.complete = False

    def add(
        self,
        role: Role,
        media_type: MediaType,
        place: Place | None,
        size: Json = None,
        *,
        reshared: bool = False,
    ) -> None:
        """Append a place; `size` is an object whose width and height are taken when they make sense."""
        if place is None:
            return
        if len(self._refs) >= MOST_MEDIA:
            self.damaged("media=too_many")
            return
        if reshared:
            role = _RESHARED[role]
        seen = self._seen.get((role, place.key), 0)
        self._seen[role, place.key] = seen + 1
        width, height = _size(size)
        rank = place.rank
        if rank is None and not (place.rendition or "").endswith("-high"):
            rank = max(width or 0, height or 0) or None
        self._refs.append(
            MediaRef(
                role,
                media_type,
                place.url,
                place.key,
                len(self._refs),
                seen,
                place.rendition,
                rank,
                width,
                height,
                place.expires_at,
            )
        )

    def post(self, post: dict[str, Json], *, reshared: bool = False, prefix: str = "") -> None:
        """Walk `media`, `document` and `article` of a post, in this order."""
        article = post.get("article")
        preview = self.place(article.get("thumbnail")) if isinstance(article, dict) else None
        media = post.get("media")
        if isinstance(media, dict):
            self._unread.keys(f"{prefix}media.", media, _MEDIA_KEYS)
            if self._media(media, preview, reshared=reshared, prefix=prefix):
                preview = None
        elif media is not None:
            self.damaged("media=unusable")
        document = post.get("document")
        if isinstance(document, dict):
            self._unread.keys(f"{prefix}document.", document, _DOCUMENT_KEYS)
            self.add(Role.DOCUMENT, MediaType.DOCUMENT, self.place(document.get("url")), reshared=reshared)
            self.add(Role.COVER, MediaType.IMAGE, self.place(document.get("thumbnail")), reshared=reshared)
        elif document is not None:
            self.damaged("document=unusable")
        if isinstance(article, dict):
            self._unread.keys(f"{prefix}article.", article, _ARTICLE_KEYS)
        elif article is not None:
            self.damaged("article=unusable")
        self.add(Role.ARTICLE, MediaType.IMAGE, preview, reshared=reshared)

    def _media(self, media: dict[str, Json], preview: Place | None, *, reshared: bool, prefix: str) -> bool:
        """Walk `media`; tells whether the article's preview was among it."""
        kind = media.get("type")
        images = as_list(media.get("images")) or as_list(media.get("items"))
        if kind == "image" and not images:
            # Without `images` it is the preview of a link, not a picture the author attached.
            place = self.place(media.get("url"))
            self.add(Role.ARTICLE, MediaType.IMAGE, place, media, reshared=reshared)
            return place is not None and preview is not None and preview.key == place.key
        pictures = kind in ("image", "images")
        if not pictures and media:
            self._moving(media, images, kind, reshared=reshared)
        elif not images:
            self.add(Role.OWN, MediaType.IMAGE, self.place(media.get("url")), media, reshared=reshared)
        shown = False
        for image in images:
            if isinstance(image, dict):
                self._unread.keys(f"{prefix}media.images.", image, _IMAGE_KEYS)
            place = self.place(image)
            if place is None:
                continue
            is_preview = preview is not None and len(images) == 1 and place.key == preview.key
            shown = shown or is_preview
            role = Role.ARTICLE if is_preview else Role.OWN
            self.add(role, MediaType.IMAGE if pictures else place.media_type, place, image, reshared=reshared)
        return shown

    def _moving(self, media: dict[str, Json], images: list[Json], kind: Json, *, reshared: bool) -> None:
        """Walk `url` and `thumbnail` of a video, or of a type nobody knows yet."""
        place = self.place(media.get("url"))
        if kind != "video":
            name = kind[:40] if isinstance(kind, str) else "null" if kind is None else type(kind).__name__
            self.damaged(f"media.type={name}")
            if place is not None and any(self.place(image) == place for image in images):
                place = None
        if place is not None:
            media_type = MediaType.VIDEO if kind == "video" else place.media_type
            self.add(Role.OWN, media_type, place, media, reshared=reshared)
        thumbnail = self.place(media.get("thumbnail"))
        self.add(Role.THUMBNAIL, MediaType.IMAGE, thumbnail, reshared=reshared)


def format_of(
    media: Sequence[MediaRef], *, has_link: bool, whole: bool, reshared: bool = False
) -> PostFormat | None:
    """What a post is made of by its own media, or with `reshared` by those of the post it shares.

    Without any it is a link or a text, where the record is `whole`: told all there is.
    """
    document, own = (_RESHARED[role] if reshared else role for role in (Role.DOCUMENT, Role.OWN))
    if any(ref.role is document for ref in media):
        return PostFormat.DOCUMENT
    shown = [ref.media_type for ref in media if ref.role is own]
    if len(shown) > 1:
        return PostFormat.CAROUSEL
    if shown:
        return _FORMATS[shown[0]]
    if has_link:
        return PostFormat.LINK
    return PostFormat.TEXT if whole else None


def _size(value: Json) -> tuple[int | None, int | None]:
    size = as_dict(value)
    return as_side(size.get("width")), as_side(size.get("height"))
