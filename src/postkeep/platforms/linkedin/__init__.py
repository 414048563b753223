"""LinkedIn posts as four scrapers deliver them, told apart by their content and never by a file's name."""

from __future__ import annotations

from ...model import Alias, Json
from ..by_shape import ByShape, Reader
from .harvestapi import parse_harvest
from .lasting import canonical
from .names import PLATFORM_NAME, name_in_url, post_names
from .posts import parse_company_post, parse_detail, parse_profile_post

_URNS = frozenset({"activity_urn", "share_urn", "ugcPost_urn"})
_PREFIX = "urn:li:"


class Linkedin(ByShape):
    """The LinkedIn platform."""

    name = PLATFORM_NAME
    stranger = "not a LinkedIn post"

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
    if "activity_urn" in record:
        return parse_company_post if "post_url" in record or "source_company" in record else None
    if "linkedinUrl" in record and "engagement" in record:
        # The same actor delivers comments and reactions among its posts.
        is_post = "commentary" not in record and record.get("type") not in ("comment", "reaction")
        return parse_harvest if is_post else None
    if _is_urn(record.get("urn"), record) or _is_urn(record.get("full_urn"), record):
        return parse_profile_post if "post_type" in record or "posted_at" in record else None
    post = record.get("post")
    if isinstance(post, dict) and (_is_urn(post.get("urn"), post) or name_in_url(post.get("url"))):
        return parse_detail
    return None


def _is_urn(value: Json, record: dict[str, Json]) -> bool:
    if isinstance(value, dict):
        return not _URNS.isdisjoint(value)
    if isinstance(value, str):
        return value.startswith(_PREFIX) or (value.isdecimal() and "url" in record)
    return False


PLATFORM = Linkedin()
