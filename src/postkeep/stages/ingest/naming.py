"""What in a record nobody could read may be a name: it is not kept when it names somebody who was erased."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection

from postkeep.errors import ParseError
from postkeep.model import Json
from postkeep.platforms.people import KINDS, plain_name
from postkeep.sources.decode import decode
from postkeep.stages.ingest.candidate import Rejected
from postkeep.store import tombstones
from postkeep.store.tombstones import Tombstone

PART: Final = re.compile(r"[^\s/?&#=:@,()\[\]{}\"'<>\\]+")
"""What may be a name in an address, a URN, or a broken record."""
PIECE: Final = re.compile(r"[^_.-]+")
NUMBER: Final = re.compile(r"\d{6,}")
"""A person's own id as a piece of something longer; a shorter number may be anything."""
ENDING: Final = re.compile(
    r"(?:\.(?:jpe?g|png|webp|gif|heic|mp4|m4a|mov|webm|json|xz|html?|txt|pdf))+$", re.IGNORECASE
)
_SPACE = re.compile(r"\s")


def naming_erased(tx: Connection, bad: Iterable[Rejected]) -> list[Rejected]:
    """Those of these records whose bytes name what was erased."""
    if not tombstones.page(tx, limit=1):
        return []
    return [each for each in bad if each.bad.body and tombstones.standing(tx, _stones(_names(each.bad.body)))]


def _stones(names: set[str]) -> Iterator[Tombstone]:
    for name in names:
        for platform, kinds in KINDS.items():
            yield tombstones.of_post(platform, name)
            for kind in kinds:
                yield from tombstones.of_comer(platform, kind, native_id=None, username=name)
                yield from tombstones.of_profile(platform, kind, native_id=name, username=None)


def _names(body: bytes) -> set[str]:
    try:
        texts = _texts(decode(body).value)
    except ParseError:
        texts = iter(PART.findall(body.decode(errors="replace")))
    found: set[str] = set()
    for text in texts:
        found.add(plain_name(text))
        if not _SPACE.search(text):
            for part in PART.findall(text):
                found |= {part, ENDING.sub("", part), *NUMBER.findall(part)}
    return found


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case bool() | None | float():
            return
        case int():
            yield str(value)
        case dict():
            for key, each in value.items():
                yield key
                yield from _texts(each)
        case _:
            for each in value:
                yield from _texts(each)
