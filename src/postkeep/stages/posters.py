"""Whose posts a list is to show: of a username whoever has it, or of the one profile that is named."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.ids import is_id
from postkeep.stages import whom
from postkeep.stages.reddit_sheet import is_community


@dataclass(frozen=True, slots=True)
class Poster:
    """What posts are found by: a username, or the profile_id of who wrote them or of where they stand."""

    username: str | None = None
    author_id: str | None = None
    community_id: str | None = None


def poster(tx: Connection, author: str | None) -> Poster:
    """Whose posts `author` means; a name alone is nobody in particular. Raises NotFound for another of nobody."""
    if author is None:
        return Poster()
    named = author.strip()
    if "/" not in named and not is_id(named, "prf"):
        return Poster(username=author)
    person = whom.find(tx, named)
    if is_community(person.kind):
        return Poster(community_id=person.profile_id)
    return Poster(author_id=person.profile_id)
