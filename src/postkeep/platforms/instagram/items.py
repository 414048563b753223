"""The flat dialect of the app's own interface: single posts, and the pages `reels` and `feed`."""

from __future__ import annotations

from ...errors import ParseError
from ...model import Json, Parsed, Post, PostFormat
from ..fields import LONGEST_NAME, Unread, as_dict, as_line, as_list, as_moment, objects
from .keys import CAPTION_KEYS, CHILD_KEYS, ITEM_KEYS, PAGE_KEYS
from .media import CAROUSEL, PHOTO, VIDEO, MediaWalk
from .names import identify
from .posts import Read, caption_of, post_of
from .profiles import read_user
from .reading import Page, Reading

_FORMATS = {PHOTO: PostFormat.IMAGE, VIDEO: PostFormat.VIDEO, CAROUSEL: PostFormat.CAROUSEL}
_PINNED = {"reels": "clips_tab_pinned_user_ids", "feed": "timeline_pinned_user_ids"}
_SIGNS = frozenset({"taken_at", "image_versions2", "carousel_media", "video_versions", "device_timestamp"})
_NAMES = frozenset({"pk", "id", "code"})


def is_item(record: Json) -> bool:
    """Whether the record is a post of the flat dialect."""
    return (
        isinstance(record, dict)
        and "media_type" in record
        and not _NAMES.isdisjoint(record)
        and not _SIGNS.isdisjoint(record)
    )


def is_wrapped(record: Json) -> bool:
    """Whether the record is a post in a wrapper."""
    return isinstance(record, dict) and is_item(record.get("media"))


def is_page(record: dict[str, Json]) -> bool:
    """Whether the record is a page of posts, if of none."""
    shown = record.get("items")
    if not isinstance(shown, list):
        return False
    if any(is_item(each) or is_wrapped(each) for each in shown):
        return True
    return not shown and ("paging_info" in record or "more_available" in record)


def parse_item(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a single post; raises ParseError when it cannot be identified or dated."""
    reading = Reading()
    post = read_item(unwrapped(record, reading.unread, ""), reading, "")
    return reading.parsed("item", (post,), via)


def parse_page(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a page of posts; raises ParseError when it shows some and none can be read."""
    reading = Reading()
    reading.unread.keys("", record, PAGE_KEYS)
    shown = as_list(record.get("items"))
    paging = record.get("paging_info")
    kind = "reels" if paging is not None or any(map(is_wrapped, shown)) else "feed"
    page = Page(reading)
    page.read(
        shown,
        lambda item: read_item(item, reading, "items."),
        lambda item: pins(item, kind),
        "items",
        unwrap=lambda entry: unwrapped(entry, reading.unread, "items."),
    )
    more = as_dict(paging).get("more_available", record.get("more_available"))
    owner = reading.cast.admit(read_user(record.get("user"), reading.unread))
    if _is_lookup(record):
        # One post that was asked for by its name is no list.
        page.whole = False
    return page.parsed(kind, kind, via, owner=owner, complete=more is False)


def read_item(item: dict[str, Json], reading: Reading, prefix: str) -> Post:
    """Read a post without its wrapper; raises ParseError when it cannot be identified or dated."""
    number, code = identify(item)
    moment = as_moment(item.get("taken_at"))
    if moment is None:
        raise ParseError("no time", field="taken_at")
    unread = reading.unread
    _note(item, unread, prefix)
    text, tells_text = caption_of(item)
    walk = MediaWalk(unread, prefix)
    walk.item(item, number)
    owner = item.get("user") or item.get("owner") or _owner_in(item.get("id"))
    author = reading.cast.admit(read_user(owner, unread))
    story = as_line(item.get("product_type"), LONGEST_NAME) == "story"
    read = Read(author, text, tells_text, walk, _format(item), _tagged(item), story)
    return post_of(item, reading, number, code, moment, read)


def pins(item: dict[str, Json], kind: str | None) -> bool:
    """Whether the post is pinned to the top of a list of this kind."""
    name = _PINNED.get(kind or "")
    return name is not None and bool(as_list(item.get(name)))


def unwrapped(entry: dict[str, Json], unread: Unread, prefix: str) -> dict[str, Json]:
    """The post inside a wrapper, whose fields fill gaps and never take the place of what is inside."""
    if not is_wrapped(entry):
        return entry
    outer = {key: value for key, value in entry.items() if key != "media"}
    inner = {key: value for key, value in entry["media"].items() if value is not None or key not in outer}
    unread.keys(prefix, outer, ITEM_KEYS)
    return {**{key: value for key, value in outer.items() if key in ITEM_KEYS}, **inner}


def _is_lookup(record: dict[str, Json]) -> bool:
    plain = "num_results" in record and "user" not in record and "paging_info" not in record
    return plain and not record.get("next_max_id") and len(as_list(record.get("items"))) == 1


def _format(item: dict[str, Json]) -> PostFormat | None:
    kind = item.get("media_type")
    known = _FORMATS.get(kind) if type(kind) is int else None
    if item.get("carousel_media"):
        return PostFormat.CAROUSEL
    return PostFormat.REEL if item.get("product_type") == "clips" and known is not PostFormat.IMAGE else known


def _tagged(item: dict[str, Json]) -> list[Json]:
    shown = (item, *objects(item.get("carousel_media")))
    return [tag.get("user") for each in shown for tag in objects(as_dict(each.get("usertags")).get("in"))]


def _owner_in(full: Json) -> Json:
    """The owner's number in `{post}_{owner}`."""
    return {"pk": full.rpartition("_")[2]} if isinstance(full, str) and "_" in full else None


def _note(item: dict[str, Json], unread: Unread, prefix: str) -> None:
    unread.keys(prefix, item, ITEM_KEYS)
    unread.keys(f"{prefix}caption.", item.get("caption"), CAPTION_KEYS)
    for child in objects(item.get("carousel_media")):
        unread.keys(f"{prefix}carousel_media.", child, CHILD_KEYS)
