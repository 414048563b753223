"""Typed access to decoded JSON in which any field may hold anything: what does not fit is absent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from ..errors import ParseError
from ..model import Json, Refused

MAX_COUNT: Final = 2**31 - 1
MAX_SIDE: Final = 10**6
MAX_ID: Final = 2**63
LONGEST_URL: Final = 4000
LONGEST_NAME: Final = 1000
LONGEST_HEADLINE: Final = 5000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No social network is older than 2003; a time beyond 2100 is another unit or a mistake.
_FIRST_SECOND = int(datetime(2003, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_DIGITS = re.compile(r"[0-9]{1,20}")
_URL = re.compile(r"https?://[^\s/?#\\:@][^\s]*", re.IGNORECASE)

_UNREAD_KEYS = 50
_UNREAD_LENGTH = 80


def as_dict(value: Json) -> dict[str, Json]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Json) -> str | None:
    """The string as it is, also an empty one."""
    return value if isinstance(value, str) else None


def as_line(value: Json, limit: int) -> str | None:
    """The string without white space around it, cut at `limit` characters; None when nothing is left."""
    return (value.strip()[:limit] or None) if isinstance(value, str) else None


def as_url(value: Json) -> str | None:
    """The string when it is an http or https URL with a host and of a sane length."""
    if not isinstance(value, str) or len(value) > LONGEST_URL or not _URL.fullmatch(value):
        return None
    return value


def as_count(value: Json) -> int | None:
    """A count 0..2^31-1, also from an integral float; a bool is none."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= MAX_COUNT else None


def as_side(value: Json) -> int | None:
    """A width or height in pixels: 1..999,999."""
    count = as_count(value)
    return count if count is not None and 0 < count < MAX_SIDE else None


def as_number(value: Json) -> str | None:
    """A platform's numeric id as digits without leading zeros: 1 to 20 of them, below 2^63, not zero.

    A float is none: it may have been rounded on its way.
    """
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            return None
        value = int(value)
    return str(value) if type(value) is int and 0 < value < MAX_ID else None


def as_moment(value: Json) -> datetime | None:
    """Unix time as aware UTC, in seconds or milliseconds by its size; None outside 2003..2100."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        return None
    if _FIRST_SECOND <= value < _LAST_SECOND:
        value *= 1000
    return from_milliseconds(value)


def from_milliseconds(value: int) -> datetime | None:
    """Unix milliseconds as aware UTC; None outside 2003..2100."""
    if not _FIRST_SECOND * 1000 <= value < _LAST_SECOND * 1000:
        return None
    return _EPOCH + timedelta(milliseconds=value)


class Unread:
    """The names of what a record holds and nobody reads yet, as dotted paths."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: set[str] = set()

    def note(self, name: str) -> None:
        """Remember a name; names are cut at 80 characters."""
        self._names.add(name[:_UNREAD_LENGTH])

    def keys(self, prefix: str, value: Json, known: Set[str]) -> None:
        """Remember the keys of an object that are not among the known ones."""
        if isinstance(value, dict) and not value.keys() <= known:
            for key in value.keys() - known:
                self.note(prefix + key)

    def names(self) -> tuple[str, ...]:
        """The first 50 names in order."""
        return tuple(sorted(self._names)[:_UNREAD_KEYS]) if self._names else ()


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """The objects of a list, in order; what else it holds is left out."""
    return (entry for entry in as_list(value) if isinstance(entry, dict))


def written(value: object) -> bytes:
    """The value as JSON; raises ParseError for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        # Lone surrogates and huge numbers are nothing orjson writes, but a scraper's JSON holds them.
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ParseError(f"this is nothing JSON can hold: {error}") from error


def refusal(entry: Json, error: ParseError) -> Refused:
    """An entry of a page that cannot be read, for this reason."""
    return Refused(f"in a page: {error.message}", error.field, written(entry))
