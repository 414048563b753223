"""Small pictures of posts, and the avatar, for a page that carries them in itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from postkeep.errors import FileDamaged, FileMissing
from postkeep.stages.looking import prove
from postkeep.stages.parts import Parts
from postkeep.store import creator_posts, stored_files
from postkeep.store.stored_files import StoredFile
from postkeep.views.creators import Picture, TopPost

LARGEST: Final = 400_000
"""Bytes: a page of a dozen pictures stays small enough to be sent."""


def pictures(parts: Parts, posts: Sequence[TopPost]) -> dict[str, Picture]:
    """A picture for each of these posts by post_id, where one is in the cache, proven, and not too large."""
    with parts.store.reading() as tx:
        shown = creator_posts.pictures_of(tx, [post.post_id for post in posts], most_bytes=LARGEST)
        ids = {file_id for file_ids in shown.values() for file_id in file_ids}
        files = {file.file_id: file for file in stored_files.cached_files(tx, sorted(ids))}
    found = {}
    for post_id, file_ids in shown.items():
        picture = _first(parts, [files[file_id] for file_id in file_ids if file_id in files])
        if picture is not None:
            found[post_id] = picture
    return found


def avatar(parts: Parts, profile_id: str) -> Picture | None:
    """A profile's avatar of now, where it is in the cache, proven, and not too large."""
    with parts.store.reading() as tx:
        shown = creator_posts.avatars_of(tx, profile_id, most_bytes=LARGEST)
        files = {file.file_id: file for file in stored_files.cached_files(tx, shown)}
    return _first(parts, [files[file_id] for file_id in shown if file_id in files])


def _first(parts: Parts, files: Sequence[StoredFile]) -> Picture | None:
    """The first that is there and whole; what is not is queued again."""
    for file in files:
        try:
            proven = prove(parts, file)
            return Picture(proven.mime_type, Path(proven.path).read_bytes())
        except (FileMissing, FileDamaged, FileNotFoundError):
            continue
    return None
