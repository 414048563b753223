"""What gallery-dl writes beside each file it fetched: one JSON object per file, so that several make one post."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ...errors import ParseError
from ...model import Json, Location, MediaType, Metrics, Parsed, Post, PostFormat, PostKind, Profile, Role
from ..fields import (
    LONGEST_NAME,
    as_count,
    as_dict,
    as_line,
    as_moment,
    as_side,
    as_text,
    as_url,
    from_milliseconds,
    objects,
)
from .keys import GALLERY_KEYS
from .media import MediaWalk, Version, best
from .names import (
    PLATFORM_NAME,
    address_of,
    exact_number,
    identify,
    names_of,
    number_of,
    shortcode,
    urn_of,
)
from .nodes import read_profile
from .parts import words
from .profiles import read_user
from .reading import Reading

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")
_SIGNS = frozenset({"post_shortcode", "post_id", "media_id"})
_SHAPE = "gallery-dl"


def is_sidecar(record: dict[str, Json]) -> bool:
    """Whether the record is one of gallery-dl's about Instagram."""
    if record.get("category") != PLATFORM_NAME:
        return False
    return not _SIGNS.isdisjoint(record) or (record.get("subcategory") == "info" and "username" in record)


def parse_sidecar(record: dict[str, Json], via: str | None) -> Parsed:
    """Read what stands beside one file; raises ParseError when it cannot be identified or dated."""
    reading = Reading()
    kind = record.get("subcategory")
    if kind == "info":
        user = {key: value for key, value in record.items() if key not in ("category", "subcategory")}
        return read_profile(user, reading, "", _SHAPE, via)
    reading.unread.keys("", record, GALLERY_KEYS)
    if kind == "avatar":
        reading.cast.admit(_avatar(record, reading))
        if not reading.cast.profiles:
            raise ParseError("neither an id nor a username", field="owner_id")
        return reading.parsed(_SHAPE, (), via)
    return reading.parsed(_SHAPE, (_post(record, reading),), via)


def _post(record: dict[str, Json], reading: Reading) -> Post:
    address = as_text(record.get("post_url")) or ""
    # Stories and highlights bear the number of their collection; each file is a post of its own.
    story = "/stories/" in address or record.get("subcategory") in ("stories", "highlights")
    number, code = _identify(record, story=story)
    moments = map(_moment, (record.get("date"), record.get("post_date")) if story else _dates(record))
    moment = next((moment for moment in moments if moment), None)
    if moment is None:
        raise ParseError("no time", field="post_date")
    cast, unread = reading.cast, reading.unread
    author = cast.admit(_author(record, reading))
    text = as_text(record.get("description"))
    said = words(text)
    # Each file of a carousel tells which one it is, and only of itself.
    walk = MediaWalk(unread, "", first=max((as_count(record.get("num")) or 1) - 1, 0))
    _media(record, walk, number, story=story)
    return Post(
        PLATFORM_NAME,
        number,
        urn_of(number),
        moment,
        PostKind.REGULAR,
        author=author,
        text=text,
        url=as_url(address) if story else address_of(code),
        aliases=names_of(number, code),
        media=walk.refs(),
        metrics=_metrics(record),
        hashtags=said.hashtags,
        mentions=said.mentions,
        links=said.links,
        tells_media=False,
        tells_text=text is not None,
        format=_format(record, address),
        tagged=cast.admit_all(objects(record.get("tagged_users")), unread),
        coauthors=cast.admit_all(objects(record.get("coauthors")), unread, but=author),
        location=_location(record),
        flags=("story",) if story else (),
    )


def _identify(record: dict[str, Json], *, story: bool) -> tuple[str, str]:
    if story:
        own = {"id": _media_number(record), "code": record.get("shortcode")}
        return identify(own)
    return identify({"id": record.get("post_id"), "code": record.get("post_shortcode")})


def _media_number(record: dict[str, Json]) -> str | None:
    """The number of the picture or video itself; the still of a video is told by a `p` behind it."""
    value = record.get("media_id")
    stated = exact_number(value.removesuffix("p") if isinstance(value, str) else value)
    code = shortcode(record.get("shortcode"))
    return stated or (number_of(code) if code else None)


def _dates(record: dict[str, Json]) -> tuple[Json, Json]:
    return record.get("post_date"), record.get("date")


def _moment(value: Json) -> datetime | None:
    if not isinstance(value, str):
        return as_moment(value)
    match = _STAMP.match(value)
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(match[0]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return from_milliseconds(int(at.timestamp()) * 1000)


def _author(record: dict[str, Json], reading: Reading) -> Profile | None:
    user = as_dict(record.get("user"))
    stated = {
        "id": record.get("owner_id"),
        "username": record.get("username"),
        "full_name": record.get("fullname"),
    }
    author = read_user(stated, reading.unread)
    # Whose list was read stands in `user`, who need not be the owner; its counts are zero when they are unknown.
    shown = read_user(user, reading.unread)
    same = author is not None and shown is not None and author.native_id == shown.native_id
    return shown if same or author is None else author


def _media(record: dict[str, Json], walk: MediaWalk, number: str, *, story: bool) -> None:
    sides = as_side(record.get("width")), as_side(record.get("height"))
    film, still = walk.place(record.get("video_url")), walk.place(record.get("display_url"))
    key = _media_number(record) or (None if record.get("sidecar_media_id") and not story else number)
    if film:
        walk.add(Role.OWN, MediaType.VIDEO, best([Version(film, *sides)]), key=key)
        # The size that is told is the video's.
        walk.add(Role.THUMBNAIL, MediaType.IMAGE, Version(still) if still else None)
    elif still:
        walk.add(Role.OWN, MediaType.IMAGE, Version(still, *sides), key=key)


def _metrics(record: dict[str, Json]) -> Metrics:
    # It writes zero where the answer had no count, so that zero is unknown here.
    likes = as_count(record.get("likes")) or None
    return Metrics(reactions=likes, likes=likes, detail={} if likes is None else {"likes": likes})


def _format(record: dict[str, Json], address: str) -> PostFormat | None:
    files = as_count(record.get("count"))
    if record.get("sidecar_media_id") or record.get("typename") == "GraphSidecar" or (files or 0) > 1:
        return PostFormat.CAROUSEL
    if record.get("video_url"):
        reel = "/reel/" in address or record.get("subcategory") in ("reel", "reels")
        return PostFormat.REEL if reel else PostFormat.VIDEO
    return PostFormat.IMAGE if record.get("display_url") else None


def _location(record: dict[str, Json]) -> Location | None:
    slug = as_line(record.get("location_slug"), LONGEST_NAME)
    return Location(slug.replace("-", " "), exact_number(record.get("location_id"))) if slug else None


def _avatar(record: dict[str, Json], reading: Reading) -> Profile | None:
    user = as_dict(record.get("user"))
    shown = {"profile_pic_url": record.get("display_url")}
    stated = {
        "id": record.get("owner_id"),
        "username": record.get("username"),
        "full_name": record.get("fullname"),
    }
    return read_user(
        {**user, **{key: value for key, value in {**stated, **shown}.items() if value}}, reading.unread
    )
