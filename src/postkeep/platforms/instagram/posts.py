"""What both dialects of Instagram's own interfaces make of a post, once each has read what it names otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...model import Json, Post, PostFormat, PostKind, Profile
from ..fields import as_list, as_text
from .media import MediaWalk
from .names import PLATFORM_NAME, address_of, address_of_story, names_of, urn_of
from .parts import flags, location, metrics, words
from .reading import Reading


@dataclass(frozen=True, slots=True)
class Read:
    """What the dialects tell in different places; `text` is None with `tells_text` False when it is not told."""

    author: Profile | None
    text: str | None
    tells_text: bool
    walk: MediaWalk
    format: PostFormat | None
    tagged: list[Json]
    story: bool
    is_paid: bool = False


def caption_of(record: dict[str, Json]) -> tuple[str | None, bool]:
    """The caption, and whether the record tells it: null says that there is none."""
    if "caption" not in record:
        return None, False
    caption = record["caption"]
    text = "" if caption is None else as_text(caption.get("text") if isinstance(caption, dict) else caption)
    return text, text is not None


def post_of(
    record: dict[str, Json], reading: Reading, number: str, code: str, moment: datetime, read: Read
) -> Post:
    """The post of this number, shortcode and time, with what both dialects name alike."""
    author, said = read.author, words(read.text)
    name = author.username if author else None
    edited = record.get("caption_is_edited")
    more = [word for word, holds in (("story", read.story), ("is_paid_partnership", read.is_paid)) if holds]
    return Post(
        PLATFORM_NAME,
        number,
        urn_of(number),
        moment,
        PostKind.REGULAR,
        author=author,
        text=read.text,
        url=address_of_story(number, name) if read.story else address_of(code),
        aliases=names_of(number, code),
        media=read.walk.refs(),
        metrics=metrics(record),
        hashtags=said.hashtags,
        mentions=said.mentions,
        links=said.links,
        edited=edited if isinstance(edited, bool) else None,
        tells_media=read.walk.complete,
        tells_text=read.tells_text,
        format=read.format,
        tagged=reading.cast.admit_all(read.tagged, reading.unread),
        coauthors=reading.cast.admit_all(as_list(record.get("coauthor_producers")), reading.unread, but=author),
        location=location(record.get("location")),
        flags=flags(record, *more),
    )
