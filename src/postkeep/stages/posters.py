"""Whose posts a list is to show: of the profile that is named, or of a username of which nothing else is known."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.stages import whom
from postkeep.stages.reddit_sheet import is_community
from postkeep.store import listing


@dataclass(frozen=True, slots=True)
class Poster:
    """What posts are found by: the profile_id of who wrote them or of where they stand, or a username."""

    username: str | None = None
    author_id: str | None = None
    community_id: str | None = None


def poster(tx: Connection, author: str | None, *, platform: str | None = None) -> Poster:
    """Whose posts `author` means, as profiles are named everywhere; raises NotFound for none and for several.

    Posts whose author has no profile are found by the username they came with.
    """
    if author is None:
        return Poster()
    try:
        person = whom.find(tx, author, platform=platform)
    except whom.Several:
        raise
    except NotFound:
        if listing.has_author(tx, author):
            return Poster(username=author)
        raise
    if is_community(person.kind):
        return Poster(community_id=person.profile_id)
    return Poster(author_id=person.profile_id)
