"""Posts with their media by the predecessors' function names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from postkeep.library import Library


class ExtractedMedia(TypedDict):
    """What became of a post's media: found, in the cache, not to be had."""

    media_ids: list[str]
    media_count: int
    media_cached: int
    media_errors: int


def extract_and_store_media(library: Library, post_id: str, post_data: Mapping[str, Any]) -> ExtractedMedia:
    """Store the media of a post's JSON and fetch each once; a media failure never fails the post.

    `post_id` is a stored post's id or any of its names; an empty one takes the post from the JSON, new or
    known. Failures are kept and tried again later. Calling it again with the same JSON changes nothing.
    Raises ParseError when the JSON is no post, NotFound when it is another one than `post_id`.
    """
    stored = library.extract_and_store_media(post_id, dict(post_data))
    return ExtractedMedia(
        media_ids=list(stored.media_ids),
        media_count=stored.found,
        media_cached=stored.cached,
        media_errors=stored.errors,
    )
