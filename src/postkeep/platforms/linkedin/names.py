"""What a post is called: its activity id, the other names of it, and the time its id tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from ...errors import ParseError
from ...model import OWN_ID, Alias, Json
from ..fields import MAX_ID, as_moment, as_number, from_milliseconds

PLATFORM_NAME = "linkedin"
ACTIVITY = "activity"

_URN = re.compile(r"(?:urn:li:(activity|share|ugcPost):)?([0-9]{1,20})")
_IN_URL = re.compile(r"[-:](activity|share|ugcPost)[-:]([0-9]{10,20})(?![0-9])")
_SOMEWHERE = re.compile(r"urn:li:(activity|ugcPost|share):([0-9]{1,20})")
_ENDING = re.compile(r"-(activity|ugcPost|share)-([0-9]{1,20})")
_LINKEDIN_URL = re.compile(r"https?://(?:[a-z0-9-]+\.)*linkedin\.com/", re.IGNORECASE)
_TIME_SHIFT = 22


def read_urn(value: Json, bare_kind: str) -> Alias | None:
    """Read `urn:li:{kind}:{digits}` or bare digits, which are of the kind `bare_kind`."""
    if not isinstance(value, str):
        digits = as_number(value)
        return Alias(bare_kind, digits) if digits else None
    match = _URN.fullmatch(value)
    if match is None:
        return None
    number = int(match[2])
    return Alias(match[1] or bare_kind, str(number)) if 0 < number < MAX_ID else None


def name_in_url(url: Json) -> Alias | None:
    """The name that the public address of a post carries."""
    if not isinstance(url, str) or not _LINKEDIN_URL.match(url):
        return None
    match = _IN_URL.search(url)
    return read_urn(match[2], match[1]) if match else None


def names_in(urn: Json, full_urn: Json = None) -> list[Alias]:
    """All names in the fields `urn` (object, string or number) and `full_urn`, activities first, each once."""
    fields = (
        (
            (urn.get("activity_urn"), ACTIVITY),
            (urn.get("share_urn"), "share"),
            (urn.get("ugcPost_urn"), "ugcPost"),
            (full_urn, ACTIVITY),
        )
        if isinstance(urn, dict)
        else ((urn, ACTIVITY), (full_urn, ACTIVITY))
    )
    return ordered(read_urn(value, kind) for value, kind in fields if value is not None)


def ordered(names: Iterable[Alias | None]) -> list[Alias]:
    """The names without gaps and repetitions, activities first."""
    found = list(dict.fromkeys(name for name in names if name is not None))
    found.sort(key=_is_no_activity)
    return found


def own_name(urn: Json) -> Alias | None:
    """The name a record gives itself in `urn`, whatever else it names."""
    return read_urn(urn.get("activity_urn") if isinstance(urn, dict) else urn, ACTIVITY)


def urn_of(name: Alias) -> str:
    return f"urn:li:{name.kind}:{name.value}"


def address_of(name: Alias) -> str:
    """The public address under which LinkedIn finds a post by its name."""
    return f"https://www.linkedin.com/feed/update/{urn_of(name)}/"


def born(name: Alias) -> datetime | None:
    """When a post was made, read from its id (milliseconds, UTC); None when the id tells no sane time."""
    return from_milliseconds(int(name.value) >> _TIME_SHIFT)


def posted(stated: Json, name: Alias, field: str) -> datetime:
    """The stated Unix time when it is a sane one, else what the id tells; raises ParseError for neither."""
    moment = as_moment(stated) or born(name)
    if moment is None:
        raise ParseError("neither a time nor an id that tells one", field=field)
    return moment


def _is_no_activity(name: Alias) -> bool:
    return name.kind != ACTIVITY


def post_names(text: str) -> tuple[Alias, ...]:
    """The name in a URN of any kind or in a post's address, whatever stands around it; an activity is the id."""
    match = _SOMEWHERE.search(text) or _ENDING.search(text)
    if match is None:
        return ()
    name = Alias(match[1], match[2])
    return (Alias(OWN_ID, name.value), name) if name.kind == ACTIVITY else (name,)
