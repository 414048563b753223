"""What both dialects of a post have in common: its words, its counts, its place, and what holds of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...model import Json, Link, Location, Mention, Metrics
from ..fields import LONGEST_NAME, as_count, as_dict, as_line
from ..text import hashtags, links, mentions
from .names import exact_number
from .profiles import page_of, username

_USERNAME = re.compile(r"[A-Za-z0-9_.]{1,30}")
_LIKES = ("like_count", "edge_media_preview_like", "edge_liked_by", "likes")
_COMMENTS = ("comment_count", "edge_media_to_comment", "edge_media_to_parent_comment", "comments")
_VIEWS = ("play_count", "ig_play_count", "video_play_count", "video_view_count", "view_count")
_SHARES = ("reshare_count", "share_count", "shares")
_SAVES = ("save_count", "saves")
_REPOSTS = ("media_repost_count",)
_MORE = (
    "fb_play_count",
    "fb_like_count",
    "fb_comment_count",
    "fb_aggregated_like_count",
    "fb_aggregated_comment_count",
)
_COUNTED = (*_LIKES, *_COMMENTS, *_VIEWS, *_SHARES, *_SAVES, *_REPOSTS, *_MORE)
_HIDDEN = frozenset({*_LIKES, *_VIEWS, "fb_play_count", "fb_like_count", "fb_aggregated_like_count"})
_HIDING = "like_and_view_counts_disabled"
_NONE_SHOWN = -1
_FLAGS = (
    *("is_paid_partnership", "is_affiliate", "is_ad", "comments_disabled", _HIDING, "share_count_disabled"),
    *("is_quiet_post", "is_post_live_clips_media", "is_reshare_of_text_post_app_media_in_ig", "is_artist_pick"),
)


class Words(NamedTuple):
    """What a text says beside its words."""

    hashtags: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    links: tuple[Link, ...] = ()


def words(text: str | None) -> Words:
    """The hashtags, mentions and links of a caption."""
    if not text:
        return Words()
    return Words(hashtags(text), _mentions(text), tuple(Link(url) for url in links(text)))


def metrics(record: Mapping[str, Json]) -> Metrics:
    """The counts of a post in either dialect: the first name that has one wins, and zero is one.

    Where the owner hides likes and views (likes are -1 then), what stands there is no observation.
    """
    stated = {
        name: value.get("count") if isinstance(value, dict) else value
        for name in _COUNTED
        if (value := record.get(name)) is not None
    }
    hidden = record.get(_HIDING) is True or any(stated.get(name) == _NONE_SHOWN for name in _LIKES)
    detail = {
        name: count
        for name, value in stated.items()
        if (count := as_count(value)) is not None and not (hidden and name in _HIDDEN)
    }
    likes = _first(detail, _LIKES)
    return Metrics(
        reactions=likes,
        comments=_first(detail, _COMMENTS),
        reposts=_first(detail, _REPOSTS),
        views=_first(detail, _VIEWS),
        likes=likes,
        saves=_first(detail, _SAVES),
        shares=_first(detail, _SHARES),
        hidden=hidden,
        detail=detail,
    )


def flags(record: Mapping[str, Json], *more: str) -> tuple[str, ...]:
    """The platform's own words for what holds of the post, sorted."""
    return tuple(sorted({*more, *(name for name in _FLAGS if record.get(name) is True)}))


def location(value: Json) -> Location | None:
    """A place with a name; degrees only where both make sense."""
    place = as_dict(value)
    name = as_line(place.get("name") or place.get("short_name"), LONGEST_NAME)
    if name is None:
        return None
    latitude, longitude = _degrees(place.get("lat"), 90), _degrees(place.get("lng"), 180)
    if latitude is None or longitude is None:
        latitude = longitude = None
    number = next((n for n in map(exact_number, (place.get("pk"), place.get("id"))) if n), None)
    return Location(name, number, latitude, longitude)


def _first(detail: Mapping[str, int], names: Iterable[str]) -> int | None:
    return next((detail[name] for name in names if name in detail), None)


def _degrees(value: Json, most: int) -> float | None:
    return float(value) if type(value) in (int, float) and -most <= value <= most else None


def _mentions(text: str) -> tuple[Mention, ...]:
    found: dict[str, Mention] = {}
    for written in mentions(text):
        # A hyphen ends a username here.
        name = written.partition("-")[0]
        public = username(name) if _USERNAME.fullmatch(name) else None
        found.setdefault(name.casefold(), Mention(name, public, page_of(public)))
    return tuple(found.values())
