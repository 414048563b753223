"""The JSON files that instaloader writes beside what it fetched: a GraphQL object and who wrote it."""

from __future__ import annotations

from dataclasses import replace

from ...errors import ParseError
from ...model import Json, Parsed, Post
from ..fields import as_dict
from .items import is_item, read_item
from .nodes import read_node, read_profile
from .reading import Reading

_KEYS = frozenset({"node", "instaloader"})
_WRITER_KEYS = frozenset({"version", "node_type"})
_APP = "iphone_struct"
_KINDS = frozenset({"Post", "StoryItem", "Profile"})
_SHAPE = "instaloader"
_PREFIX = "node."


def is_sidecar(record: dict[str, Json]) -> bool:
    """Whether the record is one of instaloader's that shows a post, a story or a profile."""
    kind = as_dict(record.get("instaloader")).get("node_type")
    return isinstance(kind, str) and kind in _KINDS and isinstance(record.get("node"), dict)


def parse_sidecar(record: dict[str, Json], via: str | None) -> Parsed:
    """Read what stands beside a post's files; raises ParseError when it cannot be identified or dated."""
    reading = Reading()
    reading.unread.keys("", record, _KEYS)
    writer, node = as_dict(record["instaloader"]), as_dict(record["node"])
    reading.unread.keys("instaloader.", writer, _WRITER_KEYS)
    if writer.get("node_type") == "Profile":
        # The app's own view of the same profile has what the older object lacks.
        user = {**as_dict(node.get(_APP)), **{key: value for key, value in node.items() if key != _APP}}
        return read_profile(user, reading, _PREFIX, _SHAPE, via)
    post = read_node(node, reading, _PREFIX)
    shown = as_dict(node.get(_APP))
    if is_item(shown):
        post = _completed(post, shown, reading)
    return reading.parsed(_SHAPE, (post,), via)


def _completed(post: Post, shown: dict[str, Json], reading: Reading) -> Post:
    """The post with what the app's own view of it adds: larger pictures, more counts, the place."""
    try:
        other = read_item(shown, reading, f"{_PREFIX}{_APP}.")
    except ParseError:
        return post
    if other.native_id != post.native_id:
        return post
    counts = post.metrics
    detail = {**other.metrics.detail, **counts.detail}
    names = ("reactions", "comments", "reposts", "views", "likes", "saves", "shares")
    known = {name: getattr(counts, name) for name in names if getattr(counts, name) is not None}
    return replace(
        post,
        media=other.media if other.tells_media else post.media,
        tells_media=other.tells_media or post.tells_media,
        metrics=replace(other.metrics, **known, detail=detail, hidden=counts.hidden or other.metrics.hidden),
        author=post.author or other.author,
        format=other.format or post.format,
        text=post.text if post.tells_text else other.text,
        tells_text=post.tells_text or other.tells_text,
        tagged=post.tagged or other.tagged,
        coauthors=post.coauthors or other.coauthors,
        location=post.location or other.location,
        flags=tuple(sorted({*post.flags, *other.flags})),
        edited=other.edited if post.edited is None else post.edited,
    )
