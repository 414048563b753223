"""What Reddit calls its things: ids with and without their kind, and the addresses built from names."""

from __future__ import annotations

import re
from typing import Final

from ...model import OWN_ID, Alias, Json

PLATFORM_NAME: Final = "reddit"
POST: Final = "t3"
ACCOUNT: Final = "t2"
COMMUNITY: Final = "t5"
SITE: Final = "https://www.reddit.com"

_ID = re.compile(r"[0-9a-z]{1,13}")
_FULL = re.compile(r"(t[1-9])_([0-9a-z]{1,13})")
_ADDRESS = re.compile(
    r"(?:https?://(?:[a-z0-9-]+\.)*reddit\.com/|(?:[a-z0-9-]+\.)*reddit\.com/|/?(?=r/|u/|user/|comments/))"
    r"(?:(?:r|u|user)/[a-z0-9_-]{1,100}/)?(?:comments|gallery|tb)/(?:t3_)?([0-9a-z]{1,13})(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_SHORT = re.compile(r"(?:https?://)?(?:www\.)?redd\.it/([0-9a-z]{1,13})(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


def bare_id(value: Json, kind: str) -> str | None:
    """The base-36 id of a thing, from `t3_abc` or `abc`; None when it is neither or of another kind."""
    if not isinstance(value, str):
        return None
    if match := _FULL.fullmatch(value):
        return match[2] if match[1] == kind else None
    return value if _ID.fullmatch(value) else None


def full_id(value: Json, kind: str) -> str | None:
    """The id with its kind before it."""
    found = bare_id(value, kind)
    return f"{kind}_{found}" if found else None


def post_id(post: dict[str, Json]) -> str | None:
    """The id of a submission, from its `name` or its `id`."""
    return bare_id(post.get("name"), POST) or bare_id(post.get("id"), POST)


def alias(native_id: str) -> Alias:
    """The name by which a crosspost finds the post it shares."""
    return Alias(POST, native_id)


def public_name(value: Json) -> str | None:
    """A user's or community's name without `u/` or `r/`; None for `[deleted]` and what no name can be."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def user_address(name: str) -> str:
    return f"{SITE}/user/{name}/"


def community_address(name: str) -> str:
    return f"{SITE}/r/{name}/"


def post_names(text: str) -> tuple[Alias, ...]:
    """The id of the submission of an address, in any form a browser or a record shows, or of `t3_abc`."""
    match = _ADDRESS.fullmatch(text) or _SHORT.fullmatch(text)
    found = match[1].lower() if match else full_name(text)
    return (Alias(OWN_ID, found),) if found else ()


def full_name(text: str) -> str | None:
    """The id in `t3_abc`; None for anything else."""
    match = _FULL.fullmatch(text)
    return match[2] if match and match[1] == POST else None
