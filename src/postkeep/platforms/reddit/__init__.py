"""Reddit as its API, its public pages and gallery-dl deliver it, told apart by content alone."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import ParseError, UnknownShape
from ...model import Json, Parsed
from .lasting import canonical
from .names import ACCOUNT, COMMUNITY, PLATFORM_NAME, POST, post_id
from .pages import is_comment, parse_bare, parse_listing, parse_sidecar, parse_thing
from .profiles import parse_account, parse_community

_Reader = Callable[[dict[str, Json], str | None], Parsed]

_WRAPPED: dict[str, _Reader] = {POST: parse_thing, ACCOUNT: parse_account, COMMUNITY: parse_community}
_OF_SUBMISSION = frozenset({"title", "created_utc", "subreddit"})
_OF_COMMENT = frozenset({"body", "link_id", "created_utc", "subreddit"})


class Reddit:
    """The Reddit platform; stateless, so that any thread may use it."""

    @property
    def name(self) -> str:
        return PLATFORM_NAME

    def recognises(self, record: Json) -> bool:
        """Whether the record is a list, a submission, or a user's or community's page; never raises."""
        return _reader(record) is not None

    def parse(self, record: Json, via: str | None = None) -> Parsed:
        """Read a record; raises ParseError (UnknownShape when it is none of Reddit's) and nothing else."""
        if not isinstance(record, dict):
            raise ParseError(f"not an object but {type(record).__name__}")
        reader = _reader(record)
        if reader is None:
            raise UnknownShape("nothing of Reddit's")
        return reader(record, via)

    def canonical(self, record: Json) -> bytes:
        """The record's lasting content with sorted keys; raises ParseError when nested too deeply."""
        return canonical(record)


def _reader(record: Json) -> _Reader | None:
    if not isinstance(record, dict):
        return None
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
