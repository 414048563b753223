"""What is gone, each in its own way: a list lacks it, the platform says so, or it was only we who failed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from postkeep.stages.holding import known_platform
from postkeep.stages.parts import Parts
from postkeep.store import disappeared, listings
from postkeep.store.disappeared import Line
from postkeep.views.erasing import Fact, GonePost

_PAGE = 200


class _OfPost(Protocol):
    @property
    def post_id(self) -> str: ...


_Found = TypeVar("_Found", bound=_OfPost)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A post's fact before it is known which post that is."""

    post_id: str
    fact: Fact
    since: datetime | None
    listing: str | None = None
    media: int = 0


def list_gone(
    parts: Parts, *, facts: Collection[Fact], platform: str | None, author: str | None, limit: int
) -> list[GonePost]:
    """Posts with one of these facts (none given: all but our own failures), one entry for each fact.

    At most `limit` of each of the three ways. Raises NotFound for a platform nobody knows.
    """
    if platform is not None:
        known_platform(platform)
    wanted = set(facts) or set(Fact) - {Fact.FAILED}
    found: list[GonePost] = []
    with parts.store.reading() as tx:
        for pages, of in (
            (_missing(tx), {Fact.MISSING}),
            (_said(tx), {Fact.DELETED, Fact.REMOVED, Fact.PRIVATE}),
            (_failed(tx), {Fact.FAILED}),
        ):
            if wanted & of:
                found += _first(tx, pages, wanted, platform=platform, author=author, limit=limit)
    return found


def _first(
    tx: Connection,
    pages: Iterator[list[_Seen]],
    wanted: Collection[Fact],
    *,
    platform: str | None,
    author: str | None,
    limit: int,
) -> list[GonePost]:
    found: list[GonePost] = []
    for page in pages:
        known = disappeared.lines(tx, {each.post_id for each in page}, platform=platform, author=author)
        found += [
            _told(each, known[each.post_id]) for each in page if each.post_id in known and each.fact in wanted
        ]
        if len(found) >= limit:
            break
    return found[:limit]


def _missing(tx: Connection) -> Iterator[list[_Seen]]:
    last = ""
    while owners := listings.owners(tx, limit=_PAGE, after=last):
        last = owners[-1]
        for owner in owners:
            place = ("", "")
            while page := listings.missing(tx, owner, limit=_PAGE, after=place):
                place = (page[-1].post_id, page[-1].kind)
                yield [_Seen(each.post_id, Fact.MISSING, each.missed_at, listing=each.kind) for each in page]


def _said(tx: Connection) -> Iterator[list[_Seen]]:
    for page in _pages(lambda after: listings.gone(tx, limit=_PAGE, after=after)):
        yield [_Seen(each.post_id, Fact(each.presence), each.observed_at) for each in page]


def _failed(tx: Connection) -> Iterator[list[_Seen]]:
    for page in _pages(lambda after: disappeared.failed(tx, limit=_PAGE, after=after)):
        yield [_Seen(each.post_id, Fact.FAILED, each.since, media=each.media) for each in page]


def _pages(ask: Callable[[str], Sequence[_Found]]) -> Iterator[Sequence[_Found]]:
    last = ""
    while page := ask(last):
        last = page[-1].post_id
        yield page


def _told(seen: _Seen, line: Line) -> GonePost:
    return GonePost(
        post_id=line.post_id,
        platform=line.platform,
        native_id=line.native_id,
        author=line.author,
        posted_at=line.posted_at,
        text=line.text,
        fact=seen.fact,
        since=seen.since,
        listing=seen.listing,
        media=seen.media,
    )
