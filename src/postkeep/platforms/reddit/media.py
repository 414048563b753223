"""The media of a submission, in the order in which Reddit shows them."""

from __future__ import annotations

from itertools import islice

from ...model import Json, MediaRef, MediaType, Role
from ..fields import LONGEST_HEADLINE, Unread, as_dict, as_line, as_list, as_side, objects
from ..urls import bounded_key
from . import keys
from .assets import (
    OUTSIDE,
    Film,
    audio_names,
    beside,
    film,
    guessed_film,
    image_address,
    is_asset,
    is_own_image,
    locate,
    original_of,
)
from .escapes import unescape
from .words import caption_of

MOST_MEDIA = 1000

_RESHARED = {
    Role.OWN: Role.RESHARED,
    Role.THUMBNAIL: Role.RESHARED_THUMBNAIL,
    Role.ARTICLE: Role.RESHARED_ARTICLE,
}
_EXTENSIONS = {
    "image/jpg": "jpg",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
}
_LONGEST_BODY = 100_000


class MediaWalk:
    """Collects the media of one post and gives each its position and occurrence.

    `complete` turns false as soon as something stood there that could not be read or is not ready yet. With
    `reshared`, all of it belongs to the post that is shared.
    """

    __slots__ = ("_escaped", "_refs", "_reshared", "_seen", "_unread", "complete")

    def __init__(self, unread: Unread, *, reshared: bool, escaped: bool) -> None:
        self._refs: list[MediaRef] = []
        self._seen: dict[tuple[Role, str], int] = {}
        self._unread = unread
        self._reshared = reshared
        self._escaped = escaped
        self.complete = True

    def refs(self) -> tuple[MediaRef, ...]:
        return tuple(self._refs)

    def damaged(self, name: str) -> None:
        """Note something that may have hidden media."""
        self._unread.note(name)
        self.complete = False

    def post(self, post: dict[str, Json], text: str | None) -> None:
        """Walk gallery or video or picture, then pictures inside the text, then the preview of a link."""
        preview = self._preview(post)
        target = locate(post.get("url_overridden_by_dest")) or locate(post.get("url"))
        shown = self._gallery(post)
        if not shown:
            shown = self._video(post, target.url if target else None, preview)
        if not shown and target is not None and is_own_image(target):
            source = as_dict(preview.get("source"))
            self._add(Role.OWN, MediaType.IMAGE, original_of(target), target.key, *_size(source))
            shown = True
        self._inline(post, text)
        if not shown:
            self._article(post, preview)

    def _gallery(self, post: dict[str, Json]) -> bool:
        gallery = post.get("gallery_data")
        if not isinstance(gallery, dict):
            if post.get("is_gallery") is not True and gallery is None:
                return False
            # Null when it was deleted, and while it is being made.
            self.complete = False
            return True
        self._unread.keys("gallery_data.", gallery, keys.GALLERY)
        assets = as_dict(post.get("media_metadata"))
        entries = gallery.get("items")
        if not isinstance(entries, list) or (entries and not assets):
            self.complete = False
        for entry in as_list(entries):
            if not isinstance(entry, dict):
                self.damaged("gallery_data.items=unusable")
                continue
            self._unread.keys("gallery_data.items.", entry, keys.GALLERY_ENTRY)
            if entry.get("is_deleted") is True:
                continue
            name = entry.get("media_id")
            asset = assets.get(name) if isinstance(name, str) else None
            caption = as_line(entry.get("caption"), LONGEST_HEADLINE)
            self._asset(name, asset, unescape(caption) if caption and self._escaped else caption)
        return True

    def _asset(self, name: Json, asset: Json, caption: str | None) -> None:
        if not isinstance(name, str) or not name or not isinstance(asset, dict):
            self.complete = False
            return
        self._unread.keys("media_metadata.", asset, keys.ASSET)
        status = asset.get("status")
        if status == "failed":
            return
        kind = asset.get("e")
        if status != "valid" or kind not in ("Image", "AnimatedImage", "RedditVideo"):
            # An unprocessed one will be there later.
            if status != "unprocessed":
                self._unread.note("media_metadata.status=unusable")
            self.complete = False
            return
        if kind == "RedditVideo":
            self._uploaded_film(name, asset, caption)
            return
        source = as_dict(asset.get("s"))
        width, height = as_side(source.get("x")), as_side(source.get("y"))
        place = locate(source.get("gif" if kind == "AnimatedImage" else "u"))
        mime = asset.get("m")
        extension = (place.extension if place else None) or (
            _EXTENSIONS.get(mime) if isinstance(mime, str) else None
        )
        if is_asset(name) and extension and (place is None or is_own_image(place)):
            url = image_address(name, extension)
        elif place is not None:
            url = place.url
        else:
            self.damaged("media_metadata.s=unusable")
            return
        self._add(Role.OWN, MediaType.IMAGE, url, bounded_key(name), width, height, caption=caption)

    def _uploaded_film(self, name: str, asset: dict[str, Json], caption: str | None) -> None:
        """A video in a gallery or text, of which Reddit tells the playlists alone."""
        if not is_asset(name):
            self.damaged("media_metadata.id=unusable")
            return
        width, height = as_side(asset.get("x")), as_side(asset.get("y"))
        best, others = guessed_film(name, min(width, height) if width and height else None)
        self._film(best, width, height, others=others, caption=caption)
        if asset.get("isGif") is not True and asset.get("has_audio") is not False:
            self._sound(best)

    def _video(self, post: dict[str, Json], target: str | None, preview: dict[str, Json]) -> bool:
        video: dict[str, Json] = {}
        for name in ("secure_media", "media"):
            holder = post.get(name)
            if holder is not None and not isinstance(holder, dict):
                self.damaged(f"{name}=unusable")
            video = video or as_dict(as_dict(holder).get("reddit_video"))
        self._unread.keys("reddit_video.", video, keys.VIDEO)
        there = (video.get("fallback_url"), video.get("dash_url"), video.get("hls_url"), target)
        found = next((each for value in there if (each := film(value))), None)
        if found is None:
            if post.get("is_video") is True or video:
                self.complete = False
            return False
        width, height = as_side(video.get("width")), as_side(video.get("height"))
        others: tuple[str, ...] = ()
        if found.rendition is None:
            found, others = guessed_film(found.key, min(width, height) if width and height else None)
            self.complete = False
        self._film(found, width, height, others=others)
        if video.get("has_audio") is not False and video.get("is_gif") is not True:
            self._sound(found)
        self._poster(post, preview, found.key)
        return True

    def _film(
        self,
        found: Film,
        width: int | None,
        height: int | None,
        *,
        others: tuple[str, ...] = (),
        caption: str | None = None,
    ) -> None:
        rank = found.rank or (min(width, height) if width and height and not others else None)
        self._add(
            Role.OWN,
            MediaType.VIDEO,
            found.url,
            found.key,
            width,
            height,
            rendition=found.rendition,
            rank=rank,
            caption=caption,
            others=others,
        )

    def _sound(self, found: Film) -> None:
        """The sound of a video is a file of its own, an MP4 without pictures."""
        first, *others = audio_names(found.family)
        url = beside(found.key, first)
        # Its poster has the same key, and is another thing.
        rendition = first.removesuffix(".mp4")
        self._add(Role.AUDIO_TRACK, MediaType.VIDEO, url, found.key, rendition=rendition, others=tuple(others))

    def _poster(self, post: dict[str, Json], preview: dict[str, Json], key: str) -> None:
        source = as_dict(preview.get("source"))
        if place := locate(source.get("url")):
            self._add(Role.THUMBNAIL, MediaType.IMAGE, place.url, key, *_size(source))
        elif place := locate(post.get("thumbnail")):
            self._add(Role.THUMBNAIL, MediaType.IMAGE, place.url, key, *_thumbnail_size(post))

    def _inline(self, post: dict[str, Json], text: str | None) -> None:
        """What the text shows of the uploads beside it, in its order; what it does not name is not shown."""
        assets = as_dict(post.get("media_metadata"))
        if not text or not assets:
            return
        text = text[:_LONGEST_BODY]
        known = {ref.media_key for ref in self._refs}
        there = sorted(
            (at, name)
            for name in islice(assets, MOST_MEDIA)
            if len(name) >= 4 and name not in known and (at := text.find(name)) >= 0
        )
        for at, name in there:
            self._asset(name, assets[name], caption_of(text, name, at))

    def _article(self, post: dict[str, Json], preview: dict[str, Json]) -> None:
        source = as_dict(preview.get("source"))
        place = locate(source.get("url"))
        size = _size(source)
        if place is None:
            place, size = locate(post.get("thumbnail")), _thumbnail_size(post)
        if place is None:
            return
        if post.get("is_self") is True and (place.host != OUTSIDE or self._refs):
            # What a text shows of its own is no link's preview.
            return
        self._add(Role.ARTICLE, MediaType.IMAGE, place.url, place.key, *size)

    def _preview(self, post: dict[str, Json]) -> dict[str, Json]:
        preview = as_dict(post.get("preview"))
        self._unread.keys("preview.", preview, keys.PREVIEW)
        first = next(objects(preview.get("images")), {})
        self._unread.keys("preview.images.", first, keys.IMAGE)
        return first

    def _add(
        self,
        role: Role,
        media_type: MediaType,
        url: str,
        key: str,
        width: int | None = None,
        height: int | None = None,
        *,
        rendition: str | None = None,
        rank: int | None = None,
        caption: str | None = None,
        others: tuple[str, ...] = (),
    ) -> None:
        if len(self._refs) >= MOST_MEDIA:
            self.damaged("media=too_many")
            return
        if self._reshared:
            role = _RESHARED.get(role, role)
        seen = self._seen.get((role, key), 0)
        self._seen[role, key] = seen + 1
        if rank is None and not others and media_type is MediaType.IMAGE:
            rank = max(width or 0, height or 0) or None
        self._refs.append(
            MediaRef(
                role,
                media_type,
                url,
                key,
                len(self._refs),
                seen,
                rendition,
                rank,
                width,
                height,
                caption=caption,
                alternatives=others,
            )
        )


def _size(source: dict[str, Json]) -> tuple[int | None, int | None]:
    return as_side(source.get("width")), as_side(source.get("height"))


def _thumbnail_size(post: dict[str, Json]) -> tuple[int | None, int | None]:
    return as_side(post.get("thumbnail_width")), as_side(post.get("thumbnail_height"))
