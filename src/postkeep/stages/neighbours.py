"""Which media files should lie beside a downloader's record, and which place each of them is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from postkeep.model import Json, MediaRef, MediaType, Parsed, Post, Role

_PACKED = ".xz"
_ENDING = ".json"
_MARKS = (b'"instaloader"', b'"subcategory"')

_PICTURES = (".jpg", ".webp", ".png", ".heic")
_FILMS = (".mp4",)
_GALLERY_NAME = re.compile(r".+\.[A-Za-z0-9]{1,5}")
_OWN = frozenset({Role.OWN, Role.RESHARED})
_STILL = frozenset({Role.THUMBNAIL, Role.RESHARED_THUMBNAIL})
_ACCOUNT = re.compile(r".*_[0-9]+\.json(?:\.xz)?")
_AVATAR = re.compile(r".*_profile_pic\.[a-z0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Subject:
    """A place for media by the platform's own names: of a post, or of a profile."""

    platform: str
    native_id: str
    role: Role
    media_key: str
    occurrence: int

    @property
    def of_profile(self) -> bool:
        return self.role in (Role.AVATAR, Role.BANNER)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A file that may lie beside a record, and the places it may be of, likeliest first, by what it must be."""

    name: str
    subjects: tuple[tuple[Subject, MediaType], ...]

    def of_type(self, media_type: MediaType) -> Iterable[Subject]:
        return (subject for subject, wanted in self.subjects if wanted is media_type)


def may_be_sidecar(name: str, body: bytes) -> bool:
    """Whether a source of this name with this record may be one that a downloader left beside files."""
    return name.endswith((_ENDING, _ENDING + _PACKED)) and any(mark in body for mark in _MARKS)


def neighbours(name: str, platform: str, record: Json, parsed: Parsed) -> list[Neighbour]:
    """The files that may lie beside the record in the file of this name; none when it is no sidecar.

    Pictures of a profile whose names the record does not tell are found by `profile_pictures`.
    """
    if not isinstance(record, dict):
        return []
    if parsed.shape == "instaloader":
        return _of_instaloader(name, platform, parsed)
    # It writes its records as they are, so that another ending is somebody else's.
    bare = name.removesuffix(_ENDING)
    if parsed.shape != "gallery-dl" or bare == name or not _GALLERY_NAME.fullmatch(bare):
        return []
    subjects = [
        *(_subject(platform, post, ref) for post in parsed.posts for ref in _of_file(post, record)),
        *_avatars(platform, parsed, record),
    ]
    return [Neighbour(bare, tuple(subjects))] if subjects else []


def profile_pictures(name: str, platform: str, parsed: Parsed, listed: Sequence[str]) -> list[Neighbour]:
    """The newest profile picture in a folder that instaloader filled for one profile alone.

    `listed` are all names in the folder. Its pictures are named by the time they were put up.
    """
    if parsed.shape != "instaloader" or parsed.posts or len(parsed.profiles) != 1:
        return []
    if any(_ACCOUNT.fullmatch(other) for other in listed if other != name):
        return []
    newest = max(filter(_AVATAR.fullmatch, listed), default=None)
    subjects = tuple(_avatars(platform, parsed, {"subcategory": "avatar"}))
    return [Neighbour(newest, subjects)] if newest is not None and subjects else []


def _of_instaloader(name: str, platform: str, parsed: Parsed) -> list[Neighbour]:
    """Files are numbered as the carousel's slides; a video's still has its number, too."""
    base = name.removesuffix(_PACKED).removesuffix(_ENDING)
    # Where the record does not show all, the numbers may be those of other slides.
    if not base or len(parsed.posts) != 1 or not parsed.posts[0].tells_media:
        return []
    post = parsed.posts[0]
    slides = _slides(post.media)
    found = []
    for number, slide in enumerate(slides, start=1):
        subjects = tuple(_subject(platform, post, ref) for ref in slide)
        stems = [f"{base}_{number}", *([base] if len(slides) == 1 else [])]
        films = any(media_type is MediaType.VIDEO for _, media_type in subjects)
        endings = (*_PICTURES, *(_FILMS if films else ()))
        found += [Neighbour(stem + ending, subjects) for stem in stems for ending in endings]
    return found


def _slides(media: Sequence[MediaRef]) -> list[list[MediaRef]]:
    slides: list[list[MediaRef]] = []
    for ref in sorted(media, key=lambda ref: ref.position):
        if ref.role in _OWN:
            slides.append([ref])
        elif ref.role in _STILL and slides:
            slides[-1].append(ref)
    return slides


def _of_file(post: Post, record: dict[str, Json]) -> list[MediaRef]:
    """The places gallery-dl's one file may be: the one its record names, or counts, or the only one."""
    shown = [ref for ref in post.media if ref.role in _OWN | _STILL]
    own = [ref for ref in shown if ref.role in _OWN]
    named = [ref for ref in own if ref.media_key == record.get("filename")]
    if named:
        return named[:1]
    if len(own) > 1:
        number = record.get("num")
        at = number if post.tells_media and isinstance(number, int) else 0
        return [own[at - 1]] if 0 < at <= len(own) else []
    return shown


def _avatars(platform: str, parsed: Parsed, record: dict[str, Json]) -> Iterable[tuple[Subject, MediaType]]:
    if record.get("subcategory") != "avatar" or len(parsed.profiles) != 1:
        return
    profile = parsed.profiles[0]
    for ref in profile.media:
        if profile.native_id is not None and ref.role is Role.AVATAR:
            yield _place(platform, profile.native_id, ref)


def _subject(platform: str, post: Post, ref: MediaRef) -> tuple[Subject, MediaType]:
    return _place(platform, post.native_id, ref)


def _place(platform: str, native_id: str, ref: MediaRef) -> tuple[Subject, MediaType]:
    return Subject(platform, native_id, ref.role, ref.media_key, ref.occurrence), ref.media_type


def subjects_of(found: Iterable[Neighbour]) -> set[Subject]:
    """Every place these files may be of."""
    return {subject for subject, _ in chain.from_iterable(each.subjects for each in found)}
