"""Reddit as its API, its public pages and gallery-dl deliver it, told apart by content alone."""

from __future__ import annotations

from ...model import Alias, Json
from ..by_shape import ByShape, Reader
from .lasting import canonical
from .names import ACCOUNT, COMMUNITY, PLATFORM_NAME, POST, post_id, post_names
from .pages import is_comment, parse_bare, parse_listing, parse_sidecar, parse_thing
from .profiles import parse_account, parse_community

_WRAPPED: dict[str, Reader] = {POST: parse_thing, ACCOUNT: parse_account, COMMUNITY: parse_community}
_OF_SUBMISSION = frozenset({"title", "created_utc", "subreddit"})
_OF_COMMENT = frozenset({"body", "link_id", "created_utc", "subreddit"})


class Reddit(ByShape):
    """The Reddit platform."""

    name = PLATFORM_NAME
    stranger = "nothing of Reddit's"

    def reader(self, record: dict[str, Json]) -> Reader | None:
        """Who reads a record of this shape; None for none of the shapes. Never raises."""
        return _reader(record)

    def canonical(self, record: Json) -> bytes:
        """The record's lasting content with sorted keys; raises ParseError when nested too deeply."""
        return canonical(record)

    def post_names(self, text: str) -> tuple[Alias, ...]:
        """The names of the post a text people write down means; empty for none. Never raises."""
        return post_names(text)


def _reader(record: dict[str, Json]) -> Reader | None:
    inner = record.get("data")
    if isinstance(inner, dict):
        kind = record.get("kind")
        if kind == "Listing":
            return parse_listing if isinstance(inner.get("children"), list) else None
        return _WRAPPED.get(kind) if isinstance(kind, str) else None
    if "subcategory" in record:
        is_reddit = record.get("category") == PLATFORM_NAME
        return parse_sidecar if is_reddit and (_is_submission(record) or _is_comment(record)) else None
    return parse_bare if _is_submission(record) and not is_comment(record) else None


def _is_submission(record: dict[str, Json]) -> bool:
    return post_id(record) is not None and record.keys() >= _OF_SUBMISSION


def _is_comment(record: dict[str, Json]) -> bool:
    return record.keys() >= _OF_COMMENT and is_comment(record)


PLATFORM = Reddit()
