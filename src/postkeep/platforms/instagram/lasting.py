"""A record as bytes that stay equal while only signatures, tokens and what the viewer's session adds change."""

from __future__ import annotations

import json
import re

import orjson

from ...errors import ParseError
from ...model import Json

_VOLATILE = frozenset(
    {
        # Of the answer, not of what it shows.
        *("attempts", "status", "paging_info", "next_max_id", "page_info", "extensions", "num_results"),
        *("auto_load_more_enabled", "profile_grid_items_cursor"),
        # Tokens and tracking.
        *("organic_tracking_token", "tracking_token", "logging_info_token", "mezql_token", "inventory_source"),
        *("lynx_url", "external_lynx_url", "external_url_linkshimmed", "view_state_item_type"),
        *("related_ads_pivots_media_info", "meta_ai_suggested_prompts", "ig_cache_key"),
        # Manifests are full of signed addresses, and the renditions stand beside them.
        *("video_dash_manifest", "dash_manifest", "dash_info", "scrubber_spritesheet_info_candidates"),
        # Who looks, and what else the people did meanwhile.
        *("friendship_status", "latest_reel_media", "top_likers", "facepile_top_likers", "social_context"),
        *("user_activation_info", "account_badges", "creator_viewer_insights"),
        # The program that wrote a sidecar.
        "version",
    }
)
_PRIVATE = re.compile(r"_(?!_)")
_SIGNED = re.compile(
    r"https?://(?:(?:[a-z0-9-]+\.)*(?:cdninstagram\.com|fbcdn\.net)(/[^\s?#]*)\?\S*"
    r"|[^\s/?#]+(/[^\s?#]*)\?(?=\S*?\boh=)\S*?\boe=\S*)",
    re.IGNORECASE,
)
_SHIM = "https://l.instagram.com/"
_SHIMMED = re.compile(r"[&?][es]=[^&\s]*")


def lasting(record: Json) -> bytes:
    """The record's lasting content with sorted keys; raises ParseError when it is nested too deeply."""
    try:
        kept = _kept(record)
        try:
            return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()
    except RecursionError:
        raise ParseError("nested too deeply") from None


def _kept(value: Json) -> Json:
    if isinstance(value, dict):
        return {
            key: _kept(inner) for key, inner in value.items() if key not in _VOLATILE and not _PRIVATE.match(key)
        }
    if isinstance(value, list):
        return [_kept(inner) for inner in value]
    if isinstance(value, str) and value[:4] == "http" and "?" in value:
        # The server that answers changes as well as the signature: the path alone names the file.
        signed = _SIGNED.fullmatch(value)
        if signed:
            return signed[1] or signed[2]
        if value.startswith(_SHIM):
            return _SHIMMED.sub("", value)
    return value
