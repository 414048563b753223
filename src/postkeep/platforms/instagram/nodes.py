"""The nested dialect of GraphQL: posts, and profiles with the first posts of their timeline."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import ParseError
from ...model import Json, Parsed, Post, PostFormat, Profile
from ..fields import LONGEST_NAME, Unread, as_dict, as_line, as_list, as_moment, as_text
from .keys import NODE_KEYS, PROFILE_KEYS, WRAPPER_KEYS
from .media import MediaWalk, is_sidecar
from .names import identify, shortcode
from .posts import Read, caption_of, post_of
from .profiles import read_account, read_user
from .reading import Page, Reading

_SIGNS = frozenset({"__typename", "display_url", "taken_at_timestamp", "edge_media_to_caption", "is_video"})
_EDGES = frozenset({"edge_followed_by", "edge_follow", "edge_owner_to_timeline_media"})
_COUNTS = frozenset({"follower_count", "following_count"})
_TIMELINE = "edge_owner_to_timeline_media"
_POSTS = ("shortcode_media", "xdt_shortcode_media")


class Found(NamedTuple):
    """What stands inside a wrapper, and the path to it."""

    inner: dict[str, Json]
    prefix: str


def is_node(record: Json) -> bool:
    """Whether the record is a post of the nested dialect."""
    if not isinstance(record, dict):
        return False
    return shortcode(record.get("shortcode")) is not None and not _SIGNS.isdisjoint(record)


def is_account(record: Json) -> bool:
    """Whether the record is about a profile itself."""
    if not isinstance(record, dict):
        return False
    if not _EDGES.isdisjoint(record):
        return "username" in record or "id" in record or _has_timeline(record)
    return (
        "username" in record
        and ("profile_pic_url" in record or not _COUNTS.isdisjoint(record))
        and ("biography" in record)
    )


def find_node(record: dict[str, Json]) -> Found | None:
    """The post in a GraphQL answer, in an edge, or bare; None when there is none."""
    if is_node(record):
        return Found(record, "")
    if "instaloader" not in record and is_node(record.get("node")):
        return Found(as_dict(record["node"]), "node.")
    answers = (record, ""), (as_dict(record.get("graphql")), "graphql."), (as_dict(record.get("data")), "data.")
    for answer, prefix in answers:
        for name in _POSTS:
            if is_node(answer.get(name)):
                return Found(as_dict(answer[name]), f"{prefix}{name}.")
    return None


def find_account(record: dict[str, Json]) -> Found | None:
    """The profile in a GraphQL answer, in the app's answer, or bare; None when there is none."""
    if is_account(record):
        return Found(record, "")
    for outer in ("graphql", "data"):
        user = as_dict(record.get(outer)).get("user")
        if is_account(user):
            return Found(as_dict(user), f"{outer}.user.")
    user = record.get("user")
    return Found(as_dict(user), "user.") if is_account(user) and "items" not in record else None


def parse_node(found: Found, record: dict[str, Json], via: str | None) -> Parsed:
    """Read a post; raises ParseError when it cannot be identified or dated."""
    reading = Reading()
    if found.prefix:
        reading.unread.keys("", record, WRAPPER_KEYS)
    return reading.parsed("graphql-post", (read_node(found.inner, reading, found.prefix),), via)


def parse_account(found: Found, record: dict[str, Json], via: str | None) -> Parsed:
    """Read a profile and the posts it shows; raises ParseError when the answer says that it failed."""
    if record.get("status") in (False, "fail"):
        raise ParseError("the answer says that it failed", field="status")
    reading = Reading()
    if found.prefix:
        reading.unread.keys("", record, WRAPPER_KEYS)
    shape = "graphql-profile" if found.prefix else "profile"
    return read_profile(found.inner, reading, found.prefix, shape, via)


def read_profile(user: dict[str, Json], reading: Reading, prefix: str, shape: str, via: str | None) -> Parsed:
    """Read a profile, and the posts of its timeline as the list they stand in."""
    reading.unread.keys(prefix, user, PROFILE_KEYS)
    profile = reading.cast.admit(read_account(user, reading.unread))
    timeline = as_dict(user.get(_TIMELINE))
    edges = as_list(timeline.get("edges"))
    nodes = [as_dict(edge).get("node") or edge for edge in edges]
    if profile is None and not nodes:
        raise ParseError("neither an id nor a username", field=f"{prefix}id")
    inner = f"{prefix}{_TIMELINE}."
    page = Page(reading)
    try:
        page.read(
            nodes,
            lambda node: read_node(node, reading, inner, profile),
            lambda node: bool(as_list(node.get("pinned_for_users"))),
            _TIMELINE,
        )
    except ParseError:
        # The profile tells of itself whatever its posts are.
        if profile is None:
            raise
    complete = as_dict(timeline.get("page_info")).get("has_next_page") is False
    return page.parsed(shape, "timeline", via, owner=profile, complete=complete)


def read_node(node: dict[str, Json], reading: Reading, prefix: str, owner: Profile | None = None) -> Post:
    """Read a post; `owner` made it when it does not say who did. Raises ParseError without an id or a time."""
    number, code = identify(node)
    times = (node.get("taken_at_timestamp"), node.get("taken_at"), node.get("date"))
    moment = next((moment for moment in map(as_moment, times) if moment), None)
    if moment is None:
        raise ParseError("no time", field="taken_at_timestamp")
    unread = reading.unread
    _note(node, unread, prefix)
    text, tells_text = _text(node)
    walk = MediaWalk(unread, prefix)
    walk.node(node, number)
    author = reading.cast.admit(read_user(node.get("owner"), unread)) or owner
    story = "Story" in (as_line(node.get("__typename"), LONGEST_NAME) or "")
    is_paid = bool(_edges(node, "edge_media_to_sponsor_user"))
    read = Read(author, text, tells_text, walk, _format(node), _tagged(node), story, is_paid)
    return post_of(node, reading, number, code, moment, read)


def _has_timeline(record: dict[str, Json]) -> bool:
    return bool(_edges(record, _TIMELINE))


def _edges(record: dict[str, Json], name: str) -> list[dict[str, Json]]:
    edges = as_list(as_dict(record.get(name)).get("edges"))
    return [node for edge in edges if (node := as_dict(as_dict(edge).get("node")))]


def _text(node: dict[str, Json]) -> tuple[str | None, bool]:
    """The caption, and whether the record tells it: no edges say that there is none."""
    captions = as_dict(node.get("edge_media_to_caption")).get("edges")
    if isinstance(captions, list):
        shown = _edges(node, "edge_media_to_caption")
        text = as_text(shown[0].get("text")) if shown else None if captions else ""
        return text, text is not None
    return caption_of(node)


def _format(node: dict[str, Json]) -> PostFormat | None:
    if "edge_sidecar_to_children" in node or is_sidecar(node):
        return PostFormat.CAROUSEL
    moving = node.get("is_video")
    if not isinstance(moving, bool):
        return None
    if not moving:
        return PostFormat.IMAGE
    return PostFormat.REEL if node.get("product_type") == "clips" else PostFormat.VIDEO


def _tagged(node: dict[str, Json]) -> list[Json]:
    shown = (node, *_edges(node, "edge_sidecar_to_children"))
    return [tag.get("user") for each in shown for tag in _edges(each, "edge_media_to_tagged_user")]


def _note(node: dict[str, Json], unread: Unread, prefix: str) -> None:
    unread.keys(prefix, node, NODE_KEYS)
    for child in _edges(node, "edge_sidecar_to_children"):
        unread.keys(f"{prefix}edge_sidecar_to_children.", child, NODE_KEYS)
