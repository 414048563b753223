"""One submission, as a listing, a page of its own or somebody's archive shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ParseError
from ...model import Json, Metrics, Original, Post, PostFormat, PostKind, Presence
from ..fields import LONGEST_URL, Unread, as_count, as_dict, as_moment, as_text, objects
from ..text import hashtags
from . import keys
from .assets import is_own_image, locate
from .escapes import unescape
from .media import MediaWalk
from .names import PLATFORM_NAME, POST, SITE, alias, bare_id, post_id
from .profiles import Cast, author_of, community_of
from .words import attached, joined, mentions, text_links

_MOST_COUNTS = 50

_FLAGS = (
    *("archived", "contest_mode", "is_created_from_ads_ui", "is_meta", "is_original_content", "locked"),
    *("media_only", "over_18", "pinned", "promoted", "quarantine", "spoiler", "stickied"),
)
_COUNTS = (
    *("score", "ups", "num_comments", "num_crossposts", "num_duplicates", "view_count", "gilded"),
    "total_awards_received",
)
"""`downs` is left out: Reddit writes 0 there, whatever it is."""
_OF_SCORE = frozenset({"score", "ups", "upvote_ratio_percent"})
_GONE = {"[deleted]": Presence.DELETED, "[removed]": Presence.REMOVED, "[ removed by reddit ]": Presence.REMOVED}
_GONE_TITLES = {**_GONE, "[deleted by user]": Presence.DELETED}
_BY_AUTHOR = frozenset({"deleted", "author"})
_FULL = frozenset({"title", "selftext", "url", "is_self", "media"})


@dataclass(slots=True)
class Reading:
    """What the submissions of one answer are collected in."""

    unread: Unread
    cast: Cast
    escaped: bool

    def text(self, value: Json) -> str | None:
        """A text as its author wrote it."""
        text = as_text(value)
        return unescape(text) if text is not None and self.escaped else text


def read_post(post: dict[str, Json], reading: Reading, *, prefix: str, known: frozenset[str] = keys.POST) -> Post:
    """Read a submission; raises ParseError when it cannot be identified or dated."""
    reading.unread.keys(prefix, post, known)
    native_id = post_id(post)
    if native_id is None:
        raise ParseError("no id", field="id")
    posted_at = as_moment(_seconds(post.get("created_utc")))
    if posted_at is None:
        raise ParseError("no time", field="created_utc")
    presence = _presence(post)
    title, body = _words(post, reading)
    text = joined(title, body)
    is_crosspost = _is_crosspost(post)
    parent = _parent(post) if is_crosspost else None
    shown = post if parent is None else parent
    walk = MediaWalk(reading.unread, reshared=is_crosspost, escaped=reading.escaped)
    walk.post(shown, reading.text(shown.get("selftext")))
    is_whole = presence is Presence.THERE and post.keys() >= _FULL
    tells_media = walk.complete and (
        not is_crosspost or (parent is not None and _presence(parent) is Presence.THERE)
    )
    return Post(
        PLATFORM_NAME,
        native_id,
        f"{POST}_{native_id}",
        posted_at,
        PostKind.QUOTE if is_crosspost else PostKind.REGULAR,
        author=reading.cast.admit(author_of(post)),
        community=reading.cast.admit(community_of(post)),
        text=text,
        url=_address(post, native_id),
        aliases=(alias(native_id),),
        media=walk.refs(),
        metrics=_metrics(post),
        original=_original(post, parent, reading) if is_crosspost else None,
        hashtags=hashtags(text) if text else (),
        mentions=mentions(text),
        links=(*text_links(text), *attached(shown, escaped=reading.escaped)),
        edited=_edited(post.get("edited")),
        tells_media=is_whole and tells_media,
        tells_text=is_whole and body is not None,
        title=title,
        format=_format(shown),
        presence=presence,
        flags=_flags(post),
    )


def _words(post: dict[str, Json], reading: Reading) -> tuple[str | None, str | None]:
    """Title and body; what Reddit writes in place of them is none."""
    title, body = reading.text(post.get("title")), reading.text(post.get("selftext"))
    return _unless(title, _GONE_TITLES), _unless(body, _GONE)


def _unless(text: str | None, marks: dict[str, Presence]) -> str | None:
    return None if text is None or text.strip().lower() in marks else text


def _presence(post: dict[str, Json]) -> Presence:
    category = post.get("removed_by_category")
    if isinstance(category, str) and category:
        return Presence.DELETED if category in _BY_AUTHOR else Presence.REMOVED
    for name, marks in (("selftext", _GONE), ("title", _GONE_TITLES)):
        value = post.get(name)
        if isinstance(value, str) and (found := marks.get(value.strip().lower())):
            return found
    # An author without a name left Reddit, and what he wrote may still be there.
    return Presence.PRIVATE if post.get("subreddit_type") == "private" else Presence.THERE


def _is_crosspost(post: dict[str, Json]) -> bool:
    return bare_id(post.get("crosspost_parent"), POST) is not None or _parent(post) is not None


def _parent(post: dict[str, Json]) -> dict[str, Json] | None:
    """The submission that is shared: the one that is named, where several stand."""
    parents = list(objects(post.get("crosspost_parent_list")))
    named = bare_id(post.get("crosspost_parent"), POST)
    return next((parent for parent in parents if named and post_id(parent) == named), next(iter(parents), None))


def _original(post: dict[str, Json], parent: dict[str, Json] | None, reading: Reading) -> Original:
    known = parent or {}
    reading.unread.keys("crosspost_parent_list.", known, keys.POST)
    native_id = bare_id(post.get("crosspost_parent"), POST) or post_id(known)
    return Original(
        (alias(native_id),) if native_id else (),
        reading.cast.admit(author_of(known)),
        joined(*_words(known, reading)),
        _address(known, native_id) if native_id else None,
        as_moment(_seconds(known.get("created_utc"))),
    )


def _address(post: dict[str, Json], native_id: str) -> str:
    path = as_text(post.get("permalink"))
    if (
        path is None
        or not path.startswith("/")
        or len(path) > LONGEST_URL - len(SITE)
        or any(map(str.isspace, path))
    ):
        return f"{SITE}/comments/{native_id}/"
    return f"{SITE}{unescape(path)}"


def _format(post: dict[str, Json]) -> PostFormat | None:
    """What the submission is made of; a text with pictures in it stays a text."""
    target = locate(post.get("url_overridden_by_dest")) or locate(post.get("url"))
    media = as_dict(post.get("secure_media")) or as_dict(post.get("media"))
    if post.get("is_gallery") is True or isinstance(post.get("gallery_data"), dict):
        return PostFormat.CAROUSEL
    if post.get("is_video") is True or "reddit_video" in media or (target and target.host == "v.redd.it"):
        return PostFormat.VIDEO
    if post.get("is_self") is True:
        return PostFormat.TEXT
    if target is None:
        return None
    return PostFormat.IMAGE if is_own_image(target) else PostFormat.LINK


def _metrics(post: dict[str, Json]) -> Metrics:
    """The score counts for reactions: votes for and against in one, so there are no likes to tell."""
    hidden = post.get("hide_score") is True or post.get("score_hidden") is True
    detail = {name: count for name in _COUNTS if (count := as_count(post.get(name))) is not None}
    ratio = post.get("upvote_ratio")
    if isinstance(ratio, int | float) and not isinstance(ratio, bool) and 0 <= ratio <= 1:
        detail["upvote_ratio_percent"] = round(ratio * 100)
    for name, value in as_dict(post.get("gildings")).items():
        count = as_count(value)
        if count is not None and len(detail) < _MOST_COUNTS:
            detail[f"gildings.{name}"[:80]] = count
    if hidden:
        detail = {name: count for name, count in detail.items() if name not in _OF_SCORE}
    return Metrics(
        reactions=detail.get("score"),
        comments=detail.get("num_comments"),
        reposts=detail.get("num_crossposts"),
        views=detail.get("view_count"),
        hidden=hidden,
        detail=detail,
    )


def _flags(post: dict[str, Json]) -> tuple[str, ...]:
    flags = {name for name in _FLAGS if post.get(name) is True}
    if isinstance(post.get("distinguished"), str) and post["distinguished"]:
        flags.add("distinguished")
    return tuple(sorted(flags))


def _edited(value: Json) -> bool | None:
    """False, the time of the last edit, or (before 2012) true."""
    if isinstance(value, bool):
        return value
    return True if as_moment(value) else None


def _seconds(value: Json) -> Json:
    # Archives of Reddit have it as text.
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) <= 12 else value
