"""A post as bytes that stay equal while only signatures change, or who looks at it."""

from __future__ import annotations

import json
import re

import orjson

from ...errors import ParseError
from ...model import Json
from .escapes import is_escaped, unescape_bytes

OF_VIEWER = frozenset(
    {
        *("clicked", "visited", "saved", "hidden", "likes", "author_is_blocked", "can_gild", "can_mod_post"),
        *("no_follow", "send_replies", "user_reports", "mod_reports", "num_reports", "report_reasons", "mod_note"),
        *("mod_reason_by", "mod_reason_title", "approved_at_utc", "approved_by", "banned_at_utc", "banned_by"),
        *("is_crosspostable", "rte_mode", "is_friend", "is_blocked", "has_subscribed", "modhash"),
        *("pref_show_snoovatar", "notification_level", "can_assign_link_flair", "can_assign_user_flair"),
        *("accept_pms", "accept_chats", "ban_info", "inbox_count", "has_mail"),
        *("features", "num_friends", "coins", "is_enrolled_in_new_modmail"),
    }
)
_ROTATING = frozenset({"after", "before", "dist", "geo_filter", "modhash", "subreddit_subscribers", "created"})
# What stands beside the field it was made from, or holds somebody else's signatures.
_REPEATED = frozenset(
    {
        *("selftext_html", "media_embed", "secure_media_embed", "description_html", "public_description_html"),
        *("submit_text_html", "sr_detail"),
    }
)
OF_TOOLS = frozenset({"category", "subcategory", "date", "filename", "extension", "num", "count", "comment"})
_DROPPED = OF_VIEWER | _ROTATING | _REPEATED | OF_TOOLS
_DROPPED_EMBED = frozenset({"html", "thumbnail_url", "thumbnail_width", "thumbnail_height"})
_NESTED = ("data", "subreddit", "secure_media", "media")
_DEPTH = 4

# Only what the hosts of Reddit sign. A query holds ASCII alone and no comma, so that words behind an address in a
# text are kept.
_SIGNED = re.compile(
    rb"(https://(?:[a-z0-9-]+\.){0,3}(?:redd\.it|redditmedia\.com)/[\w.~%/-]*+)\?[\w.~%&=+@:;/-]*"
)


def canonical(record: Json) -> bytes:
    """The record's lasting content with sorted keys; raises ParseError when it is nested too deeply."""
    if not isinstance(record, dict):
        return _dumped(record)
    data = record.get("data")
    within = data if isinstance(data, dict) else record
    return lasting(record, escaped=is_escaped(_things(within)))


def lasting(record: dict[str, Json], *, escaped: bool) -> bytes:
    """The lasting content of one object; escaped and raw answers give the same bytes."""
    body = _dumped(_kept(record))
    if escaped:
        body = unescape_bytes(body)
    return _SIGNED.sub(rb"\1", body) if b"https://" in body else body


def _things(within: dict[str, Json]) -> list[dict[str, Json]]:
    children = within.get("children")
    if not isinstance(children, list):
        return [within]
    inner = (child.get("data") for child in children if isinstance(child, dict))
    return [each for each in inner if isinstance(each, dict)]


def _kept(value: dict[str, Json], depth: int = 0) -> dict[str, Json]:
    kept = {
        key: each
        for key, each in value.items()
        if key not in _DROPPED and not key.startswith("_") and not key.startswith("user_")
    }
    if depth >= _DEPTH:
        return kept
    for name in _NESTED:
        if isinstance(inner := kept.get(name), dict):
            kept[name] = _kept(inner, depth + 1)
    if isinstance(embed := kept.get("oembed"), dict):
        kept["oembed"] = {key: each for key, each in embed.items() if key not in _DROPPED_EMBED}
    for name in ("children", "crosspost_parent_list"):
        if isinstance(inner := kept.get(name), list):
            kept[name] = [_kept(each, depth + 1) if isinstance(each, dict) else each for each in inner]
    return kept


def _dumped(value: Json) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        try:
            return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        except RecursionError:
            raise ParseError("nested too deeply") from None
