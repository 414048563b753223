"""Instagram's raw entries as content: once as the predecessor read them, once as they are meant.

The predecessor's way (facts of its two builds) keeps what it made of strange values, for its figures depend on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from postkeep.model import Json

from .content import Content, Kind

_VIEWS_OF_REEL: Final = ("play_count", "ig_play_count", "video_view_count", "view_count")
_VIEWS_OF_POST: Final = ("view_count", "play_count", "video_view_count")
_LIKES: Final = ("like_count", "likes")
_COMMENTS: Final = ("comment_count", "comments")
_SAVES: Final = ("save_count", "saves")
_SHARES: Final = ("share_count", "shares")
_REAL_SHARES: Final = (*_SHARES, "reshare_count")

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,11}")
_DIGITS: Final = re.compile(r"[0-9]{1,20}")
# A JSON number above this was rounded on its way to us.
_EXACT: Final = 2**53


# --- as it is meant -----------------------------------------------------------------------------------------


def read(raws: Iterable[Json], kind: Kind, creator: str | None = None) -> tuple[Content, ...]:
    """The objects of a list as content; `kind` holds for what does not say itself that it is a clip.

    With `creator` (the account's own id) what belongs to another account is marked. What is no object is left out.
    """
    return tuple(_read(fields, kind, creator) for fields in _objects(raws))


def creator_of(raws: Iterable[Json]) -> str | None:
    """The account whose lists these are: the one that owns or co-signs most of them; None when two do equally."""
    signed: Counter[str] = Counter()
    owned: Counter[str] = Counter()
    for fields in _objects(raws):
        owner = _owner(fields)
        signers = {_account(each) for each in _list(fields.get("coauthor_producers"))} | {owner}
        signed.update(each for each in signers if each)
        owned.update([owner] if owner else [])
    ranked = sorted(((signed[name], owned[name]), name) for name in signed)
    if not ranked or (len(ranked) > 1 and ranked[-1][0] == ranked[-2][0]):
        return None
    return ranked[-1][1]


def native_id(fields: dict[str, Json]) -> str | None:
    """The canonical id as digits: from `id`, from a `pk` that was not rounded, else from the shortcode."""
    whole = fields.get("id")
    head = whole.partition("_")[0] if isinstance(whole, str) else ""
    if _DIGITS.fullmatch(head):
        return head
    return _exact(fields.get("pk")) or _decoded(fields.get("code") or fields.get("shortcode"))


def _read(fields: dict[str, Json], kind: Kind, creator: str | None) -> Content:
    owner = _owner(fields)
    if fields.get("product_type") == "clips":
        kind = Kind.REEL
    views, views_as = _first_count(fields, _VIEWS_OF_REEL)
    return Content(
        native_id=native_id(fields),
        kind=kind,
        posted_at=_moment(fields.get("taken_at")) or _moment(fields.get("taken_at_timestamp")),
        views=views,
        views_as=views_as,
        likes=_first(_first_count(fields, _LIKES)[0], _edge(fields, "edge_media_preview_like", "edge_liked_by")),
        comments=_first(_first_count(fields, _COMMENTS)[0], _edge(fields, "edge_media_to_comment")),
        saves=_first_count(fields, _SAVES)[0],
        shares=_first_count(fields, _REAL_SHARES)[0],
        caption=_caption(fields),
        pinned=any(bool(fields.get(f"{tab}_pinned_user_ids")) for tab in ("clips_tab", "timeline")),
        own=creator is None or owner is None or owner == creator,
        hidden=fields.get("like_and_view_counts_disabled") is True,
    )


def _objects(raws: Iterable[Json]) -> Iterator[dict[str, Json]]:
    """Each object without its wrapper, whose fields fill what is missing inside."""
    for raw in raws:
        if not isinstance(raw, dict):
            continue
        inner = raw.get("media")
        if not isinstance(inner, dict):
            yield raw
            continue
        around = {key: value for key, value in raw.items() if key != "media"}
        yield {**around, **{key: value for key, value in inner.items() if value is not None or key not in around}}


def _first_count(fields: dict[str, Json], names: Sequence[str]) -> tuple[int | None, str | None]:
    for name in names:
        value = fields.get(name)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and value >= 0:
            return value, name
    return None, None


def _edge(fields: dict[str, Json], *names: str) -> int | None:
    """The count of the first GraphQL edge that has one."""
    edges = (fields.get(name) for name in names)
    return _first(*(_first_count(each, ["count"])[0] for each in edges if isinstance(each, dict)))


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _caption(fields: dict[str, Json]) -> str | None:
    if "caption" not in fields:
        return None
    caption = fields["caption"]
    text = caption.get("text") if isinstance(caption, dict) else caption
    return text if isinstance(text, str) else ""


def _owner(fields: dict[str, Json]) -> str | None:
    whole = fields.get("id")
    behind = whole.partition("_")[2] if isinstance(whole, str) else ""
    return _account(fields.get("user")) or (behind if _DIGITS.fullmatch(behind) else None)


def _account(user: Json) -> str | None:
    if not isinstance(user, dict):
        return None
    return next((found for key in ("id", "pk_id", "pk") if (found := _exact(user.get(key)))), None)


def _exact(value: Json) -> str | None:
    if type(value) is int and 0 < value < _EXACT:
        return str(value)
    return value if isinstance(value, str) and _DIGITS.fullmatch(value) else None


def _decoded(code: Json) -> str | None:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return None
    value = 0
    for letter in code:
        value = value * 64 + _LETTERS.index(letter)
    return str(value)


def _moment(value: Json) -> datetime | None:
    if type(value) not in (int, float) or not value:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


# --- as the predecessor read it -----------------------------------------------------------------------------


def read_as_built(raws: Iterable[Json], kind: Kind) -> tuple[Content, ...]:
    """The list as the predecessor read it: wrapper before inside, first non-null of the fallbacks, else 0.

    A count that is there but null stays None and one that is no number stays what it is: its formulas stumble over
    them, as they did. `taken_at` that is no time is none. What is no object raises AttributeError, as it did.
    """
    return tuple(_as_built(raw, kind) for raw in raws)


def _as_built(raw: Json, kind: Kind) -> Content:
    fields: dict[str, Json] = raw
    inner = raw.get("media")
    if isinstance(inner, dict):
        fields = {**inner, **{key: value for key, value in raw.items() if key != "media"}}
    caption = fields.get("caption")
    text = caption.get("text") if isinstance(caption, dict) else caption
    return Content(
        native_id=native_id(fields),
        kind=kind,
        posted_at=_moment(fields.get("taken_at")),
        views=_chain(fields, _VIEWS_OF_REEL if kind is Kind.REEL else _VIEWS_OF_POST),
        likes=_chain(fields, _LIKES),
        comments=_chain(fields, _COMMENTS),
        saves=_chain(fields, _SAVES),
        shares=_chain(fields, _SHARES),
        caption=text,
    )


def _chain(fields: dict[str, Json], names: Sequence[str]) -> Json:
    present = [fields[name] for name in names if name in fields]
    return next((value for value in present if value is not None), None if present else 0)
